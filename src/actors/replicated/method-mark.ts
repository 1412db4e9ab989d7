/**
 * The one place where it is written that a method is replicated or a query: a mark on the method's own function. The
 * decorators and `defineObject` both end here, and `describeClass` reads it by walking the prototype chain, which is
 * what makes inheritance work. The mark is a registered symbol, so that it also holds where two copies of this package
 * meet, as happens in bundles and linked packages.
 */

import { types } from 'node:util';
import { ConclaveError } from '../../errors.js';
import { isWellFormed } from './value-forms.js';

/** What a call of a method means: a command that goes through the log, or a read. */
export type MethodKind = 'replicated' | 'query';

/** What a mark says of its method. */
export interface MethodMark {
  readonly kind: MethodKind;
  /** The code version from which on the method is what the command does. */
  readonly version: number;
  /** The command that the method carries out; null: the one of its own name. */
  readonly of: string | null;
}

/** From which code version on a method is what a command does, and of which command. */
export interface VersionOptions {
  /** A whole number from 0 to 1,000,000,000. What says nothing is of version 0, from which every cluster starts. */
  readonly version: number;
  /** The command that callers call. Default: the method's own name. */
  readonly of?: string;
}

/** The highest code version that there may be. */
export const CODE_VERSION_MAX = 1_000_000_000;

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
export function markMethod(method: Function, name: string, kind: MethodKind, options?: VersionOptions): void {
  assertMarkable(method, name, kind);
  const { version = 0, of = null } = options ?? {};
  const complaint =
    complaintAboutVersion(version) ??
    (of === null ? undefined : complaintAboutName(of)) ??
    conflictWithVersion(markOf(method), version, of);
  if (complaint !== undefined) throw refusal(name, kind, complaint);
  const mark: MethodMark = { kind, version, of };
  Object.defineProperty(method, MARK, { value: mark, configurable: true });
}

/** Throws what {@link markMethod} would throw, and marks nothing. */
export function assertMarkable(method: Function, name: string, kind: MethodKind): void {
  const complaint = complaintAbout(method, name) ?? conflictWith(markOf(method), kind);
  if (complaint !== undefined) throw refusal(name, kind, complaint);
}

/** The mark that a function itself carries. */
export function markOf(method: Function): MethodMark | undefined {
  return Object.getOwnPropertyDescriptor(method, MARK)?.value as MethodMark | undefined;
}

/** Why a number cannot be a code version, as the end of a sentence, if it cannot. */
export function complaintAboutVersion(version: unknown): string | undefined {
  const isVersion = Number.isInteger(version) && (version as number) >= 0 && (version as number) <= CODE_VERSION_MAX;
  return isVersion ? undefined : `must have a version that is a whole number from 0 to ${CODE_VERSION_MAX}`;
}

/** Why a function cannot be called as a method of a replicated object, as the end of a sentence, if it cannot. */
export function complaintAbout(method: Function, name: string): string | undefined {
  const complaint = complaintAboutName(name);
  if (complaint !== undefined) return complaint;
  if (types.isGeneratorFunction(method)) return 'is a generator: return an array instead';
  if (types.isAsyncFunction(method)) {
    return (
      'is async: a command runs to its end on every replica before the next one starts, so do the waiting before ' +
      'you call it and pass what you waited for as an argument'
    );
  }
  return undefined;
}

/** Why nothing that is called can have this name, as the end of a sentence, if it cannot. */
function complaintAboutName(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'must be of a command with a name';
  if (RESERVED_NAMES.has(name)) return 'has a name that handles use themselves: rename it';
  const isShort = name.length > 0 && name.length <= METHOD_NAME_LENGTH_MAX;
  if (!isShort) return `must have a name of 1 to ${METHOD_NAME_LENGTH_MAX} characters`;
  // It would be another name when it has been through UTF-8, and no replica would know it.
  return isWellFormed(name) ? undefined : 'has half of a character in its name: rename it';
}

function conflictWith(earlier: MethodMark | undefined, kind: MethodKind): string | undefined {
  return earlier === undefined || earlier.kind === kind
    ? undefined
    : `is marked as ${earlier.kind} already: choose one`;
}

/** The earlier one would be lost. */
function conflictWithVersion(earlier: MethodMark | undefined, version: number, of: string | null): string | undefined {
  return earlier === undefined || (earlier.version === version && earlier.of === of)
    ? undefined
    : 'is marked for another version or command already: give each a method of its own';
}

function refusal(name: string, kind: MethodKind, complaint: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OBJECT', `The ${kind} method ${name} ${complaint}.`, {
    data: { method: name },
  });
}
