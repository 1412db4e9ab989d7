/**
 * Explains why a value cannot be encoded: a second walk, taken only after encoding has failed, that finds the path to
 * the first thing that is to blame and says what it is. Reads the value, getters included, and never throws.
 */

import { types } from 'node:util';
import { ConclaveError } from '../../errors.js';
import { ARRAY_LENGTH_MAX, hasForm, isPlainArray, isWellFormed, NESTING_MAX } from './value-forms.js';

/** Where and what. The path is collected from the inside out. */
interface Finding {
  readonly found: string;
  readonly advice: string;
  readonly path: string[];
}

/**
 * The error for a value that could not be encoded.
 *
 * @param root what the value is called at the start of the path, as `args` in `args[0].items[3].onClick`
 * @param depth the nesting level at which the value stands
 */
export function notEncodable(value: unknown, root: string, depth: number, cause: unknown): ConclaveError {
  const finding = find(value, depth, new Set());
  if (finding === undefined) {
    return new ConclaveError('ERR_NOT_ENCODABLE', `${root} cannot be encoded.`, {
      data: { path: root, found: 'a value that changes or throws while it is read' },
      ...(cause instanceof Error ? { cause } : {}),
    });
  }
  const path = root + finding.path.toReversed().join('');
  return new ConclaveError(
    'ERR_NOT_ENCODABLE',
    `${path} cannot be encoded: it is ${finding.found}. ${finding.advice}`,
    {
      data: { path, found: finding.found },
    },
  );
}

const PASS_DATA = 'Pass data: primitives, arrays, plain objects, Map, Set, Date, typed arrays.';

function find(value: unknown, depth: number, ancestors: Set<object>): Finding | undefined {
  switch (typeof value) {
    case 'function':
      return blame(types.isProxy(value) ? 'a proxy of a function' : 'a function', PASS_DATA);
    case 'symbol':
      return blame('a symbol', PASS_DATA);
    case 'string':
      return isWellFormed(value) ? undefined : blameSurrogate('a string');
    case 'object':
      return value === null ? undefined : findInObject(value, depth, ancestors);
    default:
      return undefined;
  }
}

function findInObject(object: object, depth: number, ancestors: Set<object>): Finding | undefined {
  if (ancestors.has(object)) return blame('a cycle, for it refers back to what contains it', 'Pass a tree.');
  if (depth > NESTING_MAX) return blame(`nested deeper than ${NESTING_MAX} levels`, 'Pass something flatter.');
  ancestors.add(object);
  try {
    return findInContainer(object, depth, ancestors);
  } catch (error) {
    return blame(`an object that throws while it is read (${messageOf(error)})`, PASS_DATA);
  } finally {
    ancestors.delete(object);
  }
}

function findInContainer(object: object, depth: number, ancestors: Set<object>): Finding | undefined {
  if (Array.isArray(object)) return findInArray(object, depth, ancestors);
  if (!hasForm(object)) return blameInstance(object);
  if (types.isMap(object)) return findInMap(object, depth, ancestors);
  if (types.isSet(object)) return findInList([...object], (index) => `.values()[${index}]`, depth, ancestors);
  if (types.isDate(object) || types.isAnyArrayBuffer(object) || ArrayBuffer.isView(object)) return undefined;
  for (const key of Object.keys(object)) {
    if (!isWellFormed(key)) return within(blameSurrogate('a property name'), propertyPath(key));
    const finding = find((object as Record<string, unknown>)[key], depth + 1, ancestors);
    if (finding !== undefined) return within(finding, propertyPath(key));
  }
  return undefined;
}

function findInArray(array: readonly unknown[], depth: number, ancestors: Set<object>): Finding | undefined {
  if (!isPlainArray(array)) return blameInstance(array);
  if (array.length > ARRAY_LENGTH_MAX) {
    return blame(`an array of ${array.length} items`, `Pass at most ${ARRAY_LENGTH_MAX}, or a Map if most are holes.`);
  }
  return findInList(array, (index) => `[${index}]`, depth, ancestors);
}

function findInMap(map: Map<unknown, unknown>, depth: number, ancestors: Set<object>): Finding | undefined {
  const keys = findInList([...map.keys()], (index) => `.keys()[${index}]`, depth, ancestors);
  return keys ?? findInList([...map.values()], (index) => `.values()[${index}]`, depth, ancestors);
}

function findInList(
  items: readonly unknown[],
  pathOf: (index: number) => string,
  depth: number,
  ancestors: Set<object>,
): Finding | undefined {
  for (let index = 0; index < items.length; index++) {
    const finding = find(items[index], depth + 1, ancestors);
    if (finding !== undefined) return within(finding, pathOf(index));
  }
  return undefined;
}

function blame(found: string, advice: string): Finding {
  return { found, advice, path: [] };
}

function blameSurrogate(what: string): Finding {
  return blame(`${what} with half a surrogate pair`, 'Repair it with toWellFormed(), or pass bytes.');
}

function blameInstance(object: object): Finding {
  if (types.isProxy(object)) return blame('a proxy of something that is not plain', PASS_DATA);
  if (types.isPromise(object)) return blame('a promise', 'Await it first.');
  if (types.isNativeError(object)) return blame(`an error (${object.name})`, 'Pass its name and message.');
  const { constructor } = object as { constructor?: unknown };
  const name = typeof constructor === 'function' ? constructor.name : '';
  return blame(name === '' ? 'an instance of a class' : `an instance of ${name}`, PASS_DATA);
}

function within(finding: Finding, segment: string): Finding {
  finding.path.push(segment);
  return finding;
}

function propertyPath(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : typeof thrown;
}
