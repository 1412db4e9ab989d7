import { Encoder } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId } from '../../../src/ids.js';
import { isAddress } from '../../../src/net/address.js';
import { MessageCodec } from '../../../src/net/codec.js';
import { FrameType, NO_BYTES, type Frame } from '../../../src/net/frame.js';
import type { NodeMessage } from '../../../src/net/transport.js';
import { unlessProtocolError } from './support/protocol.js';
import { numberedBytes, sampleMessages } from './support/sample-messages.js';

const from = nodeId('a:1');
const samples = Object.entries(sampleMessages(from)) as [NodeMessage['type'], NodeMessage][];
const types = samples.map(([type]) => type);
const codec = new MessageCodec(1 << 20);

/** Encodes; the frame's meta is copied, its payload is whatever the codec passed on. */
function encode(message: NodeMessage): Frame {
  let written: Frame | undefined;
  codec.encode(message, {
    writeFrame: (type, code, group, meta, payload) =>
      void (written = { type, code, group, meta: meta.slice(), payload }),
  });
  return written!;
}

function decodeMeta(code: number, meta: unknown, payload: Uint8Array = NO_BYTES): NodeMessage {
  return codec.decode({ type: FrameType.message, code, group: 0, meta: new Encoder().encode(meta), payload }, from);
}

/** What these are on the wire. */
const READ_INDEX = 10;
const FORWARD = 12;
const SNAPSHOT_REQUEST = 13;
const CHANGE_REQUEST = 15;
const CHANGE_REPLY = 16;
const TRANSFER_REPLY = 18;

const ID = '0123456789abcdef'.repeat(2);

describe('MessageCodec', () => {
  it.each(samples)('gives back %s as it was', (_type, message) => {
    expect(codec.decode(encode(message), from)).toEqual(message);
  });

  it('passes bytes on without copying them, in both directions', () => {
    const message = sampleMessages(from).forward;

    const frame = encode(message);
    const decoded = codec.decode(frame, from);

    expect(frame.payload).toBe(message.payload);
    expect(decoded).toHaveProperty('payload', message.payload);
    expect((decoded as typeof message).payload).toBe(message.payload);
  });

  it('does not put the sender on the wire', () => {
    const frame = encode(sampleMessages(nodeId('some.other.name:9')).timeoutNow);

    expect(codec.decode(frame, from).from).toBe(from);
    expect(frame.meta).toHaveLength(2);
  });

  // Whoever has to change this must raise PROTOCOL_VERSION.
  it('writes every message in this form', () => {
    const written = samples.map(([type, message]) => {
      const { code, group, meta, payload } = encode(message);
      return `${type} ${code} ${group} ${Buffer.from(meta).toString('hex')} +${payload.length}`;
    });

    expect(written).toMatchInlineSnapshot(`
      [
        "requestPreVote 1 7 940506cd012c04 +2",
        "requestPreVoteReply 2 7 930506c3 +0",
        "requestVote 3 7 9405cf001fffffffffffff00c3 +0",
        "requestVoteReply 4 7 9205c2 +0",
        "appendEntries 5 7 9605ce00011170cf000000012a05f200cc807f64 +4",
        "appendEntriesReply 6 7 97050102c2030400 +0",
        "installSnapshot 7 7 980501020304cf0000018bcfe56800d9203031323334353637383961626364656630313233343536373839616263646566ce0bebc200 +0",
        "installSnapshotReply 8 7 9405010203 +0",
        "timeoutNow 9 7 9105 +0",
        "readIndex 10 7 930509c3 +0",
        "readIndexReply 11 7 9305090a +0",
        "forward 12 7 930502ceffffffff +5000",
        "snapshotRequest 13 7 93d9206666666666666666666666666666666666666666666666666666666666666666cf000000012a05f200ce00040000 +0",
        "snapshotPiece 14 7 93d9203030303030303030303030303030303030303030303030303030303030303030ce0004000000 +5000",
        "changeRequest 15 7 9505ceee6b2800da01036e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e3a3635353335c0cd012c +0",
        "changeReply 16 7 940509a9756e6465722077617900 +0",
        "transferRequest 17 7 930509aa5b3a3a315d3a34333231 +0",
        "transferReply 18 7 930509c0 +0",
        "membersKnown 19 7 9305cd012cc3 +500",
        "versionRequest 20 7 930509ce3b9aca00 +0",
        "versionReply 21 7 920509 +2",
      ]
    `);
  });

  it('writes nothing that would be too large for a frame', () => {
    const small = new MessageCodec(5_000); // 12 bytes of header, 7 of meta, 4981 of payload
    const written: number[] = [];
    const sink = {
      writeFrame: (...[, , , meta, payload]: [unknown, unknown, unknown, Uint8Array, Uint8Array]): void => {
        written.push(12 + meta.length + payload.length);
      },
    };

    const taken = [4_900, 4_980, 4_981, 4_982, 5_000].map((bytes) => small.encode(numberedBytes(from, 1, bytes), sink));

    expect(taken).toEqual([true, true, true, false, false]);
    expect(Math.max(...written)).toBeLessThanOrEqual(5_000);
  });

  it.each([
    ['an unknown type', 99, [1]],
    ['type 0', 0, [1]],
    ['too few fields', READ_INDEX, [1, 2]],
    ['too many fields', READ_INDEX, [1, 2, true, 4]],
    ['a meta that is no array', READ_INDEX, 5],
    ['a map', READ_INDEX, { term: 1 }],
    ['an empty map', READ_INDEX, {}],
    ['a negative number', READ_INDEX, [-1, 2, true]],
    ['a fraction', READ_INDEX, [1.5, 2, true]],
    ['NaN', READ_INDEX, [NaN, 2, true]],
    ['infinity', READ_INDEX, [Infinity, 2, true]],
    ['a number above 2^53 - 1', READ_INDEX, [2 ** 53, 2, true]],
    ['a string for a number', READ_INDEX, ['1', 2, true]],
    ['null for a number', READ_INDEX, [null, 2, true]],
    ['a number for a boolean', READ_INDEX, [1, 2, 1]],
    ['null for a boolean', READ_INDEX, [1, 2, null]],
    ['an array for a number', READ_INDEX, [[1], 2, true]],
    ['an entry kind that does not exist', FORWARD, [1, 200, 0]],
    ['an entry kind that is no number', FORWARD, [1, true, 0]],
    ['a checksum of 33 bits', FORWARD, [1, 2, 2 ** 32]],
    ['a negative checksum', FORWARD, [1, 2, -1]],
    ['a checksum that is no number', FORWARD, [1, 2, '0']],
    ['an id that is too short', SNAPSHOT_REQUEST, [ID.slice(1), 0, 1]],
    ['an id that is too long', SNAPSHOT_REQUEST, [`${ID}0`, 0, 1]],
    ['an id with a line break behind it', SNAPSHOT_REQUEST, [`${ID.slice(1)}\n`, 0, 1]],
    ['an id with upper case digits', SNAPSHOT_REQUEST, [ID.toUpperCase(), 0, 1]],
    ['an id with something that is no digit', SNAPSHOT_REQUEST, [`${ID.slice(1)}g`, 0, 1]],
    ['an id that names a way', SNAPSHOT_REQUEST, [`../${ID.slice(3)}`, 0, 1]],
    ['an id that is no string', SNAPSHOT_REQUEST, [0, 0, 1]],
    ['an id of bytes', SNAPSHOT_REQUEST, [new Uint8Array(32).fill(48), 0, 1]],
    ['an id that is missing', SNAPSHOT_REQUEST, [null, 0, 1]],
    ['a node that is no address', CHANGE_REQUEST, [1, 2, 'nobody', null, 3]],
    ['a node whose address is too long', CHANGE_REQUEST, [1, 2, `${'n'.repeat(254)}:65535`, null, 3]],
    ['a node that is no string', CHANGE_REQUEST, [1, 2, 7, null, 3]],
    ['a refusal that does not exist', CHANGE_REPLY, [1, 2, 'no mood']],
    ['a transfer error that does not exist', TRANSFER_REPLY, [1, 2, 'under way']],
    ['a date', READ_INDEX, [new Date(0), 2, true]],
  ])('refuses %s', (_what, code, meta) => {
    expect(() => decodeMeta(code, meta)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });

  it('takes a message that is in order beside those', () => {
    expect(decodeMeta(SNAPSHOT_REQUEST, [ID, 0, 1])).toMatchObject({ snapshotId: ID, offset: 0, length: 1 });
    expect(decodeMeta(FORWARD, [1, 2, 2 ** 32 - 1])).toMatchObject({ kind: 2, crc: 2 ** 32 - 1 });
  });

  it('refuses bytes on a message that has none', () => {
    expect(() => decodeMeta(READ_INDEX, [1, 2, true], Uint8Array.of(1))).toThrow('carries bytes');
  });

  it('refuses a meta with something behind it, or cut short', () => {
    const { meta, ...rest } = encode(sampleMessages(from).readIndex);

    for (const spoiled of [Buffer.concat([meta, Buffer.of(0)]), meta.subarray(0, -1), NO_BYTES]) {
      expect(() => codec.decode({ ...rest, meta: spoiled }, from)).toThrow('cannot be decoded');
    }
  });

  it('names the field that is out of range', () => {
    expect(() => decodeMeta(READ_INDEX, [1, -2, true])).toThrow(
      expect.objectContaining({ data: { type: 'readIndex', field: 'readId' } }),
    );
  });

  it('cannot be made to pollute a prototype', () => {
    const evil = new Encoder().encode({ ['__proto__']: { polluted: true } });

    expect(() =>
      codec.decode({ type: FrameType.message, code: READ_INDEX, group: 0, meta: evil, payload: NO_BYTES }, from),
    ).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('answers deeply nested arrays with an error, and goes on', () => {
    const bomb = new Uint8Array(4_000).fill(0x91);

    expect(() =>
      codec.decode({ type: FrameType.message, code: READ_INDEX, group: 0, meta: bomb, payload: NO_BYTES }, from),
    ).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    expect(decodeMeta(READ_INDEX, [1, 2, true])).toMatchObject({ readId: 2 });
  });

  it('answers any spoiled message with a message in range or a protocol error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(16),
        (type, flips, code) => {
          const frame = encode(sampleMessages(from)[type]);
          for (const [at, flip] of flips) {
            const index = at % frame.meta.length;
            frame.meta[index] = frame.meta[index]! ^ flip;
          }
          if (flips.length > 2) frame.code = code;

          const decoded = unlessProtocolError(() => codec.decode(frame, from));

          expect(fieldsOutOfRange(decoded)).toEqual([]);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('answers any bytes with a message in range or a protocol error', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.uint8Array({ maxLength: 60 }), (code, meta) => {
        const frame = { type: FrameType.message, code, group: 0, meta, payload: NO_BYTES };

        const decoded = unlessProtocolError(() => codec.decode(frame, from));

        expect(fieldsOutOfRange(decoded)).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives back any message', () => {
    const count = fc.maxSafeNat();
    fc.assert(
      fc.property(
        fc.array(count, { minLength: 8, maxLength: 8 }),
        fc.boolean(),
        fc.uint8Array(),
        (numbers, flag, bytes) => {
          for (const [, sample] of samples) {
            let next = 0;
            const message = Object.fromEntries(
              Object.entries(sample).map(([name, value]) => {
                if (name === 'group' || name === 'kind' || typeof value === 'string' || value === null) {
                  return [name, value];
                }
                if (name === 'crc') return [name, numbers[next++]! % 2 ** 32];
                if (value instanceof Uint8Array) return [name, bytes];
                return [name, typeof value === 'boolean' ? flag : numbers[next++]!];
              }),
            ) as unknown as NodeMessage;

            expect(codec.decode(encode(message), from)).toEqual(message);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

const REFUSALS: readonly string[] = [
  'no leader',
  'unanswered',
  'outdated',
  'under way',
  'already a member',
  'no such member',
  'last voter',
  'too many voters',
  'no quorum left',
];
const TRANSFER_ERRORS: readonly string[] = [
  'no leader',
  'no such voter',
  'timed out',
  'already under way',
  'another node was elected',
];
const NODE_FIELDS: readonly string[] = ['add', 'remove', 'target'];

function fieldsOutOfRange(message: NodeMessage | null): string[] {
  const isInRange = ([name, value]: [string, unknown]): boolean =>
    name === 'type' ||
    name === 'from' ||
    value === null ||
    (NODE_FIELDS.includes(name) && isAddress(value as string)) ||
    (name === 'refusal' && REFUSALS.includes(value as string)) ||
    (name === 'error' && TRANSFER_ERRORS.includes(value as string)) ||
    (name === 'snapshotId' && /^[0-9a-f]{32}$/.test(value as string)) ||
    value instanceof Uint8Array ||
    typeof value === 'boolean' ||
    (Number.isSafeInteger(value) && (value as number) >= 0);
  return Object.entries(message ?? {})
    .filter((field) => !isInRange(field))
    .map(([name]) => name);
}
