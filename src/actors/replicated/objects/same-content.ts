/**
 * Are two values the same? The same answer as comparing their `contentKey`s, without making them where that can be
 * avoided: for looking through a list. Pure.
 */

import { contentKey } from './content-key.js';

export function isSameContent(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b || Object.is(a, b);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSameContent(item, b[index]));
  }
  return isPlain(a) && isPlain(b) ? haveSameProperties(a, b) : contentKey(a) === contentKey(b);
}

function isPlain(object: object): object is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(object) as object | null;
  return prototype === Object.prototype || prototype === null;
}

function haveSameProperties(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSameContent(a[key], b[key]))
  );
}
