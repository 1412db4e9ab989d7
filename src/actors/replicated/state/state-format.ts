/**
 * The form of a state as bytes, shared by its writer and its reader. A stream is a version, a form, and one body, or
 * for a stream of chunks a body behind each `chunk` tag and an `end`. A body is the content of its root, followed by
 * the content of every container that has been met, in the order in which they were first met: breadth first, so that
 * nothing recurses and nesting has no limit.
 *
 * A container is written where it is first met as its tag only, and takes the next number; the root has number 0.
 * Wherever it is met again there is a reference to that number. Bytes below `SHORT_TEXT` stand for themselves where a
 * value is due, and for one of the first 128 keys where the key of an object is due. All lengths and numbers of more
 * than one byte are little-endian; lengths are LEB128.
 */

/** First byte of a stream; counts up when its form changes. */
export const STATE_VERSION = 1;

/** Second byte of a stream: what there is, and so how it is to be brought back. */
export const Form = { fields: 0, value: 1, chunks: 2 } as const;

/** From here on: a string of up to 63 characters that are at most 0xff, its length in the lower six bits. */
export const SHORT_TEXT = 0x80;
export const SHORT_TEXT_MAX = 63;
export const FIRST_TAG = 0xc0;

/** Written to disk: a number is never given to another kind of value. */
export const Tag = {
  /** Ends an object, a Map, a Set, and a stream of chunks. */
  end: 0xc0,
  undefined: 0xc1,
  null: 0xc2,
  false: 0xc3,
  true: 0xc4,
  int8: 0xc5,
  int16: 0xc6,
  int32: 0xc7,
  /** Every number that is no 32-bit integer, `-0` and the one `NaN` included. */
  float64: 0xc8,
  /** A length in characters, and a byte for each. */
  text8: 0xc9,
  /** A length in characters, and two bytes for each: any string, half surrogate pairs included. */
  text16: 0xca,
  /** A length in bytes, and the magnitude, most significant byte first. */
  bigint: 0xcb,
  negativeBigint: 0xcc,
  /**
   * An item that an array does not have, as in `[1, , 2]`; a field that an instance was made with and does not have any
   * more.
   */
  hole: 0xcd,
  /** The number of a container. */
  reference: 0xce,
  /** In place of a key: the number of one that has been written before. */
  key: 0xcf,
  /** How far the container that follows is closed; see `Closure`. */
  closed: 0xd0,
  /** A length; the content is that many values. */
  array: 0xd1,
  /** The content is keys and values in turn. */
  object: 0xd2,
  nullPrototypeObject: 0xd3,
  map: 0xd4,
  set: 0xd5,
  /** Milliseconds as a float64. */
  date: 0xd6,
  /** A length in bytes, and the bytes. */
  arrayBuffer: 0xd7,
  /** A type of `VIEW_CLASSES`, an offset and a length in bytes, and the ArrayBuffer as a value. */
  view: 0xd8,
  chunk: 0xd9,
} as const;

/** How many keys of objects get a number: the first ones, for objects that are alike come with the same few. */
export const KEYS_MAX = 4096;

/** The longest array. Longer ones are sparse, and their holes would have to be written one by one. */
export const ARRAY_LENGTH_MAX = 0x200_0000;

/**
 * No value without its long part takes more bytes: the closure (2), the tags, the type and the three lengths of a view
 * (3 + 3 × 8), or a string of 63 characters.
 */
export const FIXED_BYTES_MAX = 80;
