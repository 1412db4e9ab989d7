/**
 * Handles: what the user's code holds instead of a replicated object. Each marked method becomes one that hands its
 * call to the Caller. On the caller's thread, like everything that the user touches.
 */

import { ConclaveError } from '../../errors.js';
import { TIMEOUT_MS_MAX } from '../../runtime/clock.js';
import type { Attendant } from './attendant.js';
import { MethodName } from './block-names.js';
import { CONSISTENCIES, ORDINARY_CALL, type Call, type Consistency } from './call.js';
import type { Caller } from './caller.js';
import { createdName } from './command-name.js';
import { isChangeKey } from './changes/change-key.js';
import { isChangePlace, type ChangePlace } from './changes/change-place.js';
import type { Changes, WatchOptions } from './changes/changes.js';
import type { WaitingMethod } from './describe-class.js';
import type { MethodKind } from './method-mark.js';
import type { ResolvedObject } from './object-definition.js';
import type { CallOptions } from './remote-of.js';
import { WaitingCalls } from './waiting-calls.js';

const CALL_OPTIONS: ReadonlySet<string> = new Set([
  'consistency',
  'timeoutMs',
  'signal',
] satisfies (keyof CallOptions)[]);

const WATCH_OPTIONS: ReadonlySet<string> = new Set(['signal', 'from', 'read'] satisfies (keyof WatchOptions)[]);

/** What `console.log` calls, which would otherwise ask a handle for all manner of members. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

type RemoteMethod = (...args: unknown[]) => Promise<unknown>;

/** What a handle needs to know of its object. */
export type ObjectFace = Pick<ResolvedObject, 'name' | 'methods' | 'commands'> & Partial<Pick<ResolvedObject, 'waits'>>;

/** Makes the handles of one object; the names of its methods are shared by all of them. */
export class HandleFactory {
  readonly #caller: Caller;
  readonly #object: string;
  /** As its user calls it. */
  readonly #shownName: string;
  readonly #methods: ReadonlyMap<string, MethodKind>;
  readonly #commands: ResolvedObject['commands'];
  /** A name belongs to one lane of blocks, so a query has one for each consistency. */
  readonly #names = new Map<string, MethodName>();
  readonly #waits: ReadonlyMap<string, WaitingMethod>;
  readonly #missing: object;
  readonly #missingTold: object;
  /** What an attendant adds. */
  #extras: Attendant['methods'] = {};

  constructor(caller: Caller, { name: object, methods, commands, waits = {} }: ObjectFace) {
    this.#caller = caller;
    this.#object = object;
    this.#shownName = createdName(object)?.object ?? object;
    this.#methods = methods;
    this.#commands = commands;
    this.#waits = new Map(Object.entries(waits));
    this.#missing = missingMembers(this.#shownName, methods, false);
    this.#missingTold = missingMembers(this.#shownName, methods, true);
  }

  /** What handles have from now on besides the object's methods. */
  add(methods: Attendant['methods']): void {
    this.#extras = methods;
  }

  /** A handle whose queries have this consistency, and whose calls are made as `call` says. */
  handle(consistency: Consistency = 'linearizable', call: Call = ORDINARY_CALL): object {
    const handle = Object.create(this.#missing) as Record<string, unknown>;
    for (const [method, kind] of this.#methods) {
      handle[method] = kind === 'replicated' ? this.#command(method, call) : this.#query(method, consistency, call);
    }
    Object.assign(handle, this.#extras);
    handle['with'] = (options: CallOptions): object => {
      checkCallOptions(options);
      return this.handle(options.consistency ?? consistency, {
        timeoutMs: options.timeoutMs ?? call.timeoutMs,
        signal: options.signal ?? call.signal,
      });
    };
    handle['watch'] = (...args: unknown[]): Changes => this.#watch(args, call);
    Object.defineProperty(handle, 'tell', { enumerable: true, configurable: true, get: () => this.#tells(handle) });
    return handle;
  }

  #command(method: string, call: Call): RemoteMethod {
    const caller = this.#caller;
    const name = this.#name(method, 'command');
    const waiting = this.#waits.get(method);
    if (waiting === undefined) return (...args) => caller.command(name, args, call);
    return (...args) => {
      const signal = signalIn(args.at(-1));
      if (signal === null) return caller.command(name, args, call);
      return WaitingCalls.of(caller, this.#object, name, waiting).call(args.slice(0, -1), signal, call);
    };
  }

  #watch(args: readonly unknown[], { signal: ownSignal }: Call): Changes {
    const [first, second] = args;
    const hasKey = first !== undefined && (typeof first !== 'object' || first === null);
    if (hasKey && !isChangeKey(first))
      throw invalid('key', `must be a string, number, bigint or boolean, not ${shown(first)}`);
    const options = (hasKey || first === undefined ? second : first) ?? {};
    const { signal, from, read } = this.#checkedWatch(options);
    return this.#caller.watch({
      object: this.#object,
      key: hasKey ? first : undefined,
      from: from === undefined ? null : placeOf(from),
      read: read ?? null,
      signal: signal ?? ownSignal,
    });
  }

  #checkedWatch(given: object): WatchOptions {
    if (typeof given !== 'object' || given instanceof AbortSignal)
      throw invalid('options', `must be an object, of signal, from and read, not ${kindOf(given)}`);
    const options: WatchOptions = given;
    const { signal, from, read } = options;
    const unknown = Object.keys(options).find((key) => !WATCH_OPTIONS.has(key));
    if (unknown !== undefined) throw invalid(unknown, 'is not an option of watch; there are signal, from and read');
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'must be an AbortSignal');
    if (from !== undefined && !isChangePlace(from))
      throw invalid('from', 'must be what `at` of an earlier watch has said');
    if (read !== undefined && this.#methods.get(read) !== 'query') {
      throw invalid('read', `must be the name of a query of ${this.#shownName}, not ${shown(read)}`);
    }
    if (read !== undefined && from !== undefined)
      throw invalid('read', 'begins with the state, and from goes on: give one of them');
    return options;
  }

  #query(method: string, consistency: Consistency, call: Call): RemoteMethod {
    const caller = this.#caller;
    const name = this.#name(method, consistency);
    return (...args) => caller.query(name, args, consistency, call);
  }

  /** Made at the first use and kept in the handle. */
  #tells(handle: object): object {
    const tells = Object.create(this.#missingTold) as Record<string, unknown>;
    const caller = this.#caller;
    for (const [method, kind] of this.#methods) {
      if (kind !== 'replicated') continue;
      const name = this.#name(method, 'command');
      tells[method] = (...args: unknown[]): void => caller.tellCommand(name, args);
    }
    Object.defineProperty(handle, 'tell', { value: tells, enumerable: true });
    return tells;
  }

  #name(method: string, lane: 'command' | Consistency): MethodName {
    const key = `${lane} ${method}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      const since = lane === 'command' ? this.#commands.get(method)?.[0]?.version : 0;
      name = new MethodName(this.#object, method, since);
      this.#names.set(key, name);
    }
    return name;
  }
}

/** What there is of a place, and no more: it goes to another thread, where a Proxy or a function cannot go. */
function placeOf({ index, command, change }: ChangePlace): ChangePlace {
  return { index, command, change };
}

/** Stands behind a handle: what the handle itself does not have ends here, with a clear error. */
function missingMembers(object: string, methods: ReadonlyMap<string, MethodKind>, isTold: boolean): object {
  const names = [...methods.keys()].join(', ');
  return new Proxy(Object.create(null) as object, {
    get(_target, member) {
      if (member === INSPECT) return () => `[handle to ${object}: ${names}]`;
      // A handle may be returned from an async function and be printed: these are asked for by the language itself.
      if (typeof member === 'symbol' || member === 'then' || member === 'toJSON' || member === 'constructor') {
        return undefined;
      }
      const complaint =
        isTold && methods.get(member) === 'query'
          ? `${object}.${member} is a query; tell is for replicated methods.`
          : `${object} has no replicated method or query ${member}; it has ${names}. Mark the method with ` +
            '@replicated or @query, or name it in defineObject.';
      throw new ConclaveError('ERR_UNKNOWN_METHOD', complaint, { data: { object, method: member } });
    },
  });
}

/**
 * The signal of a call that waits; null: it does not. No command can be given a signal, so that nothing is mistaken for
 * one.
 */
function signalIn(options: unknown): AbortSignal | null {
  if (typeof options !== 'object' || options === null || !('signal' in options)) return null;
  return options.signal instanceof AbortSignal ? options.signal : null;
}

function checkCallOptions(options: CallOptions): void {
  if (typeof options !== 'object' || options === null || options instanceof AbortSignal)
    throw invalid('options', `must be an object, of consistency, timeoutMs and signal, not ${kindOf(options)}`);
  const { consistency, timeoutMs, signal } = options;
  const unknown = Object.keys(options).find((key) => !CALL_OPTIONS.has(key));
  if (unknown !== undefined)
    throw invalid(unknown, 'is not an option of a call; there are consistency, timeoutMs and signal');
  if (consistency !== undefined && !CONSISTENCIES.includes(consistency)) {
    throw invalid('consistency', `must be 'linearizable', 'lease' or 'local', not ${shown(consistency)}`);
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX)) {
    throw invalid('timeoutMs', `must be a number above 0 and at most ${TIMEOUT_MS_MAX}, not ${shown(timeoutMs)}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'must be an AbortSignal');
}

/** A signal has no keys of its own: taken for options, what was to end a wait would be passed over without a word. */
function kindOf(value: unknown): string {
  return value instanceof AbortSignal ? 'an AbortSignal' : typeof value;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `the string ${JSON.stringify(value)}` : String(value);
}

function invalid(option: string, what: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option} ${what}.`, { data: { option } });
}
