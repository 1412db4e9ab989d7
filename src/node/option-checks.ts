/**
 * Checks of single values that users give, and how it is said that one is wrong: which option, what it must be, what it
 * is. Pure.
 */

import { ConclaveError } from '../errors.js';

/** Refuses options that are none of these. */
export function checkKnown(options: unknown, known: readonly string[]): void {
  // A signal has no keys of its own: what was to end a wait would be passed over without a word.
  if (typeof options !== 'object' || options === null || options instanceof AbortSignal)
    throw invalid('options', options, `must be an object, of ${known.join(', ')}`);
  for (const [key, value] of Object.entries(options)) {
    if (known.includes(key)) continue;
    throw invalid(key, value, `is not an option; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`);
  }
}

export function checkBoolean(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(option, value, 'must be true or false');
  return value;
}

export function checkFunction<T>(option: string, value: T): T {
  if (typeof value !== 'function') throw invalid(option, value, 'must be a function');
  return value;
}

export function checkUrl(option: string, value: unknown): URL {
  if (!(value instanceof URL)) throw invalid(option, value, 'must be a URL object');
  return value;
}

/** @throws ConclaveError `ERR_INVALID_OPTION`. */
export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  if (!Number.isInteger(value)) throw invalid(option, value, `must be a whole number from ${min} to ${max}`);
  return checkNumber(option, value, min, max);
}

export function checkNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    // Rounded down: what is shown is allowed.
    throw invalid(option, value, `must be a number from ${min} to ${Math.floor(max * 100) / 100}`);
  }
  return value;
}

export function invalid(option: string, value: unknown, what: string): ConclaveError {
  const shown = describe(value);
  return refused(option, shown, `${what}. It is ${shown}`);
}

export function refused(option: string, value: string, complaint: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option} ${complaint}.`, { data: { option, value } });
}

function nameOf(value: Function): string {
  return typeof value.name === 'string' && value.name !== '' ? `the function ${value.name}` : 'a function';
}

export function describe(value: unknown): string {
  if (typeof value === 'function') return nameOf(value);
  if (typeof value === 'number') return String(value);
  try {
    return (
      JSON.stringify(value, (_key, part: unknown) => (typeof part === 'function' ? nameOf(part) : part)) ??
      String(value)
    );
  } catch {
    return Object.prototype.toString.call(value);
  }
}
