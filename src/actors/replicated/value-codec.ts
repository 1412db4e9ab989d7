/**
 * Values as bytes: the arguments of commands, the results of calls, the arguments of constructors. Lives wherever
 * values are encoded or decoded, one codec for each user, for it reuses its buffers. It knows nothing of blocks or
 * messages, and never emits anything for a value that it refuses.
 */

import { Decoder, Encoder, ExtData, type ExtensionCodecType } from '@msgpack/msgpack';
import { ConclaveError } from '../../errors.js';
import { notEncodable } from './not-encodable.js';
import { complaintAboutBytes } from './value-check.js';
import { ContainerMark, decodeExtension, isLowered, lower, NESTING_MAX, raise } from './value-forms.js';

/** A buffer that one large value has made larger than this is given back. */
const BUFFER_BYTES_KEPT = 1024 * 1024;

/**
 * Encodes and decodes values: `null`, `undefined`, booleans, numbers (every one, with `NaN`, `-0` and the infinities),
 * bigints of any size, strings, arrays, plain objects, objects without a prototype, `Map`, `Set`, `Date` (invalid ones
 * too), `ArrayBuffer`, `DataView` and typed arrays. They come back equal, as copies that share no memory with anything,
 * with these exceptions: holes in arrays come back as `undefined`, a `Buffer` as a `Uint8Array`, getters as what they
 * returned, and properties that are not enumerable, named by symbols or beside the items of an array are left out.
 *
 * Refused are functions, symbols, promises, errors, instances of classes (subclasses of the above included), cycles,
 * strings with half a surrogate pair, and more than 64 levels of nesting.
 */
export class ValueCodec {
  readonly #extensions: ExtensionCodecType<undefined>;
  #encoder: Encoder;
  readonly #decoder: Decoder;
  /** Whether the value being decoded holds containers that have to be raised. */
  #hasMarks = false;

  constructor() {
    this.#extensions = {
      tryToEncode: (object) => {
        if (object instanceof ExtData) return object;
        // A getter is read again, and may return by then what would have had to be lowered.
        if (isLowered(object)) return null;
        throw new Error('It is another value each time that it is read.');
      },
      decode: (data, type) => {
        const value = decodeExtension(data, type);
        if (value instanceof ContainerMark) this.#hasMarks = true;
        return value;
      },
    };
    this.#encoder = this.#newEncoder();
    this.#decoder = new Decoder({ extensionCodec: this.#extensions });
  }

  /**
   * Encodes a value. The bytes are a view of memory that the next call writes to: copy or send them before it.
   *
   * @param root what the value is called in the path of an error
   * @param depth the nesting level at which the value will stand: 2 for one that is going to be an item of a list
   * @throws ConclaveError `ERR_NOT_ENCODABLE`; `data.path` says where, like `args[0].items[3].onClick`, and
   *   `data.found` what is there. The codec can be used again.
   */
  encodeInto(value: unknown, root = 'args', depth = 1): Uint8Array<ArrayBuffer> {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = this.#encoder.encodeSharedRef(lower(value, depth));
    } catch (error) {
      throw notEncodable(value, root, depth, error);
    }
    if (bytes.buffer.byteLength > BUFFER_BYTES_KEPT) this.#encoder = this.#newEncoder();
    return bytes;
  }

  /**
   * Decodes a value.
   *
   * @throws ConclaveError `ERR_PROTOCOL` when the bytes are not exactly one value that `encodeInto` has written, or a
   *   list of such.
   */
  decode(bytes: Uint8Array): unknown {
    const complaint = complaintAboutBytes(bytes);
    if (complaint !== null) throw malformed(complaint);
    this.#hasMarks = false;
    try {
      const value = this.#decoder.decode(bytes);
      return this.#hasMarks ? raise(value) : value;
    } catch (error) {
      throw malformed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Decodes the value that is at `[start, end)`; see {@link decode}. */
  decodeRange(bytes: Uint8Array, start: number, end: number): unknown {
    return this.decode(bytes.subarray(start, end));
  }

  #newEncoder(): Encoder {
    return new Encoder({ extensionCodec: this.#extensions, maxDepth: NESTING_MAX + 1 });
  }
}

function malformed(complaint: string): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', `These bytes are not an encoded value: ${complaint}.`);
}
