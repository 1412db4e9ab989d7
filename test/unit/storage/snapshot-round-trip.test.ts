/** What is written into a snapshot is what is read from it, whatever its size and however it was handed over. */

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';
import { memorySource } from '../../../src/storage/byte-source.js';
import { CHUNK_BYTES_MAX } from '../../../src/storage/snapshot-chunk.js';
import { SnapshotReader } from '../../../src/storage/snapshot-reader.js';
import { SnapshotWriter } from '../../../src/storage/snapshot-writer.js';
import { MemorySink, cutAt, noise, readSections, readSnapshot, snapshotBytes, text } from './snapshot-samples.js';

const SIZES = [0, 1, 63, CHUNK_BYTES_MAX - 1, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, 5 * CHUNK_BYTES_MAX + 17];

describe.each([
  { kind: 'that compress', make: text },
  { kind: 'that do not', make: noise },
])('bytes $kind', ({ make }) => {
  test.each(SIZES)('come back, %i of them', (size) => {
    const sections = { 'object:acct': make(size), sessions: make(100, 2) };

    const read = readSnapshot(snapshotBytes(sections));

    expect(Buffer.compare(read.sections['object:acct']!, sections['object:acct'])).toBe(0);
    expect(Buffer.compare(read.sections['sessions']!, sections.sessions)).toBe(0);
  });
});

test('a snapshot without sections says where it was cut, and who is admitted', () => {
  const read = readSnapshot(snapshotBytes({}, cutAt(7, 3)));

  expect(read).toEqual({ cut: cutAt(7, 3), sections: {} });
});

test('the pieces in which a stream is written are not seen in the snapshot', () => {
  const stream = text(3 * CHUNK_BYTES_MAX + 5);
  const random = new SeededRandom(5);
  const sink = new MemorySink();
  const writer = new SnapshotWriter(sink);
  writer.beginSection('a');
  for (let at = 0; at < stream.length;) {
    const piece = stream.slice(at, at + randomBelow(random, randomBelow(random, 4) === 0 ? 600_000 : 9_000));
    writer.write(piece);
    at += piece.length;
    // What was handed over is the writer's no longer.
    piece.fill(0);
  }
  writer.endSection();
  writer.finish(cutAt(10));

  expect(Buffer.compare(sink.bytes, snapshotBytes({ a: stream }))).toBe(0);
});

test('a stream may come from memory that threads share', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(2 * CHUNK_BYTES_MAX));
  shared.set(text(shared.length));

  const read = readSnapshot(snapshotBytes({ a: shared }));

  expect(Buffer.compare(read.sections['a']!, text(shared.length))).toBe(0);
});

test('the writer says what it has written', () => {
  const sink = new MemorySink();
  const writer = new SnapshotWriter(sink);
  writer.beginSection('a');
  writer.write(text(1000));
  const section = writer.endSection();
  writer.beginSection('b');
  writer.endSection();
  const result = writer.finish(cutAt(10));

  const reader = SnapshotReader.open(memorySource(sink.bytes), null);
  const hash = createHash('sha256').update(text(1000)).digest('hex');
  expect(section).toEqual({ hash, bytes: 1000 });
  expect(result).toEqual({ id: reader.id, bytes: sink.bytes.length, stateBytes: 1000 });
  expect(result.id).toMatch(/^[0-9a-f]{32}$/);
  expect(reader.manifest.sections[0]).toEqual({ name: 'a', hash, bytes: 1000, firstChunk: 0, chunkCount: 1 });
});

describe('the id', () => {
  const idOf = (...made: Parameters<typeof snapshotBytes>): string =>
    SnapshotReader.open(memorySource(snapshotBytes(...made)), null).id;
  const base = idOf({ a: text(100) }, cutAt(10));

  test('is the same for the same content', () => {
    expect(idOf({ a: text(100) }, cutAt(10))).toBe(base);
  });

  test.each([
    ['bytes', idOf({ a: text(100, 2) }, cutAt(10))],
    ['a name', idOf({ b: text(100) }, cutAt(10))],
    ['an index', idOf({ a: text(100) }, cutAt(11))],
    ['a term', idOf({ a: text(100) }, cutAt(10, 3))],
    ['a code version', idOf({ a: text(100) }, { ...cutAt(10), codeVersion: 1 })],
    ['members', idOf({ a: text(100) }, { ...cutAt(10), configuration: null })],
  ])('is another when %s differ', (_what, id) => {
    expect(id).not.toBe(base);
  });
});

test('the sections can be read at the same time', () => {
  const sections = { a: text(3 * CHUNK_BYTES_MAX), b: noise(3 * CHUNK_BYTES_MAX) };
  const reader = SnapshotReader.open(memorySource(snapshotBytes(sections)), null);
  const [a, b] = [reader.section('a')!, reader.section('b')!];

  for (let at = 0; at < sections.a.length; at += CHUNK_BYTES_MAX) {
    const [pieceOfA, pieceOfB] = [a.next()!, b.next()!];
    expect(Buffer.compare(pieceOfA, sections.a.subarray(at, at + CHUNK_BYTES_MAX))).toBe(0);
    expect(Buffer.compare(pieceOfB, sections.b.subarray(at, at + CHUNK_BYTES_MAX))).toBe(0);
  }
  expect([a.next(), b.next(), a.next()]).toEqual([null, null, null]);
});

test('there is no section that was not written', () => {
  const reader = SnapshotReader.open(memorySource(snapshotBytes({ a: text(10) })), null);

  expect(reader.section('b')).toBeNull();
});

test('a snapshot is verified in slices, and can be read afterwards', async () => {
  const sections = { a: text(3 * CHUNK_BYTES_MAX), b: noise(CHUNK_BYTES_MAX + 1) };
  const reader = SnapshotReader.open(memorySource(snapshotBytes(sections)), null);
  let pauses = 0;

  await reader.verify(() => (++pauses % 2 === 0 ? Promise.resolve() : undefined));

  expect(pauses).toBe(5);
  expect(Object.keys(readSections(reader))).toEqual(['a', 'b']);
});

test('verifying ends when the pause does not want it to go on', async () => {
  const reader = SnapshotReader.open(memorySource(snapshotBytes({ a: noise(3 * CHUNK_BYTES_MAX) })), null);
  const stop = new Error('stopped');

  await expect(reader.verify(() => Promise.reject(stop))).rejects.toBe(stop);
});

test('text takes half of its size at most, and noise hardly more than its own', () => {
  const size = 4 * CHUNK_BYTES_MAX;

  expect(snapshotBytes({ a: text(size) }).length).toBeLessThan(size / 2);
  expect(snapshotBytes({ a: noise(size) }).length).toBeLessThan(size + 500);
});

describe('a writer stops whoever', () => {
  const begun = (): SnapshotWriter => {
    const writer = new SnapshotWriter(new MemorySink());
    writer.beginSection('a');
    return writer;
  };
  const ended = (): SnapshotWriter => {
    const writer = begun();
    writer.endSection();
    return writer;
  };

  test.each([
    ['begins a section within another', () => begun().beginSection('b')],
    ['gives two sections one name', () => ended().beginSection('a')],
    ['writes outside of a section', () => ended().write(text(1))],
    ['finishes within a section', () => begun().finish(cutAt(1))],
  ])('%s', (_what, misuse) => {
    expect(misuse).toThrowError(/Invariant broken/);
  });
});
