import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FrameReader, FrameType, META_BYTES_MAX, type Frame } from '../../../src/net/frame.js';
import { unlessProtocolError } from './support/protocol.js';
import { frameBytes } from './support/raw-peer.js';

const FRAME_MAX = 100_000;

/** Reads chunks to the end, each frame copied. */
function readAll(reader: FrameReader, chunks: readonly Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push({ ...frame });
  }
  return frames;
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

const meta = Buffer.from('meta');
const payload = Buffer.alloc(1_000, 'payload');
const message = frameBytes(FrameType.message, 5, 513, meta, payload);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the frame', () => {
  it('has this form on the wire, for ever', () => {
    const bytes = frameBytes(FrameType.message, 5, 513, Buffer.from([0x91, 7]), Buffer.from([0xaa, 0xbb, 0xcc]));

    expect(bytes.toString('hex')).toBe(['0d000000', '03', '05', '0102', '02000000', '9107', 'aabbcc'].join(''));
  });
});

describe('FrameReader', () => {
  it('shows a frame that lies within a chunk as views of it', () => {
    const chunk = Buffer.concat([message, message]);

    const frames = readAll(new FrameReader(FRAME_MAX), [chunk]);

    expect(frames).toHaveLength(2);
    for (const frame of frames) {
      expect(frame).toMatchObject({ type: FrameType.message, code: 5, group: 513 });
      expect(frame.meta.buffer).toBe(chunk.buffer);
      expect(frame.payload.buffer).toBe(chunk.buffer);
      expect(Buffer.compare(frame.payload, payload)).toBe(0);
    }
  });

  it('puts a frame that spans chunks together in one buffer of its length', () => {
    const allocations = vi.spyOn(Buffer, 'allocUnsafeSlow');

    const frames = readAll(new FrameReader(FRAME_MAX), cut(message, 100));

    expect(frames).toHaveLength(1);
    expect(Buffer.compare(frames[0]!.payload, payload)).toBe(0);
    expect(frames[0]!.payload.buffer.byteLength).toBe(meta.length + payload.length);
    expect(allocations.mock.calls).toEqual([[meta.length + payload.length]]);
  });

  it.each([1, 2, 5, 11, 12, 13, 16, 17, 1_015, 1_016, 1_017])('reads chunks of %i bytes', (size) => {
    const stream = Buffer.concat([message, frameBytes(FrameType.keepalive, 0, 0, Buffer.alloc(0)), message]);

    const frames = readAll(new FrameReader(FRAME_MAX), cut(stream, size));

    expect(frames.map((frame) => [frame.type, frame.meta.length, frame.payload.length])).toEqual([
      [FrameType.message, 4, 1_000],
      [FrameType.keepalive, 0, 0],
      [FrameType.message, 4, 1_000],
    ]);
  });

  it('keeps hold of nothing once it has been read', () => {
    const reader = new FrameReader(FRAME_MAX);
    reader.push(message);
    const frame = reader.next()!;

    reader.next();

    expect([frame.meta.length, frame.payload.length]).toEqual([0, 0]);
  });

  it.each([
    ['nothing', 0, false],
    ['part of a header', 3, true],
    ['a header', 12, true],
    ['part of a body', 50, true],
    ['all of a frame', message.length, false],
  ])('knows after %s whether a frame is unfinished', (_what, bytes, expected) => {
    const reader = new FrameReader(FRAME_MAX);

    readAll(reader, [message.subarray(0, bytes)]);

    expect(reader.isMidFrame).toBe(expected);
  });

  it('lets a frame of exactly the limit pass, and none that is a byte longer', () => {
    const exact = new FrameReader(message.length);
    const tooSmall = new FrameReader(message.length - 1);

    expect(readAll(exact, [message])).toHaveLength(1);
    expect(() => readAll(tooSmall, [message])).toThrow(
      expect.objectContaining({
        code: 'ERR_PROTOCOL',
        data: { frameBytes: message.length, frameBytesMax: message.length - 1 },
      }),
    );
  });

  it('allocates nothing for a frame that is too large', () => {
    const allocations = vi.spyOn(Buffer, 'allocUnsafeSlow');
    const header = Buffer.from(message.subarray(0, 12));
    header.writeUInt32LE(0xffff_ffff, 0);

    expect(() => readAll(new FrameReader(FRAME_MAX), [header])).toThrow('too large');
    expect(allocations).not.toHaveBeenCalled();
  });

  it('takes a new limit from the next frame on, within a chunk too', () => {
    const small = frameBytes(FrameType.hello, 1, 0, meta);
    const reader = new FrameReader(100);

    reader.push(Buffer.concat([small, message]));
    expect(reader.next()!.type).toBe(FrameType.hello);
    reader.frameBytesMax = FRAME_MAX;

    expect(reader.next()!.type).toBe(FrameType.message);
  });

  it.each([
    ["a length below the header's", (header: Buffer) => header.writeUInt32LE(7, 0), 'shorter than its header'],
    ['type 0', (header: Buffer) => header.writeUInt8(0, 4), 'type that does not exist'],
    ['type 8', (header: Buffer) => header.writeUInt8(8, 4), 'type that does not exist'],
    [
      'a meta longer than the frame',
      (header: Buffer) => header.writeUInt32LE(1_005, 8),
      'meta of a frame is too large',
    ],
    [
      'a meta above its limit',
      (header: Buffer) => header.writeUInt32LE(META_BYTES_MAX + 1, 8),
      'meta of a frame is too large',
    ],
  ])('refuses %s', (_what, spoil, text) => {
    const bytes = Buffer.from(message);
    spoil(bytes);

    const read = (): unknown => readAll(new FrameReader(FRAME_MAX), [bytes]);

    expect(read).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    expect(read).toThrow(text);
  });

  it('reads any frames from any chunks as they were written', () => {
    const anyFrame = fc.record({
      type: fc.constantFrom(...Object.values(FrameType)),
      code: fc.nat(255),
      group: fc.nat(65_535),
      meta: fc.uint8Array({ maxLength: 60 }),
      payload: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 200 })),
        (written, cuts) => {
          const stream = Buffer.concat(written.map((f) => frameBytes(f.type, f.code, f.group, f.meta, f.payload)));
          const chunks: Buffer[] = [];
          let at = 0;
          for (const size of cuts) {
            chunks.push(stream.subarray(at, at + size));
            at += size;
          }
          chunks.push(stream.subarray(at));

          const read = readAll(new FrameReader(FRAME_MAX), chunks);

          expect(read.map(comparable)).toEqual(written.map(comparable));
        },
      ),
    );
  });

  it('answers any bytes with frames or with a protocol error, and never holds more than one frame', () => {
    const allocations = vi.spyOn(Buffer, 'allocUnsafeSlow');
    const spoiled = fc.tuple(fc.nat(message.length * 3 - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
      const bytes = Buffer.concat([message, message, message]);
      bytes[at] = bytes[at]! ^ flip;
      return bytes;
    });
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 400 }), spoiled),
        fc.integer({ min: 1, max: 700 }),
        (bytes, size) => {
          const reader = new FrameReader(2_000);

          unlessProtocolError(() => readAll(reader, cut(Buffer.from(bytes), size)));
        },
      ),
      { numRuns: 1_000 },
    );
    expect(Math.max(0, ...allocations.mock.calls.map(([size]) => size))).toBeLessThan(2_000);
  });
});

function comparable(frame: Frame): unknown {
  return [frame.type, frame.code, frame.group, [...frame.meta], [...frame.payload]];
}
