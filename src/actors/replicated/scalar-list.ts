/**
 * Lists of a few numbers, short strings, booleans and nulls: what most commands are given, and most changes consist of.
 * They are written and read here as ValueCodec would, byte for byte but for numbers that it writes in fewer bytes, and
 * several times as fast; whatever else there is, is left to it. Pure, wherever values are encoded or decoded.
 */

/** Longer lists are left to the codec. */
export const SCALARS_MAX = 15;
/** Of a string. Longer than this they are less often ASCII, and the codec's detour is a smaller part of the cost. */
const CHARACTERS_MAX = 31;
/** What one item takes at most: a head and the characters, which is more than any number takes. */
const ITEM_BYTES_MAX = 1 + CHARACTERS_MAX;

const Head = {
  array: 0x90,
  string: 0xa0,
  null: 0xc0,
  false: 0xc2,
  true: 0xc3,
  float64: 0xcb,
  uint8: 0xcc,
  uint16: 0xcd,
  uint32: 0xce,
  array32: 0xdd,
  negative: 0xe0,
} as const;

const NEGATIVE_MIN = -32;

/** Left to the codec. */
const REFUSED = -1;

const float = new DataView(new ArrayBuffer(8));

/** So many bytes must be left where a list of so many items is written. */
export function scalarListBytesMax(items: number): number {
  return 1 + items * ITEM_BYTES_MAX;
}

/**
 * Writes a list, or so many items at its beginning, at `start`. Returns where it ends; -1: it is for the codec, and
 * what was written means nothing.
 */
export function putScalarList(
  bytes: Uint8Array,
  start: number,
  list: readonly unknown[],
  length: number = list.length,
): number {
  if (length > SCALARS_MAX) return REFUSED;
  let at = start;
  bytes[at++] = Head.array | length;
  for (let i = 0; i < length; i++) {
    const item = list[i];
    if (typeof item === 'number') at = putNumber(bytes, at, item);
    else if (typeof item === 'string') at = putText(bytes, at, item);
    else if (typeof item === 'boolean') bytes[at++] = item ? Head.true : Head.false;
    else if (item === null) bytes[at++] = Head.null;
    else return REFUSED;
    if (at === REFUSED) return REFUSED;
  }
  return at;
}

function putText(bytes: Uint8Array, start: number, text: string): number {
  const { length } = text;
  if (length > CHARACTERS_MAX) return REFUSED;
  let at = start;
  bytes[at++] = Head.string | length;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return REFUSED;
    bytes[at++] = unit;
  }
  return at;
}

function putNumber(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  if (value >>> 0 !== value) {
    const isShort = value < 0 && value >= NEGATIVE_MIN && Math.trunc(value) === value;
    if (!isShort) return putFloat(bytes, at, value);
    bytes[at++] = 0x100 + value;
  } else if (value === 0) {
    if (1 / value < 0) return REFUSED;
    bytes[at++] = 0;
  } else if (value < 0x80) {
    bytes[at++] = value;
  } else if (value < 0x100) {
    bytes[at++] = Head.uint8;
    bytes[at++] = value;
  } else if (value < 0x1_0000) {
    bytes[at++] = Head.uint16;
    bytes[at++] = value >>> 8;
    bytes[at++] = value;
  } else {
    bytes[at++] = Head.uint32;
    bytes[at++] = value >>> 24;
    bytes[at++] = value >>> 16;
    bytes[at++] = value >>> 8;
    bytes[at++] = value;
  }
  return at;
}

function putFloat(bytes: Uint8Array, start: number, value: number): number {
  float.setFloat64(0, value);
  bytes[start] = Head.float64;
  for (let i = 0; i < 8; i++) bytes[start + 1 + i] = float.getUint8(i);
  return start + 9;
}

/**
 * Reads an array, as ArrayWriter writes it, of whole numbers and lists of scalars in turn: the commands of a block, for
 * one. Null: it is none, and the codec knows whether it is anything else.
 *
 * @param items how many numbers and lists there are
 */
export function readNumberedLists(bytes: Uint8Array, start: number, end: number, items: number): unknown[] | null {
  const header = start + 5;
  // Each item takes a byte at least: so nobody makes this reserve more than what there is.
  if (header > end || items > end - header || bytes[start] !== Head.array32) return null;
  if (wholeAt(bytes, start + 1, 4) !== items) return null;
  const read = new Array<unknown>(items);
  let at = header;
  for (let i = 0; i < items; i++) {
    if (at >= end) return null;
    let head = bytes[at++]!;
    if (i % 2 === 0) {
      if (head < 0x80) {
        read[i] = head;
      } else {
        if (head !== Head.uint16 || at + 2 > end) return null;
        read[i] = wholeAt(bytes, at, 2);
        at += 2;
      }
      continue;
    }
    const length = head - Head.array;
    if (length < 0 || length > SCALARS_MAX) return null;
    const list = new Array<unknown>(length);
    for (let j = 0; j < length; j++) {
      if (at >= end) return null;
      head = bytes[at++]!;
      if (head < 0x80) {
        list[j] = head;
      } else if (head >= Head.negative) {
        list[j] = head - 0x100;
      } else if (head < Head.string) {
        return null;
      } else if (head < Head.null) {
        const characters = head - Head.string;
        const text = at + characters > end ? null : textAt(bytes, at, characters);
        if (text === null) return null;
        list[j] = text;
        at += characters;
      } else {
        const size = SIZES[head - Head.null]!;
        if (size < 0 || at + size > end) return null;
        list[j] = valueAt(bytes, at, head, size);
        at += size;
      }
    }
    read[i] = list;
  }
  return at === end ? read : null;
}

/** How many bytes follow a head from 0xc0 to 0xdf; -1: it is for the codec. */
const SIZES = Int8Array.from({ length: 32 }, (_, i) => {
  switch (Head.null + i) {
    case Head.null:
    case Head.false:
    case Head.true:
      return 0;
    case Head.uint8:
      return 1;
    case Head.uint16:
      return 2;
    case Head.uint32:
      return 4;
    case Head.float64:
      return 8;
    default:
      return -1;
  }
});

function valueAt(bytes: Uint8Array, at: number, head: number, size: number): unknown {
  if (size === 0) return head === Head.null ? null : head === Head.true;
  if (head !== Head.float64) return wholeAt(bytes, at, size);
  for (let i = 0; i < 8; i++) float.setUint8(i, bytes[at + i]!);
  return float.getFloat64(0);
}

function wholeAt(bytes: Uint8Array, at: number, size: number): number {
  let whole = 0;
  for (let i = 0; i < size; i++) whole = whole * 256 + bytes[at + i]!;
  return whole;
}

const fromCodes = String.fromCharCode;

/** Null: it is not ASCII. */
function textAt(b: Uint8Array, at: number, length: number): string | null {
  let union = 0;
  for (let i = 0; i < length; i++) union |= b[at + i]!;
  if (union > 0x7f) return null;
  // With all of them named, the engine makes the string without a call: a third of what every other way costs. To join
  // two such strings costs a little more; the engine does so at once, up to 12 characters, and not when they are read.
  switch (length) {
    case 0:
      return '';
    case 1:
      return fromCodes(b[at]!);
    case 2:
      return fromCodes(b[at]!, b[at + 1]!);
    case 3:
      return fromCodes(b[at]!, b[at + 1]!, b[at + 2]!);
    case 4:
      return fromCodes(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    case 5:
      return fromCodes(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!);
    case 6:
      return fromCodes(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!);
    case 7:
      return fromCodes(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!);
    case 8:
      return eightAt(b, at);
    case 9:
      return eightAt(b, at) + fromCodes(b[at + 8]!);
    case 10:
      return eightAt(b, at) + fromCodes(b[at + 8]!, b[at + 9]!);
    case 11:
      return eightAt(b, at) + fromCodes(b[at + 8]!, b[at + 9]!, b[at + 10]!);
    case 12:
      return eightAt(b, at) + fromCodes(b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!);
    default:
      return Buffer.prototype.latin1Slice.call(b, at, at + length);
  }
}

function eightAt(b: Uint8Array, at: number): string {
  return fromCodes(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!);
}
