/**
 * The one place where it is written that a method is replicated or a query: a mark on the method's own function. The
 * decorators and `defineObject` both end here, and `describeClass` reads it by walking the prototype chain, which is
 * what makes inheritance work. The mark is a registered symbol, so that it also holds where two copies of this package
 * meet, as happens in bundles and linked packages.
 */

import { types } from 'node:util';
import { ConclaveError } from '../../errors.js';

/** What a call of a method means: a command that goes through the log, or a read. */
export type MethodKind = 'replicated' | 'query';

const MARK = Symbol.for('conclave.method');

/** Names that a handle or the runtime uses itself; a method called so could never be reached. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'constructor',
  '__proto__',
  'snapshot',
  'restore',
  'then',
  'toJSON',
  'with',
  'tell',
  'watch',
]);

/** Longer names than this are refused: they travel in every block that uses them. */
const METHOD_NAME_LENGTH_MAX = 128;

/**
 * Marks a method.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when the method cannot be replicated as it is written.
 */
export function markMethod(method: Function, name: string, kind: MethodKind): void {
  assertMarkable(method, name, kind);
  Object.defineProperty(method, MARK, { value: kind, configurable: true });
}

/** Throws what {@link markMethod} would throw, and marks nothing. */
export function assertMarkable(method: Function, name: string, kind: MethodKind): void {
  const complaint = complaintAbout(method, name) ?? conflictWith(markOf(method), kind);
  if (complaint === undefined) return;
  throw new ConclaveError('ERR_INVALID_OBJECT', `The ${kind} method ${name} ${complaint}.`, { data: { method: name } });
}

/** The mark that a function itself carries. */
export function markOf(method: Function): MethodKind | undefined {
  const mark = Object.getOwnPropertyDescriptor(method, MARK)?.value as unknown;
  return mark === 'replicated' || mark === 'query' ? mark : undefined;
}

/** Why a function cannot be called as a method of a replicated object, as the end of a sentence, if it cannot. */
export function complaintAbout(method: Function, name: string): string | undefined {
  if (RESERVED_NAMES.has(name)) return 'has a name that handles use themselves: rename it';
  if (name.length === 0 || name.length > METHOD_NAME_LENGTH_MAX) {
    return `must have a name of 1 to ${METHOD_NAME_LENGTH_MAX} characters`;
  }
  if (types.isGeneratorFunction(method)) return 'is a generator: return an array instead';
  if (types.isAsyncFunction(method)) {
    return (
      'is async: a command runs to its end on every replica before the next one starts, so do the waiting before ' +
      'you call it and pass what you waited for as an argument'
    );
  }
  return undefined;
}

function conflictWith(earlier: MethodKind | undefined, kind: MethodKind): string | undefined {
  return earlier === undefined || earlier === kind ? undefined : `is marked as ${earlier} already: choose one`;
}
