/**
 * What a state may be made of, besides primitives: which kind of container an object is, and whether anything about it
 * would be lost if only its content were kept. The writer of a state, the watch over it and the search for what is to
 * blame all judge by these functions, so that they agree. Pure; runs no code of the user, not even a getter's.
 */

import { types } from 'node:util';
import { hasForm, isPlainArray } from '../value-forms.js';
import { ARRAY_LENGTH_MAX } from './state-format.js';
import { viewType } from './view-forms.js';

export const Kind = {
  /** Not a container that a state may hold. */
  refused: 0,
  array: 1,
  object: 2,
  nullPrototypeObject: 3,
  map: 4,
  set: 5,
  date: 6,
  arrayBuffer: 7,
  view: 8,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** How far an object is closed to changes: not at all, `preventExtensions`, `seal`, `freeze`. */
export const Closure = { open: 0, notExtensible: 1, sealed: 2, frozen: 3 } as const;

/**
 * The kind of an object. Whether the properties of a plain one are fit for a state is for {@link dataKeys} and
 * {@link isPlainProperty} to say.
 */
export function kindOf(object: object): Kind {
  // First, for everything else may run the handlers of a proxy.
  if (types.isProxy(object)) return Kind.refused;
  if (Array.isArray(object)) {
    const isFit = isPlainArray(object) && object.length <= ARRAY_LENGTH_MAX && !isMatch(object);
    return isFit ? Kind.array : Kind.refused;
  }
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === Object.prototype) return Kind.object;
  if (prototype === null) return Kind.nullPrototypeObject;
  if (!hasForm(object)) return Kind.refused;
  if (types.isMap(object)) return bare(object, Kind.map);
  if (types.isSet(object)) return bare(object, Kind.set);
  if (types.isDate(object)) return bare(object, Kind.date);
  if (types.isArrayBuffer(object)) return isFixedMemory(object) ? bare(object, Kind.arrayBuffer) : Kind.refused;
  if (ArrayBuffer.isView(object)) return kindOfView(object);
  return Kind.object;
}

/**
 * Is it what a regular expression has found, whose `index`, `input` and `groups` would be lost? Others are not looked
 * through for properties besides their items: the engine lists those only with all items.
 */
export function isMatch(array: readonly unknown[]): boolean {
  return Object.hasOwn(array, 'index');
}

/** Content is kept, and properties that were added to a Map or the like would be lost. */
function bare(object: object, kind: Kind): Kind {
  return hasProperties(object) ? Kind.refused : kind;
}

/** Has it properties of its own, by name or symbol? */
function hasProperties(object: object): boolean {
  return Object.getOwnPropertyNames(object).length > 0 || Object.getOwnPropertySymbols(object).length > 0;
}

function kindOfView(view: ArrayBufferView): Kind {
  const isFit = kindOf(view.buffer) === Kind.arrayBuffer && viewType(view) !== undefined && isAttached(view);
  return isFit ? Kind.view : Kind.refused;
}

/** Memory that is neither shared with other threads nor can change its size, and has not been given to one. */
function isFixedMemory(buffer: ArrayBufferLike): boolean {
  const isFixed = types.isArrayBuffer(buffer) && (buffer as { readonly resizable?: boolean }).resizable !== true;
  return isFixed && (buffer.byteLength > 0 || isEmpty(buffer));
}

/** Is it without content, rather than without memory? */
function isEmpty(buffer: ArrayBuffer): boolean {
  try {
    return new Uint8Array(buffer).length === 0;
  } catch {
    return false;
  }
}

/** A DataView of memory that was transferred away throws at every look. */
function isAttached(view: ArrayBufferView): boolean {
  try {
    return view.byteLength >= 0;
  } catch {
    return false;
  }
}

/** How far an object is closed. */
export function closureOf(object: object): number {
  if (Object.isExtensible(object)) return Closure.open;
  if (Object.isFrozen(object)) return Closure.frozen;
  return Object.isSealed(object) ? Closure.sealed : Closure.notExtensible;
}

/**
 * The keys of an instance's fields in their order, or null when they are not all of its state: it is a proxy, is
 * closed, or has symbols for keys. Properties that are not enumerable are no state.
 */
export function fieldKeys(instance: object): string[] | null {
  const isFit =
    !types.isProxy(instance) && Object.isExtensible(instance) && Object.getOwnPropertySymbols(instance).length === 0;
  return isFit ? Object.keys(instance) : null;
}

/** Does an instance inherit from something else than what it was made to? Where it is restored, it would not. */
export function isOfOtherClass(instance: object, prototype: object): boolean {
  return !types.isProxy(instance) && Object.getPrototypeOf(instance) !== prototype;
}

/** The keys of a plain object in their order, or null when it also has others that would be lost. */
export function dataKeys(object: object): string[] | null {
  const keys = Object.keys(object);
  const isWhole =
    Object.getOwnPropertyNames(object).length === keys.length && Object.getOwnPropertySymbols(object).length === 0;
  return isWhole ? keys : null;
}

/** Is this property of a plain object nothing but a value? One that is read-only must be so with the whole object. */
export function isPlainProperty(property: PropertyDescriptor, closure: number): boolean {
  if (property.writable === true && property.configurable === true) return true;
  if (property.get !== undefined || property.set !== undefined) return false;
  return (
    (property.writable === true || closure === Closure.frozen) &&
    (property.configurable === true || closure >= Closure.sealed)
  );
}
