/**
 * The hooks of a class that says itself what its state is: `snapshot()` and `restore(state)`. Finds and calls them;
 * what they throw becomes an error that names the object.
 */

import { types } from 'node:util';
import { toPlainError, type ConclaveError } from '../../../errors.js';
import { invalidObject } from '../describe-class.js';
import type { LoadedObject } from '../object-definition.js';

type Hook = 'snapshot' | 'restore';

/** Does the class of this instance have hooks? A class has both of them, or neither. */
export function hasHooks(instance: object): boolean {
  return typeof hookOf(instance, 'snapshot') === 'function';
}

/** On the class, not on the instance: a field may have such a name. */
function hookOf(instance: object, hook: Hook): unknown {
  return (Object.getPrototypeOf(instance) as Record<Hook, unknown> | null)?.[hook];
}

/**
 * Calls a hook. Returns what it returns, a promise included: to be awaited only if it is one, for otherwise the object
 * may change meanwhile.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when it throws.
 */
export function callHook({ name, instance }: LoadedObject, hook: Hook, ...args: readonly unknown[]): unknown {
  try {
    const result: unknown = Reflect.apply(hookOf(instance, hook) as Function, instance, args);
    return isPromise(result)
      ? result.then(undefined, (cause: unknown) => Promise.reject(hookThrew(name, hook, cause)))
      : result;
  } catch (cause) {
    throw hookThrew(name, hook, cause);
  }
}

/** The error for a hook that threw, or an iterator that it returned. */
export function hookThrew(object: string, hook: Hook, cause: unknown): ConclaveError {
  const { message } = toPlainError(cause);
  return invalidObject(object, `has a ${hook} that throws: ${message}`, { method: hook }, cause);
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/**
 * What `snapshot` returned as a stream of chunks, or null if it is a value. Streams are generators, iterators and other
 * iterables, async ones too; but arrays, Maps, Sets and typed arrays are values.
 */
export function streamOf(state: unknown): Iterable<unknown> | AsyncIterable<unknown> | null {
  if (typeof state !== 'object' || state === null) return null;
  const isCollection =
    Array.isArray(state) ||
    types.isMap(state) ||
    types.isSet(state) ||
    ArrayBuffer.isView(state) ||
    types.isBoxedPrimitive(state);
  return !isCollection && (isAsync(state) || isIterable(state)) ? state : null;
}

function isIterable(stream: object): stream is Iterable<unknown> {
  return typeof (stream as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function';
}

/** Has it chunks that must be waited for? */
export function isAsync(stream: object): stream is AsyncIterable<unknown> {
  return typeof (stream as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function';
}
