/**
 * What stands for a value where values are told apart by their content, for identity does not survive the wire: two
 * values have the same key exactly when they are the same to the ready-made objects. Pure; for values that a command
 * can carry, whose nesting is bounded.
 */

import { types } from 'node:util';

/** Before the key of whatever is not its own key, so that no string is taken for it. */
const MARK = '\0';

/**
 * The key of a value, to be compared as Map compares: a primitive, which is itself except for some strings, or a text
 * for anything else. What is the same:
 *
 * - primitives as in Set and `Array.includes`: `NaN` is itself, `-0` is `0`, and `1`, `1n` and `'1'` are three values;
 * - arrays with the same items in the same order; plain objects with the same keys and values, in any order and with or
 *   without a prototype; Maps and Sets with the same content, in any order;
 * - dates of the same time; ArrayBuffers, and views of the same type, with the same bytes.
 */
export function contentKey(value: unknown): unknown {
  if (typeof value === 'string') return value.charCodeAt(0) === 0 ? MARK + textOf(value) : value;
  return typeof value === 'object' && value !== null ? MARK + textOf(value) : value;
}

/** Differs wherever values do: strings are quoted, and each kind of container has brackets of its own. */
function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      // Also for -0.
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : textOfContainer(value);
    default:
      return String(value);
  }
}

function textOfContainer(container: object): string {
  if (Array.isArray(container)) return `[${container.map(textOf).join()}]`;
  if (types.isMap(container)) return `Map{${entriesText(container)}}`;
  if (types.isSet(container)) return `Set{${Array.from(container, textOf).toSorted().join()}}`;
  if (types.isDate(container)) return `Date(${container.getTime()})`;
  if (types.isAnyArrayBuffer(container)) return `ArrayBuffer(${Buffer.from(container).toString('base64')})`;
  if (ArrayBuffer.isView(container)) {
    const { buffer, byteOffset, byteLength } = container;
    const bytes = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
    return `${(container as Uint8Array | DataView)[Symbol.toStringTag]}(${bytes})`;
  }
  return `{${entriesText(Object.entries(container))}}`;
}

function entriesText(entries: Iterable<readonly [unknown, unknown]>): string {
  return Array.from(entries, ([key, value]) => `${textOf(key)}:${textOf(value)}`)
    .toSorted()
    .join();
}
