/**
 * The types of handles: what a class looks like to those who call its replicated object from outside. Types only; the
 * handles themselves are made by HandleFactory.
 */

import type { Consistency } from './call.js';
import type { Changes, KeyOf, ObjectState, WatchOptions } from './changes/changes.js';
import type { ObjectDefinition, ObjectDefinitions } from './object-definition.js';
import type { AnyMethod, AsyncMethodsCannotBeReplicated, IsAsync } from './method-types.js';

/** How one call is to be made, where the defaults will not do. */
export interface CallOptions {
  /**
   * How fresh a query's answer must be. Commands are always linearizable.
   *
   * - `linearizable` (the default): it reflects every call that had ended before this one began. A round trip from the
   *   leader to a quorum, shared by all queries of the moment.
   * - `lease`: the same without the round trip, as long as clocks run at nearly the same speed.
   * - `local`: what this node has, at once. May be old, and never goes back.
   */
  readonly consistency?: Consistency;
  /** How long to wait for the answer, in milliseconds, before `ERR_TIMEOUT`. */
  readonly timeoutMs?: number;
  /** Ends the wait with `ERR_ABORTED`; a command that has been sent may be applied all the same. */
  readonly signal?: AbortSignal;
}

/** What a handle cannot have from the class: the snapshot hooks, and the names that it uses itself. */
type HiddenName = 'snapshot' | 'restore' | 'constructor' | 'with' | 'tell' | 'watch' | 'then' | 'toJSON';

/** The names of a class's public methods. */
type MethodName<T, K extends keyof T> = K extends HiddenName | symbol | number
  ? never
  : T[K] extends AnyMethod
    ? K
    : never;

/** A method as a handle has it. */
type RemoteMethod<Method> = Method extends AnyMethod
  ? IsAsync<Method> extends true
    ? AsyncMethodsCannotBeReplicated
    : (...args: Parameters<Method>) => Promise<ReturnType<Method>>
  : never;

/** A method as `tell` has it. */
type ToldMethod<Method> = Method extends AnyMethod
  ? IsAsync<Method> extends true
    ? AsyncMethodsCannotBeReplicated
    : (...args: Parameters<Method>) => void
  : never;

/** How a call is to wait. */
export interface WaitOptions {
  /** Ends the wait with `ERR_ABORTED`; the call has done nothing then. */
  readonly signal: AbortSignal;
}

/** What a method that can wait returns once it need not wait any more: by the class's `waits`. */
type WaitedFor<T, K> = T extends { readonly waits: infer Waits } ? (K extends keyof Waits ? Waits[K] : never) : never;

/** The same method, called with a signal. */
type WaitingMethod<T, K extends keyof T> = [WaitedFor<T, K>] extends [never]
  ? unknown
  : T[K] extends AnyMethod
    ? (...args: [...Parameters<T[K]>, WaitOptions]) => Promise<WaitedFor<T, K>>
    : unknown;

/**
 * The queries that can be asked as a watch begins, as far as types can tell: those that need no argument, or the key.
 */
type ReadName<T, Args extends readonly unknown[]> = {
  [K in keyof T]-?: K extends string ? (T[K] extends (...args: Args) => unknown ? K : never) : never;
}[keyof T] &
  string;

/** What comes first when `Read` is asked for. */
type StateOf<T, Read> = Read extends keyof T
  ? ObjectState<T[Read] extends AnyMethod ? ReturnType<T[Read]> : never>
  : never;

/** What the handle has whose class says what its changes are: `declare readonly changes: …`. */
export interface WatchControls<T, Change> {
  /**
   * Tells what changes in the object, as this server applies it. With a key, only what concerns this key; see
   * {@link Changes}. It begins with what this server has: everything behind that is told.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION`. Everything else is for the reader of the changes to hear.
   */
  watch<Read extends ReadName<T, []> = never>(options?: WatchOptions<Read>): Changes<Change | StateOf<T, Read>>;
  watch<Read extends ReadName<T, [KeyOf<Change>]> = never>(
    key: KeyOf<Change> | undefined,
    options?: WatchOptions<Read>,
  ): Changes<Change | StateOf<T, Read>>;
}

/** What every handle has besides the methods of its object. */
export interface HandleControls<T> {
  /** A handle to the same object whose calls are made with these options; those left out stay as they are. */
  with(options: CallOptions): RemoteOf<T>;
  /**
   * The replicated methods once more, without an answer: nothing tells whether or when the command was applied, or what
   * it returned. It is still applied exactly once, unless this node dies or stops first.
   */
  readonly tell: TellOf<T>;
}

/**
 * The handle to a replicated `T`: each public method of `T`, returning a promise, and {@link HandleControls}. Fields,
 * accessors and the snapshot hooks are absent; an async method is there as something that cannot be called, whose type
 * says why.
 *
 * Types do not know which methods are marked, so that an unmarked public method is there too, and using it throws
 * `ERR_UNKNOWN_METHOD`: make helpers private. Of an overloaded method TypeScript keeps the last signature, and of a
 * generic method its constraints in place of its type parameters; type parameters of the class are kept.
 *
 * @example
 * async function visit(hits: RemoteOf<ReplCounter>): Promise<number> {
 *   hits.tell.inc();
 *   return hits.with({ consistency: 'local', timeoutMs: 500 }).get();
 * }
 */
export type RemoteOf<T> = {
  readonly [K in keyof T as MethodName<T, K>]: RemoteMethod<T[K]> & WaitingMethod<T, K>;
} & HandleControls<T> &
  (T extends { readonly changes: infer Change } ? WatchControls<T, Change> : unknown);

/** The methods of a replicated `T` as commands that are told and forgotten; see {@link HandleControls}. */
export type TellOf<T> = { readonly [K in keyof T as MethodName<T, K>]: ToldMethod<T[K]> };

/** The object that a class or a definition makes. */
export type ObjectOf<Definition> =
  Definition extends ObjectDefinition<infer T> ? T : Definition extends new (...args: never) => infer T ? T : never;

/** Registered objects themselves, by their names. */
export type ObjectsOf<Definitions extends ObjectDefinitions> = {
  readonly [Name in keyof Definitions]: ObjectOf<Definitions[Name]>;
};

/** The handles to registered objects, by their names. */
export type HandlesOf<Definitions extends ObjectDefinitions> = {
  readonly [Name in keyof Definitions]: RemoteOf<ObjectOf<Definitions[Name]>>;
};
