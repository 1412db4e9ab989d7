/**
 * The decorators `@replicated` and `@query`: sugar that marks a method (see method-mark.ts) when its class is defined.
 * Standard decorators, not the legacy ones; they replace nothing and need no `Symbol.metadata`. They must not look at
 * the class, which a method's decorator cannot see: what concerns the class is checked when an object is registered.
 */

import { ConclaveError } from '../../errors.js';
import { markMethod, type MethodKind, type VersionOptions } from './method-mark.js';
import type { AnyMethod, AsyncMethodsCannotBeReplicated, IsAsync } from './method-types.js';

/** Any method of `This`. */
// oxlint-disable-next-line typescript/no-explicit-any -- as the type of a decorator's context demands
type MethodOf<This> = (this: This, ...args: any) => unknown;

/** What no method is, when the method is async. */
type NotAsync<Method extends AnyMethod> = IsAsync<Method> extends true ? AsyncMethodsCannotBeReplicated : unknown;

/** What a decorator is told about a public method that has a plain name. */
type PublicMethodContext<This, Method extends MethodOf<This>> = ClassMethodDecoratorContext<This, Method> & {
  readonly name: string;
  readonly static: false;
  readonly private: false;
};

/** A decorator of methods. */
type MethodDecorator = <This, Method extends MethodOf<This>>(
  method: Method & NotAsync<Method>,
  context: PublicMethodContext<This, Method>,
) => void;

/**
 * Marks a method that changes the object: each call goes through the log, and runs once on every replica, in the same
 * order everywhere. It must be deterministic (read time and randomness from `context()`), must not be async, and may
 * return any value that can be encoded. Write it above other decorators of the method, for one that replaces the method
 * takes the mark away with it.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT`, when the class is defined, for a method that is async, a generator,
 *   static, `#private`, an accessor, named by a symbol, or named like something that handles have.
 *
 * @example
 * export class Account {
 *   static readonly module = import.meta.url;
 *   private balance = 0;
 *   @replicated deposit(amount: number): number {
 *     return (this.balance += amount);
 *   }
 *   @query get(): number {
 *     return this.balance;
 *   }
 * }
 */
export function replicated<This, Method extends MethodOf<This>>(
  method: Method & NotAsync<Method>,
  context: PublicMethodContext<This, Method>,
): void;
/**
 * Marks a method that is what a command does from a code version of the cluster on: until then the command does what
 * the newest earlier version of it says, or cannot be called if there is none. Callers call the command, `of`, and
 * every replica does the same at the same place in the log. Keep earlier versions: the log and snapshots may still
 * speak of them.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT`, when the class is defined, as above, or for options that are none.
 *
 * @example
 * export class Account {
 *   static readonly module = import.meta.url;
 *   private balance = 0;
 *   @replicated deposit(amount: number): number {
 *     return (this.balance += amount);
 *   }
 *   @replicated({ version: 1, of: 'deposit' }) depositRounded(amount: number): number {
 *     return (this.balance += Math.round(amount));
 *   }
 * }
 */
export function replicated(options: VersionOptions): MethodDecorator;
export function replicated(first: unknown, context?: unknown): unknown {
  if (typeof first !== 'object' || first === null || context !== undefined) {
    mark(first, context as MarkContext, 'replicated');
    return undefined;
  }
  const { version, of, ...unknown } = first as VersionOptions;
  const [key] = Object.keys(unknown);
  if (key !== undefined) throw refusal('@replicated', undefined, `has no option ${key}; there are version and of`);
  const decorate: MethodDecorator = (method, itsContext) =>
    mark(method, itsContext, 'replicated', { version, ...(of === undefined ? {} : { of }) });
  return decorate;
}

/**
 * Marks a method that only reads: it never enters the log and runs on one replica. It must not change the object, for
 * the other replicas would not follow. Otherwise it obeys the same rules as {@link replicated}, which has an example.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT`, when the class is defined, as for {@link replicated}.
 */
export function query<This, Method extends MethodOf<This>>(
  method: Method & NotAsync<Method>,
  context: PublicMethodContext<This, Method>,
): void {
  mark(method, context, 'query');
}

/** What of its context a decorator looks at. */
interface MarkContext {
  readonly kind: string;
  readonly name: string | symbol;
  readonly static: boolean;
  readonly private: boolean;
}

/** Checks what the types say already, for callers without types. */
function mark(method: unknown, context: MarkContext, kind: MethodKind, options?: VersionOptions): void {
  const decorator = `@${kind}`;
  if (typeof context !== 'object' || context === null || typeof context.kind !== 'string') {
    throw refusal(
      decorator,
      undefined,
      'was not called as a standard decorator: write it without empty parentheses, and switch off experimentalDecorators',
    );
  }
  const { name } = context;
  if (context.kind !== 'method' || typeof method !== 'function') {
    throw refusal(decorator, name, `is for methods, not for ${context.kind} definitions: write a method instead`);
  }
  if (typeof name === 'symbol') throw refusal(decorator, name, 'needs a name that can be called: use a plain one');
  if (context.private) throw refusal(decorator, name, 'cannot mark a #private method: make it public');
  if (context.static)
    throw refusal(decorator, name, 'cannot mark a static method: only an object has replicated state');
  markMethod(method, name, kind, options);
}

function refusal(decorator: string, name: string | symbol | undefined, complaint: string): ConclaveError {
  const on = name === undefined ? '' : ` on ${String(name)}`;
  return new ConclaveError('ERR_INVALID_OBJECT', `${decorator}${on} ${complaint}.`, {
    data: name === undefined ? {} : { method: String(name) },
  });
}
