/** Checks of what users of locks and elections give. Pure. */

import { PERMITS_MAX, TTL_MS_MAX, TTL_MS_MIN } from '../actors/coordination/coordination.js';
import { ConclaveError } from '../errors.js';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import { TTL_MS_DEFAULT } from './defaults.js';
import type { WaitOptions } from './patience.js';

/** How long a name may be, in bytes of UTF-8. */
export const NAME_BYTES_MAX = 512;

/** @throws ConclaveError `ERR_INVALID_OPTION`. */
export function checkKnown(options: object, known: readonly string[]): void {
  // A signal has no keys of its own: what was to end the wait would be passed over without a word.
  const isObject = typeof options === 'object' && options !== null && !(options instanceof AbortSignal);
  if (!isObject) throw invalid('options', `must be an object, of ${known.join(', ')}`);
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw invalid(unknown, known.length === 0 ? 'is not an option' : `is not an option; there are ${known.join(', ')}`);
}

export function checkName(name: unknown): string {
  if (typeof name !== 'string' || !isShort(name))
    throw invalid('name', `must be a string of up to ${NAME_BYTES_MAX} bytes`);
  return name;
}

/** A character of JavaScript's is three bytes at most. */
function isShort(name: string): boolean {
  if (name.length * 3 <= NAME_BYTES_MAX) return true;
  return new TextEncoder().encode(name.slice(0, 2 * NAME_BYTES_MAX)).length <= NAME_BYTES_MAX;
}

export function checkTtl(ttlMs: number = TTL_MS_DEFAULT, option = 'ttlMs'): number {
  return checkWhole(option, ttlMs, TTL_MS_MIN, TTL_MS_MAX);
}

export function checkPermits(permits: unknown): number {
  return checkWhole('permits', permits, 1, PERMITS_MAX);
}

/** @throws ConclaveError `ERR_INVALID_OPTION`. */
export function checkWaiting(options: WaitOptions): WaitOptions {
  checkKnown(options, ['signal', 'timeoutMs']);
  const { signal, timeoutMs } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'must be an AbortSignal');
  const isTimeout = typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs <= TIMEOUT_MS_MAX;
  if (timeoutMs !== undefined && !isTimeout) throw invalid('timeoutMs', `must be a number from 0 to ${TIMEOUT_MS_MAX}`);
  return options;
}

/**
 * @param what ends the sentence that says what is missing
 * @throws ConclaveError `ERR_INVALID_OPTION` for what has not this method, such as a promise that was not awaited.
 */
export function checkMethod(option: string, value: unknown, method: string, what: string): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function') return;
  throw invalid(option, `${what}${value instanceof Promise ? ', and is a promise of one: await it first' : ''}`);
}

export function invalid(option: string, what: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option} ${what}.`, { data: { option } });
}

function checkWhole(option: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw invalid(option, `must be a whole number from ${min} to ${max}, not ${String(value)}`);
}
