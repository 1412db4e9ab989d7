/**
 * Checks bytes before they are decoded. The decoder of @msgpack/msgpack believes the lengths it reads, so that five
 * bytes of garbage can make it reserve gigabytes; this walk over the headers proves that the bytes are one whole value
 * in the form that ValueCodec writes, that every length is backed by bytes, and that nothing nests too deep. It
 * allocates nothing.
 */

import { NESTING_MAX } from './value-forms.js';

/** One more than an encoder writes, for blocks put encoded lists of arguments into a list. */
const LEVELS_MAX = NESTING_MAX + 1;

/** By level: how many items of the container are still to come. Level 0 holds the one value. */
const itemsLeft = new Float64Array(LEVELS_MAX + 1);
/** By level: 1 for a map, whose items are keys and values in turn, starting with a key. */
const isMap = new Uint8Array(LEVELS_MAX + 1);

/** What is wrong with these bytes, or null: they may be decoded. */
export function complaintAboutBytes(bytes: Uint8Array): string | null {
  const end = bytes.length;
  let offset = 0;
  let level = 0;
  itemsLeft[0] = 1;
  isMap[0] = 0;
  for (;;) {
    const left = itemsLeft[level]!;
    if (left === 0) {
      if (level === 0) break;
      level--;
      continue;
    }
    itemsLeft[level] = left - 1;
    if (offset >= end) return 'they are cut off';
    const head = bytes[offset++]!;
    if (isMap[level] === 1 && left % 2 === 0 && !isStringHead(head)) return 'a key is not a string';
    // -1: neither a container nor sized; such values are done.
    let items = -1;
    if (head < 0x80 || head >= 0xe0) continue;
    if (head < 0x90) items = 2 * (head & 0x0f);
    else if (head < 0xa0) items = head & 0x0f;
    else if (head < 0xc0) offset += head & 0x1f;
    else {
      const header = HEADER_BYTES[head - 0xc0]!;
      if (header === NOT_WRITTEN) return `no value starts with byte ${head}`;
      if (offset + header > end) return 'they are cut off';
      if (head >= 0xdc) items = lengthAt(bytes, offset, header) * (head >= 0xde ? 2 : 1);
      else offset += contentBytes(bytes, offset, head, header);
      offset += header;
    }
    if (offset > end) return 'they are cut off';
    if (items === -1) continue;
    if (items > end - offset) return 'a container is larger than they are';
    if (++level > LEVELS_MAX) return `they nest deeper than ${LEVELS_MAX} levels`;
    itemsLeft[level] = items;
    isMap[level] = head < 0x90 || head >= 0xde ? 1 : 0;
  }
  return offset === end ? null : `${end - offset} bytes follow the value`;
}

/**
 * How many bytes of length or number follow each of the heads 0xc0 to 0xdf: nil, (never used), false, true; bin 8, 16,
 * 32; ext 8, 16, 32; float 32, 64; uint 8 to 64; int 8 to 64; fixext 1 to 16; str 8, 16, 32; array 16, 32; map 16, 32.
 * ValueCodec writes no bin and no float 32.
 */
const HEADER_BYTES = Int8Array.from([
  0, -1, 0, 0, -1, -1, -1, 1, 2, 4, -1, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4,
]);
const NOT_WRITTEN = -1;

/** How many bytes follow the header of a number, extension or string. */
function contentBytes(bytes: Uint8Array, offset: number, head: number, header: number): number {
  if (head >= 0xd9) return lengthAt(bytes, offset, header);
  if (head >= 0xd4) return 1 + 2 ** (head - 0xd4);
  if (head >= 0xc7 && head <= 0xc9) return 1 + lengthAt(bytes, offset, header);
  return 0;
}

function lengthAt(bytes: Uint8Array, offset: number, size: number): number {
  let length = 0;
  for (let i = 0; i < size; i++) length = length * 256 + bytes[offset + i]!;
  return length;
}

function isStringHead(head: number): boolean {
  return (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb);
}
