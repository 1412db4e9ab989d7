/**
 * Turns messages between nodes into frames and back. A message's fields are one positional msgpack array, the meta;
 * its bytes (`entries`, `payload`) are the frame's payload as they are, never encoded and never copied here. Trusts
 * nothing that it decodes.
 */

import { Decoder, Encoder } from '@msgpack/msgpack';
import { assert } from '../assert.js';
import type { ChangeRefusal, TransferError } from '../actors/raft/effects.js';
import { EntryKind } from '../actors/raft/entry.js';
import type { NodeId } from '../ids.js';
import { isAddress, NODE_ID_CHARS_MAX } from './address.js';
import { FRAME_HEADER_BYTES, FrameType, NO_BYTES, type Frame, type FrameSink } from './frame.js';
import { protocolError } from './protocol-error.js';
import type { NodeMessage } from './transport.js';

/**
 * What a field may hold: `count` is a whole number from 0 to 2^53 - 1, `crc` one below 2^32, `id` a string of 32 hex
 * digits, lower case; `node` the address of a node, or null; `changeRefusal` and `transferError` one of their words, or
 * null; `bytes` is the frame's payload.
 */
type FieldKind = 'count' | 'crc' | 'flag' | 'entryKind' | 'id' | 'node' | 'changeRefusal' | 'transferError' | 'bytes';

type FieldKindOf<Name, Value> = [Value] extends [boolean]
  ? 'flag'
  : [Value] extends [Uint8Array]
    ? 'bytes'
    : [Value] extends [EntryKind]
      ? 'entryKind'
      : [Value] extends [number]
        ? Name extends 'crc'
          ? 'crc'
          : 'count'
        : [Value] extends [NodeId | null]
          ? 'node'
          : [Value] extends [ChangeRefusal | null]
            ? 'changeRefusal'
            : [Value] extends [TransferError | null]
              ? 'transferError'
              : [Value] extends [string]
                ? 'id'
                : never;

/** `group` is in the frame's header, and who a message is from is what the connection's hello said. */
type Envelope = 'type' | 'group' | 'from';

type MessageType = NodeMessage['type'];

/** Total over messages and over their fields: forgetting one does not compile. */
type MessageFields = {
  readonly [Type in MessageType]: {
    readonly code: number;
    readonly fields: {
      readonly [Name in Exclude<keyof Extract<NodeMessage, { type: Type }>, Envelope>]: FieldKindOf<
        Name,
        Extract<NodeMessage, { type: Type }>[Name]
      >;
    };
  };
};

/**
 * Every message on the wire. The order of the fields is their position. Changing a code, a field or an order changes
 * the protocol: `PROTOCOL_VERSION` must go up with it.
 */
const MESSAGES: MessageFields = {
  requestPreVote: {
    code: 1,
    fields: { term: 'count', campaignTerm: 'count', lastLogIndex: 'count', lastLogTerm: 'count', founders: 'bytes' },
  },
  requestPreVoteReply: {
    code: 2,
    fields: { term: 'count', campaignTerm: 'count', voteGranted: 'flag' },
  },
  requestVote: {
    code: 3,
    fields: {
      term: 'count',
      lastLogIndex: 'count',
      lastLogTerm: 'count',
      leadershipTransfer: 'flag',
      founders: 'bytes',
    },
  },
  requestVoteReply: {
    code: 4,
    fields: { term: 'count', voteGranted: 'flag' },
  },
  appendEntries: {
    code: 5,
    fields: {
      term: 'count',
      session: 'count',
      round: 'count',
      prevLogIndex: 'count',
      prevLogTerm: 'count',
      leaderCommit: 'count',
      entries: 'bytes',
    },
  },
  appendEntriesReply: {
    code: 6,
    fields: {
      term: 'count',
      session: 'count',
      round: 'count',
      success: 'flag',
      matchIndex: 'count',
      conflictIndex: 'count',
      conflictTerm: 'count',
    },
  },
  installSnapshot: {
    code: 7,
    fields: {
      term: 'count',
      session: 'count',
      round: 'count',
      lastIncludedIndex: 'count',
      lastIncludedTerm: 'count',
      lastIncludedTimestampMs: 'count',
      snapshotId: 'id',
      snapshotBytes: 'count',
    },
  },
  installSnapshotReply: {
    code: 8,
    fields: { term: 'count', session: 'count', round: 'count', lastIncludedIndex: 'count' },
  },
  timeoutNow: {
    code: 9,
    fields: { term: 'count' },
  },
  readIndex: {
    code: 10,
    fields: { term: 'count', readId: 'count', lease: 'flag' },
  },
  readIndexReply: {
    code: 11,
    fields: { term: 'count', readId: 'count', readIndex: 'count' },
  },
  forward: {
    code: 12,
    fields: { term: 'count', kind: 'entryKind', crc: 'crc', payload: 'bytes' },
  },
  snapshotRequest: {
    code: 13,
    fields: { snapshotId: 'id', offset: 'count', length: 'count' },
  },
  snapshotPiece: {
    code: 14,
    fields: { snapshotId: 'id', offset: 'count', crc: 'crc', bytes: 'bytes' },
  },
  changeRequest: {
    code: 15,
    fields: { term: 'count', question: 'count', add: 'node', remove: 'node', knownIndex: 'count' },
  },
  changeReply: {
    code: 16,
    fields: { term: 'count', question: 'count', refusal: 'changeRefusal', index: 'count' },
  },
  transferRequest: {
    code: 17,
    fields: { term: 'count', question: 'count', target: 'node' },
  },
  transferReply: {
    code: 18,
    fields: { term: 'count', question: 'count', error: 'transferError' },
  },
  membersKnown: {
    code: 19,
    fields: { term: 'count', commitIndex: 'count', hasLeader: 'flag', configuration: 'bytes' },
  },
  versionRequest: {
    code: 20,
    fields: { term: 'count', question: 'count', version: 'count' },
  },
  versionReply: {
    code: 21,
    fields: { term: 'count', question: 'count', refusal: 'bytes' },
  },
};

/** A message as the codec sees it. */
type Loose = Record<string, unknown>;

/** What `MESSAGES` says of one message, made ready for use. */
interface Layout {
  readonly code: number;
  /** The fields in the meta, in order. */
  readonly names: readonly string[];
  readonly kinds: readonly FieldKind[];
  /** The field that is the payload. */
  readonly payloadName: string | null;
  /** Filled and encoded again for each message. */
  readonly values: unknown[];
  /** Cloned for each message decoded, so that all of one type have one shape; its values are placeholders. */
  readonly template: Readonly<Loose>;
}

const GROUP_MAX = 0xffff;

const ENTRY_KINDS: ReadonlySet<unknown> = new Set(Object.values(EntryKind));

const CRC_MAX = 0xffff_ffff;

const ID = /^[0-9a-f]{32}$/;

const CHANGE_REFUSALS: ReadonlySet<unknown> = setOf<ChangeRefusal>({
  'no leader': true,
  unanswered: true,
  outdated: true,
  'under way': true,
  'already a member': true,
  'no such member': true,
  'last voter': true,
  'too many voters': true,
  'no quorum left': true,
});

const TRANSFER_ERRORS: ReadonlySet<unknown> = setOf<TransferError>({
  'no leader': true,
  'no such voter': true,
  'timed out': true,
  'already under way': true,
  'another node was elected': true,
});

/**
 * No meta has more fields than this, longer strings than a node's address, maps, or anything else but numbers and
 * booleans.
 */
const META_FIELDS_MAX = 16;

/**
 * Encodes and decodes messages, more than a million small ones a second each way. Keep one for the life of a transport:
 * what it encodes with is reused.
 */
export class MessageCodec {
  readonly #frameBytesMax: number;
  readonly #layouts = new Map<string, Layout>();
  /** By code; a hole where there is no message. */
  readonly #layoutsByCode: (Layout | undefined)[] = [];
  readonly #encoder = new Encoder({ initialBufferSize: 512 });
  readonly #decoder = new Decoder({
    keyDecoder: null,
    maxArrayLength: META_FIELDS_MAX,
    maxMapLength: 0,
    maxStrLength: NODE_ID_CHARS_MAX,
    maxBinLength: 0,
    maxExtLength: 0,
  });

  /** @param frameBytesMax the longest frame, header included, that the other side takes. */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
    for (const [type, { code, fields }] of Object.entries(MESSAGES)) {
      const layout = layoutOf(type, code, fields);
      assert(this.#layoutsByCode[code] === undefined, `code ${code} belongs to one message`);
      this.#layouts.set(type, layout);
      this.#layoutsByCode[code] = layout;
    }
  }

  /** Writes `message` as one frame. Answers false, having written nothing, when that would be too large. */
  encode(message: NodeMessage, sink: FrameSink): boolean {
    const layout = this.#layouts.get(message.type)!;
    const { names, values, payloadName } = layout;
    const loose = message as unknown as Loose;
    assert(message.group >= 0 && message.group <= GROUP_MAX, 'a group fits into 16 bits');
    for (let i = 0; i < names.length; i++) values[i] = loose[names[i]!];
    const meta = this.#encoder.encodeSharedRef(values);
    const payload = payloadName === null ? NO_BYTES : (loose[payloadName] as Uint8Array);
    if (FRAME_HEADER_BYTES + meta.length + payload.length > this.#frameBytesMax) return false;
    sink.writeFrame(FrameType.message, layout.code, message.group, meta, payload);
    return true;
  }

  /**
   * Reads the message in a frame of type `message`. Its bytes are a view of the frame's.
   *
   * @throws ConclaveError `ERR_PROTOCOL` when it is not a message of this version of the protocol.
   */
  decode(frame: Frame, from: NodeId): NodeMessage {
    const layout = this.#layoutsByCode[frame.code];
    if (layout === undefined) throw protocolError('A message is of a type that does not exist.', { code: frame.code });
    const { names, kinds, payloadName } = layout;
    const values = this.#decodeMeta(frame);
    if (!Array.isArray(values) || values.length !== names.length) {
      throw protocolError('A message does not have the fields of its type.', { code: frame.code });
    }
    const message: Loose = { ...layout.template };
    message['group'] = frame.group;
    message['from'] = from;
    for (let i = 0; i < names.length; i++) {
      const value: unknown = values[i];
      if (!isOfKind(value, kinds[i]!)) {
        throw protocolError('A field of a message is out of range.', { type: message['type'], field: names[i] });
      }
      message[names[i]!] = value;
    }
    if (payloadName !== null) message[payloadName] = frame.payload;
    else if (frame.payload.length > 0) {
      throw protocolError('A message carries bytes that its type does not have.', { type: message['type'] });
    }
    return message as unknown as NodeMessage;
  }

  #decodeMeta(frame: Frame): unknown {
    try {
      return this.#decoder.decode(frame.meta);
    } catch (cause) {
      throw protocolError('The meta of a message cannot be decoded.', { code: frame.code }, cause);
    }
  }
}

function layoutOf(type: string, code: number, fields: Readonly<Record<string, FieldKind>>): Layout {
  const inMeta = Object.entries(fields).filter(([, kind]) => kind !== 'bytes');
  const payloads = Object.keys(fields).filter((name) => fields[name] === 'bytes');
  assert(payloads.length <= 1, 'a message has one payload at most');
  assert(inMeta.length <= META_FIELDS_MAX, 'the decoder takes as many fields as a message has');
  return {
    code,
    names: inMeta.map(([name]) => name),
    kinds: inMeta.map(([, kind]) => kind),
    payloadName: payloads[0] ?? null,
    values: inMeta.map(() => null),
    template: { type, group: 0, from: '', ...fields },
  };
}

function isOfKind(value: unknown, kind: FieldKind): boolean {
  switch (kind) {
    case 'count':
      return isCount(value);
    case 'crc':
      return isCount(value) && value <= CRC_MAX;
    case 'flag':
      return typeof value === 'boolean';
    case 'entryKind':
      return ENTRY_KINDS.has(value);
    case 'id':
      return typeof value === 'string' && ID.test(value);
    case 'node':
      return value === null || (typeof value === 'string' && isAddress(value));
    case 'changeRefusal':
      return value === null || CHANGE_REFUSALS.has(value);
    case 'transferError':
      return value === null || TRANSFER_ERRORS.has(value);
    case 'bytes':
      return false;
  }
}

/** Total: a word that is forgotten does not compile. */
function setOf<Word extends string>(words: Readonly<Record<Word, true>>): ReadonlySet<unknown> {
  return new Set(Object.keys(words));
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
