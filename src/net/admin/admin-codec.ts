/**
 * The frames that an administrator and a node send each other: a hello each, then requests and their answers, one at a
 * time. Pure but for reused encoders; trusts nothing that it decodes.
 *
 * A hello is `[magic, cluster, self]` with the version as the frame's code: an administrator may leave the cluster's
 * name out (nil), and has no address; a node says both. It is refused as a node's hello is. A request is `[command,
 * argument, timeoutMs]`. Of an answer the payload is what was asked for (code 0), or `[code, message, data,
 * mayBeApplied, retrySafe]` of the error (code 1). Magic and version never change their form.
 */

import { Decoder, Encoder } from '@msgpack/msgpack';
import { ConclaveError, ERROR_CODES, type ErrorCode, type ErrorData } from '../../errors.js';
import { FRAME_HEADER_BYTES, FrameType, NO_BYTES, type Frame, type FrameSink } from '../frame.js';
import { NODE_ID_CHARS_MAX } from '../address.js';
import { CLUSTER_CHARS_MAX, MAGIC, type Refusal } from '../hello.js';
import { protocolError } from '../protocol-error.js';
import { requestFields, requestOf, type AdminRequest } from './admin-request.js';

/** Goes up with every change of what administrators and nodes say to each other. */
export const ADMIN_VERSION = 1;

/** The longest frame of an answer, header included: a status with many members, and room to spare. */
export const ANSWER_FRAME_BYTES_MAX = 256 * 1024;

const ANSWER_BYTES_MAX = ANSWER_FRAME_BYTES_MAX - FRAME_HEADER_BYTES;
const STRING_BYTES_MAX = 4_096;
/** Of lists and maps; there are at most as many as fit into a frame. */
const ITEMS_MAX = 4_096;

/** The code of an answer's frame. */
const DONE = 0;
const NOT_DONE = 1;

/** Who speaks. */
export interface AdminHello {
  /** Null: whoever asks does not mind which. */
  readonly cluster: string | null;
  /** The node's address; null for an administrator. */
  readonly self: string | null;
}

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder({
  maxArrayLength: ITEMS_MAX,
  maxMapLength: ITEMS_MAX,
  maxStrLength: STRING_BYTES_MAX,
  maxBinLength: 0,
  maxExtLength: 0,
});

export function writeAdminHello({ cluster, self }: AdminHello, sink: FrameSink): void {
  const meta = encoder.encodeSharedRef([MAGIC, cluster, self]);
  sink.writeFrame(FrameType.adminHello, ADMIN_VERSION, 0, meta, NO_BYTES);
}

/** @throws ConclaveError `ERR_PROTOCOL` when it is no such hello at all. */
export function readAdminHello(frame: Frame): AdminHello | Refusal {
  if (frame.code !== ADMIN_VERSION) {
    return {
      reason: 'unsupportedVersion',
      message: `This node answers version ${ADMIN_VERSION} of the command, not ${frame.code}.`,
    };
  }
  const fields = decode(frame.meta);
  if (!Array.isArray(fields) || fields.length !== 3 || fields[0] !== MAGIC || frame.payload.length > 0) {
    throw protocolError('A hello of an administrator does not have its fields.', {});
  }
  const [, cluster, self] = fields as readonly unknown[];
  if (!isName(cluster, CLUSTER_CHARS_MAX) || !isName(self, NODE_ID_CHARS_MAX)) {
    throw protocolError('A name in a hello of an administrator is none.', {});
  }
  return { cluster, self };
}

export function writeRequest(request: AdminRequest, sink: FrameSink): void {
  sink.writeFrame(FrameType.adminRequest, 0, 0, encoder.encodeSharedRef(requestFields(request)), NO_BYTES);
}

/** @throws ConclaveError as `requestOf`. */
export function readRequest(frame: Frame): AdminRequest {
  if (frame.payload.length > 0) throw protocolError('A request carries bytes.', {});
  return requestOf(decode(frame.meta));
}

/** Writes what was asked for; an error in its place when it is too large. */
export function writeResult(result: unknown, sink: FrameSink): void {
  const payload = encoder.encode(result ?? null);
  if (payload.length <= ANSWER_BYTES_MAX) sink.writeFrame(FrameType.adminAnswer, DONE, 0, NO_BYTES, payload);
  else writeError(new ConclaveError('ERR_RESULT_TOO_LARGE', 'It was done; the answer is too long to be sent.'), sink);
}

/** Writes why it was not done. */
export function writeError(error: ConclaveError, sink: FrameSink): void {
  const { code, message, data, mayBeApplied, retrySafe } = error;
  const fields = [code, cut(message), simpleData(data), mayBeApplied, retrySafe];
  sink.writeFrame(FrameType.adminAnswer, NOT_DONE, 0, NO_BYTES, encoder.encode(fields));
}

/**
 * What an answer says: what was asked for, or the error in its place.
 *
 * @throws ConclaveError `ERR_PROTOCOL` when it is no answer.
 */
export function readAnswer(frame: Frame): { readonly result: unknown } | { readonly error: ConclaveError } {
  const value = decode(frame.payload);
  if (frame.code === DONE) return { result: value };
  if (frame.code !== NOT_DONE || !Array.isArray(value) || value.length !== 5) {
    throw protocolError('An answer does not have its fields.', { code: frame.code });
  }
  const [code, message, data, mayBeApplied, retrySafe] = value as readonly unknown[];
  if (typeof message !== 'string' || typeof mayBeApplied !== 'boolean' || typeof retrySafe !== 'boolean') {
    throw protocolError('A field of an answer is of another type.', {});
  }
  if (typeof code !== 'string' || typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw protocolError('A field of an answer is of another type.', {});
  }
  return { error: errorOf(code, message, data as ErrorData, { mayBeApplied, retrySafe }) };
}

function errorOf(
  code: string,
  message: string,
  data: ErrorData,
  answers: { readonly mayBeApplied: boolean; readonly retrySafe: boolean },
): ConclaveError {
  const known = (ERROR_CODES as readonly string[]).includes(code) ? (code as ErrorCode) : null;
  // A newer node may have codes of its own.
  return known === null
    ? new ConclaveError('ERR_PROTOCOL', `${message} (${code})`, { data: { ...data, code }, ...answers })
    : new ConclaveError(known, message, { data, ...answers });
}

/** Of an error's data, what is plain: texts, numbers, yes and no. */
function simpleData(data: ErrorData): ErrorData {
  const simple = Object.entries(data).filter(
    ([, value]) => value === null || ['number', 'boolean', 'string'].includes(typeof value),
  );
  return Object.fromEntries(simple.map(([name, value]) => [name, typeof value === 'string' ? cut(value) : value]));
}

function cut(text: string): string {
  return text.slice(0, STRING_BYTES_MAX / 4);
}

function isName(value: unknown, charsMax: number): value is string | null {
  return value === null || (typeof value === 'string' && value.length <= charsMax);
}

function decode(bytes: Uint8Array): unknown {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw protocolError('What an administrator or a node has sent cannot be decoded.', {}, cause);
  }
}
