/**
 * What values become on their way to bytes and back. MessagePack knows null, booleans, numbers, strings, arrays and
 * string-keyed maps; everything else that can be encoded is *lowered* to those plus extensions before it is encoded,
 * and *raised* again after it has been decoded. Lowering is also the check of what can be encoded at all. Pure
 * functions on the caller's and the object's hot path: a value made of numbers, short strings, arrays and plain objects
 * is returned as it is, without a copy.
 */

import { types } from 'node:util';
import { ExtData } from '@msgpack/msgpack';

/** How deep containers may nest, the list of arguments or results included. */
export const NESTING_MAX = 64;

/** Longer arrays than this are sparse ones, whose holes would have to be written one by one. */
export const ARRAY_LENGTH_MAX = 0x200_0000;

/** Thrown where lowering meets what cannot be encoded: always the same, for why and where is found by a second walk. */
const NOT_ENCODABLE = new Error('This value cannot be encoded.');

/** The extension types. They are stored in logs: a number is never given to another kind of value. */
const Extension = {
  undefined: 0,
  negativeZero: 1,
  bigInt64: 2,
  bigInt: 3,
  date: 4,
  /** A long string, or one that starts with a byte-order mark; see `lowerString`. */
  text: 5,
  /** The four below stand first in an array whose other items are the container's content. */
  map: 6,
  set: 7,
  object: 8,
  nullPrototypeObject: 9,
} as const;

/** Binary values by extension type. The bytes are in the machine's order: no cluster may mix byte orders. */
const BINARY_CLASSES = new Map<number, BinaryClass>([
  [16, Uint8Array],
  [17, Int8Array],
  [18, Uint8ClampedArray],
  [19, Int16Array],
  [20, Uint16Array],
  [21, Int32Array],
  [22, Uint32Array],
  [23, Float32Array],
  [24, Float64Array],
  [25, BigInt64Array],
  [26, BigUint64Array],
  [27, DataView],
]);
type BinaryClass = new (buffer: ArrayBuffer) => ArrayBufferView;
const ARRAY_BUFFER_TYPE = 28;

const EMPTY = new Uint8Array(0);
const UNDEFINED = new ExtData(Extension.undefined, EMPTY);
const NEGATIVE_ZERO = new ExtData(Extension.negativeZero, EMPTY);
const BYTE_ORDER_MARK = 0xfeff;
/** From this many characters on a string is encoded as an extension. */
const TEXT_LENGTH_MIN = 48;

/**
 * Lowers a value; `depth` is the nesting level at which it stands, 1 for the outermost.
 *
 * @throws Error when there is something that cannot be encoded, or whatever a getter or proxy within the value throws.
 */
export function lower(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return lowerString(value);
    case 'number':
      return value === 0 && 1 / value < 0 ? NEGATIVE_ZERO : value;
    case 'boolean':
      return value;
    case 'object':
      if (value === null) return null;
      if (depth > NESTING_MAX) throw NOT_ENCODABLE;
      return Array.isArray(value) ? lowerArray(value, depth) : lowerObject(value, depth);
    case 'undefined':
      return UNDEFINED;
    case 'bigint':
      return lowerBigInt(value);
    default:
      throw NOT_ENCODABLE;
  }
}

/**
 * Long strings go as extensions, for there the engine's own conversion is faster than the library's (200 characters:
 * twice to encode, three times to decode; 20,000 characters: ten times to encode), and so do those that start with a
 * byte-order mark, which the library's decoder would drop.
 */
function lowerString(text: string): string | ExtData {
  wellFormed(text);
  const isPlain = text.length < TEXT_LENGTH_MIN && text.charCodeAt(0) !== BYTE_ORDER_MARK;
  return isPlain ? text : new ExtData(Extension.text, Buffer.from(text, 'utf8'));
}

/** A lone surrogate has no UTF-8, and would silently become another character. */
function wellFormed(text: string): void {
  if (!isWellFormed(text)) throw NOT_ENCODABLE;
}

/** `String.prototype.isWellFormed`, which the engine has and the ES2023 typings do not. */
export function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

function lowerArray(array: readonly unknown[], depth: number): readonly unknown[] {
  const { length } = array;
  if (length > ARRAY_LENGTH_MAX || !isPlainArray(array)) throw NOT_ENCODABLE;
  let lowered: unknown[] | undefined;
  for (let i = 0; i < length; i++) {
    const item = array[i];
    const itemLowered = lower(item, depth + 1);
    if (lowered !== undefined) {
      lowered.push(itemLowered);
    } else if (itemLowered !== item) {
      lowered = array.slice(0, i);
      lowered.push(itemLowered);
    }
  }
  return lowered ?? array;
}

/** Any realm's `Array.prototype` is itself an array; the prototype of a subclass is not. */
export function isPlainArray(array: readonly unknown[]): boolean {
  const prototype = Object.getPrototypeOf(array) as unknown;
  return prototype === Array.prototype || Array.isArray(prototype);
}

function lowerObject(object: object, depth: number): unknown {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === Object.prototype) return lowerPlain(object as Record<string, unknown>, depth);
  if (prototype === null) return lowerEntries(Extension.nullPrototypeObject, object as Record<string, unknown>, depth);
  const form = FORMS.get(prototype) ?? foreignForm(object, prototype);
  if (form === undefined) throw NOT_ENCODABLE;
  return form.lower(object, depth);
}

function lowerPlain(object: Record<string, unknown>, depth: number): unknown {
  const keys = Object.keys(object);
  let lowered: Record<string, unknown> | undefined;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    // The decoder refuses the one and drops the other from keys, so such an object goes as a list of entries.
    if (key === '__proto__' || key.charCodeAt(0) === BYTE_ORDER_MARK) {
      return lowerEntries(Extension.object, object, depth);
    }
    wellFormed(key);
    const value = object[key];
    const valueLowered = lower(value, depth + 1);
    if (lowered !== undefined) {
      lowered[key] = valueLowered;
    } else if (valueLowered !== value) {
      lowered = {};
      for (let j = 0; j < i; j++) lowered[keys[j]!] = object[keys[j]!];
      lowered[key] = valueLowered;
    }
  }
  return lowered ?? object;
}

function lowerEntries(type: number, object: Record<string, unknown>, depth: number): unknown[] {
  const lowered: unknown[] = [new ExtData(type, EMPTY)];
  for (const key of Object.keys(object)) lowered.push(lowerString(key), lower(object[key], depth + 1));
  return lowered;
}

function lowerMap(map: ReadonlyMap<unknown, unknown>, depth: number): unknown[] {
  const lowered: unknown[] = [new ExtData(Extension.map, EMPTY)];
  for (const [key, value] of map) lowered.push(lower(key, depth + 1), lower(value, depth + 1));
  return lowered;
}

function lowerSet(set: ReadonlySet<unknown>, depth: number): unknown[] {
  const lowered: unknown[] = [new ExtData(Extension.set, EMPTY)];
  for (const item of set) lowered.push(lower(item, depth + 1));
  return lowered;
}

function lowerDate(date: Date): ExtData {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setFloat64(0, date.getTime());
  return new ExtData(Extension.date, bytes);
}

function lowerBigInt(value: bigint): ExtData {
  if (BigInt.asIntN(64, value) === value) {
    const bytes = new Uint8Array(8);
    viewOf(bytes).setBigInt64(0, value);
    return new ExtData(Extension.bigInt64, bytes);
  }
  const hex = (value < 0n ? -value : value).toString(16);
  const sign = value < 0n ? '01' : '00';
  return new ExtData(Extension.bigInt, Buffer.from(`${sign}${hex.length % 2 === 0 ? '' : '0'}${hex}`, 'hex'));
}

/** A built-in class whose instances have an extension of their own. */
interface Form {
  readonly prototype: object;
  /** Is this really one? Holds for instances from other realms, and not for what only has the prototype. */
  is(object: object): boolean;
  lower(object: object, depth: number): unknown;
}

const FORMS = new Map<object, Form>();
const FORMS_BY_NAME = new Map<string, Form>();

function addForm(name: string, form: Form): void {
  FORMS.set(form.prototype, form);
  FORMS_BY_NAME.set(name, form);
}

const isView = (object: object): boolean => ArrayBuffer.isView(object);

addForm('Map', {
  prototype: Map.prototype,
  is: types.isMap,
  lower: (map, depth) => lowerMap(map as Map<unknown, unknown>, depth),
});
addForm('Set', {
  prototype: Set.prototype,
  is: types.isSet,
  lower: (set, depth) => lowerSet(set as Set<unknown>, depth),
});
addForm('Date', { prototype: Date.prototype, is: types.isDate, lower: (date) => lowerDate(date as Date) });
addForm('ArrayBuffer', {
  prototype: ArrayBuffer.prototype,
  is: types.isArrayBuffer,
  lower: (buffer) => new ExtData(ARRAY_BUFFER_TYPE, new Uint8Array(buffer as ArrayBuffer)),
});
for (const [type, { name, prototype }] of BINARY_CLASSES) {
  addForm(name, { prototype: prototype as object, is: isView, lower: (view) => lowerView(type, view) });
}
// A Buffer is a Uint8Array with Node's methods, and is decoded as a Uint8Array.
addForm('Buffer', { prototype: Buffer.prototype, is: isView, lower: (view) => lowerView(16, view) });

function lowerView(type: number, view: object): ExtData {
  const { buffer, byteOffset, byteLength } = view as ArrayBufferView;
  return new ExtData(type, new Uint8Array(buffer, byteOffset, byteLength));
}

/** The form of a built-in from another realm (`vm`, some test runners): another prototype, and the same name. */
function foreignForm(object: object, prototype: object): Form | undefined {
  if (isForeignPlain(prototype)) return FOREIGN_PLAIN;
  const { constructor } = prototype as { constructor?: unknown };
  const form = typeof constructor === 'function' ? FORMS_BY_NAME.get(constructor.name) : undefined;
  return form !== undefined && form.prototype !== prototype && form.is(object) ? form : undefined;
}

const FOREIGN_PLAIN: Form = {
  prototype: Object.prototype,
  is: () => true,
  lower: (object, depth) => lowerPlain(object as Record<string, unknown>, depth),
};

function isForeignPlain(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** May an object that is no extension go to the encoder? Whatever else there is, it would write as something else. */
export function isLowered(object: unknown): boolean {
  if (Array.isArray(object)) return true;
  const prototype = Object.getPrototypeOf(object) as object | null;
  return prototype === Object.prototype || (prototype !== null && isForeignPlain(prototype));
}

/** Does this object have a form, and really is what its prototype says? For the explanation of a refusal. */
export function hasForm(object: object): boolean {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === null || prototype === Object.prototype) return true;
  return (FORMS.get(prototype) ?? foreignForm(object, prototype))?.is(object) === true;
}

/** Stands in a decoded array for the extension that says what container the array is to become. */
export class ContainerMark {
  readonly raise: (content: readonly unknown[]) => unknown;

  constructor(raiseContent: (content: readonly unknown[]) => unknown) {
    this.raise = raiseContent;
  }
}

/** Content comes with the mark itself at index 0, and already raised. */
const CONTAINER_MARKS = new Map<number, ContainerMark>([
  [Extension.map, new ContainerMark(raiseMap)],
  [Extension.set, new ContainerMark((content) => new Set(content.slice(1)))],
  [Extension.object, new ContainerMark((content) => raiseEntries({}, content))],
  [Extension.nullPrototypeObject, new ContainerMark((content) => raiseEntries(Object.create(null) as object, content))],
]);

/**
 * What an extension stands for. Copies what it keeps of `data`.
 *
 * @throws RangeError when there is no such extension, or its data does not fit its type.
 */
export function decodeExtension(data: Uint8Array, type: number): unknown {
  switch (type) {
    case Extension.undefined:
      return undefined;
    case Extension.negativeZero:
      return -0;
    case Extension.bigInt64:
      return viewOf(data).getBigInt64(0);
    case Extension.bigInt:
      return raiseBigInt(data);
    case Extension.date:
      return new Date(viewOf(data).getFloat64(0));
    case Extension.text:
      return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
    case ARRAY_BUFFER_TYPE:
      return new Uint8Array(data).buffer;
    default:
      return CONTAINER_MARKS.get(type) ?? raiseView(data, type);
  }
}

function raiseView(data: Uint8Array, type: number): ArrayBufferView {
  const View = BINARY_CLASSES.get(type);
  if (View === undefined) throw new RangeError(`no extension has type ${type}`);
  const copy = new Uint8Array(data);
  return type === 16 ? copy : new View(copy.buffer);
}

function raiseBigInt(data: Uint8Array): bigint {
  const hex = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
  const magnitude = BigInt(`0x0${hex.slice(2)}`);
  return data[0] === 0 ? magnitude : -magnitude;
}

/**
 * Raises the containers within a decoded value, in place. Needed only where {@link decodeExtension} has returned a
 * {@link ContainerMark}. Recursion is bounded, for the bytes were checked.
 *
 * @throws RangeError when a mark stands where none may be, or what follows it does not fit it.
 */
export function raise(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return raiseArray(value as unknown[]);
  if (value instanceof ContainerMark) throw new RangeError('a container mark that is not first in an array');
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object)) object[key] = raise(object[key]);
  return object;
}

function raiseArray(array: unknown[]): unknown {
  const mark = array[0];
  const isMarked = mark instanceof ContainerMark;
  for (let i = isMarked ? 1 : 0; i < array.length; i++) array[i] = raise(array[i]);
  return isMarked ? mark.raise(array) : array;
}

function raiseMap(content: readonly unknown[]): Map<unknown, unknown> {
  if (content.length % 2 === 0) throw new RangeError('a key without a value');
  const map = new Map<unknown, unknown>();
  for (let i = 1; i < content.length; i += 2) map.set(content[i], content[i + 1]);
  return map;
}

function raiseEntries(object: object, content: readonly unknown[]): object {
  if (content.length % 2 === 0) throw new RangeError('a key without a value');
  for (let i = 1; i < content.length; i += 2) {
    const key = content[i];
    if (typeof key !== 'string') throw new RangeError('a key that is not a string');
    // Defined, not assigned: assigning to __proto__ would set the prototype.
    Object.defineProperty(object, key, { value: content[i + 1], writable: true, enumerable: true, configurable: true });
  }
  return object;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
