/**
 * Explains why a state cannot be written: another walk, taken only when it is known to be so or when an object is new,
 * that finds the shortest path to something that is to blame and says what it is. Reads the state without running any
 * code of the user, and never throws.
 */

import { types } from 'node:util';
import { ConclaveError } from '../../../errors.js';
import type { LoadedObject } from '../object-definition.js';
import { ownerOfHooks } from '../own-hooks.js';
import { hasForm } from '../value-forms.js';
import {
  Closure,
  closureOf,
  dataKeys,
  fieldKeys,
  isMatch,
  isOfOtherClass,
  isPlainProperty,
  Kind,
  kindOf,
} from './container-kinds.js';
import { ARRAY_LENGTH_MAX } from './state-format.js';
import { entrySegment, indexSegment, keySegment, memberSegment, pathOf, propertySegment } from './state-path.js';

const KEEP_PLAIN = 'Keep plain values: primitives, arrays, plain objects, Map, Set, Date, ArrayBuffer, typed arrays';

/** What is to blame, before it is known where it is. */
interface Blame {
  readonly found: string;
  readonly advice: string;
}

/** Where something stands: in this container, which stands in that. */
interface Place {
  readonly container: object;
  readonly parent: Place | null;
  /** Which item of its parent it is, the keys and values of a Map being two. */
  readonly item: number;
}

/** The error for an instance whose fields cannot be written. */
export function fieldsNotEncodable(object: LoadedObject): ConclaveError {
  return refusalInFields(object) ?? errorOf(object.name, object.name, CHANGING);
}

/** The error for what a hook returned; `root` is what it is called. */
export function valueNotEncodable(object: string, root: string, value: unknown): ConclaveError {
  return search(object, root, [value], 'holder') ?? errorOf(object, root, CHANGING);
}

/** The error for the first thing in the fields of an instance that a state cannot hold, or null. */
export function refusalInFields(object: LoadedObject): ConclaveError | null {
  const { name, instance } = object;
  if (fieldKeys(instance) === null) return errorOf(name, name, blameInstance(instance));
  return refusalOfInstance(object) ?? search(name, name, instance, 'instance');
}

/**
 * The error for an instance that is not of the class any more of which it was made, or whose hooks give less than it
 * has; or null.
 */
export function refusalOfInstance({ name, instance, prototype }: LoadedObject): ConclaveError | null {
  if (isOfOtherClass(instance, prototype)) return errorOf(name, name, OF_OTHER_CLASS);
  const owner = ownerOfHooks(prototype);
  const field = owner === null ? undefined : Object.keys(instance)[0];
  if (field === undefined) return null;
  const found = `a field which the snapshot() of ${owner!.name} knows nothing of`;
  return errorOf(name, name + propertySegment(field), blame(found, 'Make it static if it never changes'));
}

const OF_OTHER_CLASS = blame(
  'an object that inherits from something else than its class, as when __proto__ was set',
  'Put what callers name into a Map',
);
const CHANGING = blame('something that changes while it is read', KEEP_PLAIN);

/** Breadth first, like the writer. The root is the instance, or an array that holds one value. */
function search(object: string, rootPath: string, root: object, kind: 'instance' | 'holder'): ConclaveError | null {
  const met = new Set([root]);
  const places: Place[] = [{ container: root, parent: null, item: 0 }];
  let culprit: { place: Place; item: number; blame: Blame } | null = null;
  for (const place of places) {
    eachItem(place.container, place.parent === null && kind === 'instance', (value, item, blameOfItem) => {
      // The instance itself is of a class, and may be referred to.
      const found = blameOfItem ?? (value === root ? null : blameOf(value));
      if (found !== null) {
        culprit = { place, item, blame: found };
        return true;
      }
      if (typeof value === 'object' && value !== null && !met.has(value)) {
        met.add(value);
        places.push({ container: value, parent: place, item });
      }
      return false;
    });
    if (culprit !== null) break;
  }
  return culprit === null ? null : errorAt(object, rootPath, kind, culprit);
}

function errorAt(
  object: string,
  rootPath: string,
  kind: 'instance' | 'holder',
  culprit: { readonly place: Place; readonly item: number; readonly blame: Blame },
): ConclaveError {
  const segments: string[] = [];
  let { item } = culprit;
  for (let place: Place | null = culprit.place; place !== null; place = place.parent) {
    const isHolder = place.parent === null && kind === 'holder';
    if (!isHolder) segments.push(segmentOf(place.container, item));
    ({ item } = place);
  }
  return errorOf(object, pathOf(rootPath, segments.toReversed()), culprit.blame);
}

function errorOf(object: string, path: string, { found, advice }: Blame): ConclaveError {
  return new ConclaveError('ERR_STATE_NOT_ENCODABLE', `No snapshot can hold ${path}: it is ${found}. ${advice}`, {
    data: { object, path, found },
  });
}

/** Is called with the items of a container in turn; true stops the walk. */
type Visit = (value: unknown, item: number, blame: Blame | null) => boolean;

function eachItem(container: object, isInstance: boolean, visit: Visit): void {
  let item = 0;
  if (Array.isArray(container)) {
    for (; item < container.length; item++) if (visit(container[item], item, null)) return;
  } else if (types.isMap(container)) {
    for (const [key, value] of container) if (visit(key, item++, null) || visit(value, item++, null)) return;
  } else if (types.isSet(container)) {
    for (const member of container) if (visit(member, item++, null)) return;
  } else if (isInstance || isPlain(container)) {
    const closure = isInstance ? Closure.open : closureOf(container);
    for (const key of Object.keys(container)) {
      const property = Object.getOwnPropertyDescriptor(container, key);
      if (property === undefined) continue;
      const blameOfItem = isPlainProperty(property, closure) ? null : blameProperty(property);
      if (visit(property.value, item++, blameOfItem)) return;
    }
  }
}

function isPlain(container: object): boolean {
  const kind = kindOf(container);
  return kind === Kind.object || kind === Kind.nullPrototypeObject;
}

function segmentOf(container: object, item: number): string {
  if (Array.isArray(container)) return indexSegment(item);
  if (types.isSet(container)) return memberSegment(item);
  if (!types.isMap(container)) return propertySegment(Object.keys(container)[item]!);
  const index = Math.floor(item / 2);
  return item % 2 === 0 ? keySegment(index) : entrySegment([...container.keys()][index], index);
}

function blameOf(value: unknown): Blame | null {
  switch (typeof value) {
    case 'function':
      return blame('a function', 'Make it a method of the class');
    case 'symbol':
      return blame('a symbol', KEEP_PLAIN);
    case 'object':
      return value === null ? null : blameObject(value);
    default:
      return null;
  }
}

function blameObject(object: object): Blame | null {
  const kind = kindOf(object);
  if (kind === Kind.object || kind === Kind.nullPrototypeObject) {
    if (dataKeys(object) !== null) return null;
    const isSymbol = Object.getOwnPropertySymbols(object).length > 0;
    return blame(`an object with a property that is ${isSymbol ? 'named by a symbol' : 'not enumerable'}`, KEEP_PLAIN);
  }
  if (kind !== Kind.refused) return null;
  if (types.isProxy(object)) return blame('a proxy', KEEP_PLAIN);
  if (types.isPromise(object)) return blame('a promise', 'Wait for it before the command is called');
  if (types.isNativeError(object)) return blame('an error', 'Keep its name and message');
  if (Array.isArray(object) && object.length > ARRAY_LENGTH_MAX) {
    return blame(`an array of ${object.length} items`, `Keep at most ${ARRAY_LENGTH_MAX} in one, or use a Map`);
  }
  if (Array.isArray(object) && isMatch(object)) {
    return blame('an array with an index, an input and groups', 'Keep what is wanted of it, like [...match]');
  }
  const name = classNameOf(object);
  if (isBuiltIn(object))
    return blame(`a ${name} that is shared, resizable, detached or has other properties`, KEEP_PLAIN);
  return blame(name === '' ? 'an instance of a class' : `an instance of ${name}`, KEEP_PLAIN);
}

/** Of a class that is known, so that there is something else about it. */
function isBuiltIn(object: object): boolean {
  return hasForm(object) || types.isSharedArrayBuffer(object);
}

/** Without running a getter: `constructor` may be anything. */
function classNameOf(object: object): string {
  for (let level: object | null = object; level !== null && !types.isProxy(level);) {
    const property = Object.getOwnPropertyDescriptor(level, 'constructor');
    if (typeof property?.value === 'function') {
      const name: unknown = Object.getOwnPropertyDescriptor(property.value, 'name')?.value;
      return typeof name === 'string' ? name : '';
    }
    level = Object.getPrototypeOf(level) as object | null;
  }
  return '';
}

function blameProperty(property: PropertyDescriptor): Blame {
  const isAccessor = property.get !== undefined || property.set !== undefined;
  return blame(isAccessor ? 'an accessor' : 'a property that is read-only', KEEP_PLAIN);
}

function blameInstance(instance: object): Blame {
  if (types.isProxy(instance)) return blame('a proxy', 'Return no proxy from its constructor');
  if (!Object.isExtensible(instance)) return blame('an object that is frozen or sealed', 'Leave the instance open');
  return blame('an object with a field that is named by a symbol', 'Name it by a string');
}

function blame(found: string, advice: string): Blame {
  return { found, advice: `${advice}, or define snapshot() and restore(state).` };
}
