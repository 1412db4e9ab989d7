/**
 * A snapshot that is not what was written is refused, never read as something else. `SNAPSHOT_SEED=n` begins the random
 * damage elsewhere, `SNAPSHOT_FLIPS=n` does as much of it.
 */

import { Encoder } from '@msgpack/msgpack';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../../src/checksum.js';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';
import { memorySource } from '../../../src/storage/byte-source.js';
import {
  HEADER_BYTES,
  encodeFooter,
  encodeHeader,
  encodeTrailer,
  type ChunkInfo,
} from '../../../src/storage/snapshot-format.js';
import { encodeManifest, type SnapshotManifest } from '../../../src/storage/snapshot-manifest.js';
import { SnapshotReader } from '../../../src/storage/snapshot-reader.js';
import { codeOf, cutAt, noise, readSnapshot, snapshotBytes, text } from './snapshot-samples.js';

const SEED = Number(process.env['SNAPSHOT_SEED'] ?? 1);
const FLIPS = Number(process.env['SNAPSHOT_FLIPS'] ?? 3000);

const SECTIONS = { 'object:acct': text(900), 'object:none': new Uint8Array(0), sessions: noise(120) };
const WHOLE = snapshotBytes(SECTIONS);

test('the sample has chunks that are compressed and such that are not', () => {
  expect(WHOLE.length).toBeLessThan(900);
  expect(Buffer.from(WHOLE).includes(Buffer.from(SECTIONS.sessions))).toBe(true);
});

test('every truncation is refused', () => {
  for (let length = 0; length < WHOLE.length; length += 1) {
    expect(
      codeOf(() => readSnapshot(WHOLE.subarray(0, length))),
      `cut to ${length}`,
    ).toBe('ERR_STORAGE_CORRUPT');
  }
});

test('bytes behind the end are refused', () => {
  for (const added of [1, 31, 32, 33, WHOLE.length]) {
    const longer = Buffer.concat([WHOLE, new Uint8Array(added)]);
    expect(
      codeOf(() => readSnapshot(longer)),
      `${added} more`,
    ).toBe('ERR_STORAGE_CORRUPT');
  }
  expect(codeOf(() => readSnapshot(Buffer.concat([WHOLE, WHOLE])))).toBe('ERR_STORAGE_CORRUPT');
});

test('a flipped bit is refused, in every byte', () => {
  for (let at = 0; at < WHOLE.length; at += 1) {
    const damaged = WHOLE.slice();
    damaged[at]! ^= 1 << (at % 8);
    expect(
      codeOf(() => readSnapshot(damaged)),
      `bit ${at % 8} of byte ${at}`,
    ).toBe('ERR_STORAGE_CORRUPT');
  }
});

test('random damage is refused', () => {
  for (let seed = SEED; seed < SEED + FLIPS; seed += 1) {
    const random = new SeededRandom(seed);
    const damaged = WHOLE.slice();
    for (let count = 1 + randomBelow(random, 4); count > 0; count -= 1) {
      const start = randomBelow(random, damaged.length);
      const end = Math.min(damaged.length, start + 1 + randomBelow(random, 16));
      for (let at = start; at < end; at += 1) damaged[at] = randomBelow(random, 256);
    }
    if (Buffer.compare(damaged, WHOLE) === 0) continue;
    expect(
      codeOf(() => readSnapshot(damaged)),
      `replay with SNAPSHOT_SEED=${seed} SNAPSHOT_FLIPS=1`,
    ).toBe('ERR_STORAGE_CORRUPT');
  }
});

test('verifying finds what opening cannot see', async () => {
  const damaged = WHOLE.slice();
  damaged[HEADER_BYTES + 10]! ^= 1;
  const reader = SnapshotReader.open(memorySource(damaged), '/data/a.snapshot');

  await expect(reader.verify(() => undefined)).rejects.toMatchObject({
    code: 'ERR_STORAGE_CORRUPT',
    data: { path: '/data/a.snapshot', offset: HEADER_BYTES },
  });
});

test('the error says which file is damaged, where, and what to do', () => {
  const open = (): unknown => SnapshotReader.open(memorySource(WHOLE.subarray(0, 100)), '/data/a.snapshot');

  expect(open).toThrowError(
    /^The snapshot \/data\/a\.snapshot is damaged at byte 68: .* An older one takes its place .* Otherwise, empty the data directory .* promised nothing/,
  );
});

test('a snapshot of a newer version is refused as such', () => {
  const newer = Buffer.from(WHOLE);
  newer.writeUInt32LE(2, 8);
  newer.writeUInt32LE(crc32(newer.subarray(0, 12)), 12);

  expect(codeOf(() => readSnapshot(newer))).toBe('ERR_DATA_DIR_MISMATCH');
});

describe('a footer with the right checksums is refused when', () => {
  const raw = text(100);
  const chunk: ChunkInfo = { rawBytes: 100, storedBytes: 100, crc: crc32(raw) };
  const section = { name: 'a', hash: '00'.repeat(32), bytes: 100, firstChunk: 0, chunkCount: 1 };
  const manifest: SnapshotManifest = { ...cutAt(10), sections: [section] };

  const forge = (encoded: Uint8Array, chunks: readonly ChunkInfo[]): Uint8Array => {
    const footer = encodeFooter(encoded, chunks);
    const footerOffset = HEADER_BYTES + raw.length;
    const trailer = {
      footerOffset,
      manifestBytes: encoded.length,
      chunkCount: chunks.length,
      footerCrc: crc32(footer),
    };
    return Buffer.concat([encodeHeader(), raw, footer, encodeTrailer(trailer)]);
  };
  const withSections = (...sections: SnapshotManifest['sections']): Uint8Array =>
    forge(encodeManifest({ ...manifest, sections }), [chunk]);
  const withChunks = (...chunks: ChunkInfo[]): Uint8Array => forge(encodeManifest(manifest), chunks);
  const encoded = (...fields: unknown[]): Uint8Array => forge(new Encoder().encode(fields), [chunk]);

  test('only a section has another hash than its bytes', () => {
    const reader = SnapshotReader.open(memorySource(withChunks(chunk)), null);

    expect(Buffer.compare(reader.section('a')!.next()!, raw)).toBe(0);
    expect(codeOf(() => readSnapshot(withChunks(chunk)))).toBe('ERR_STORAGE_CORRUPT');
  });

  test.each([
    ['two sections have one name', withSections({ ...section, bytes: 0, chunkCount: 0 }, section)],
    ['a section has chunks that are not there', withSections({ ...section, chunkCount: 2 })],
    ['a section begins within another', withSections(section, { ...section, name: 'b' })],
    ['a section is longer than its chunks', withSections({ ...section, bytes: 101 })],
    ['chunks belong to no section', withSections()],
    ['chunks do not fill the room before the footer', withChunks({ ...chunk, storedBytes: 99 })],
    ['a chunk is larger than chunks are', withChunks({ ...chunk, rawBytes: 1 << 20 })],
    ['a chunk grew by compression', withChunks({ ...chunk, rawBytes: 99 })],
    ['there are more chunks than the sections have', withChunks(chunk, { ...chunk, storedBytes: 0 })],
    ['the manifest is no msgpack', forge(Uint8Array.of(0xc1), [chunk])],
    ['something is behind the manifest', forge(Buffer.concat([encodeManifest(manifest), raw]), [chunk])],
    ['a field is missing', encoded([1, 2, 3], 0, [])],
    ['an index is not whole', encoded([1.5, 2, 3], 0, [], [])],
    ['a term is negative', encoded([1, -2, 3], 0, [], [])],
    ['a time is no number', encoded([1, 2, 'now'], 0, [], [])],
    ['a member has no incarnation', encoded([1, 2, 3], 0, [['a:1']], [])],
    ['a member is no string', encoded([1, 2, 3], 0, [[1, 'x']], [])],
    ['a hash has another length', encoded([1, 2, 3], 0, [], [['a', raw, 100, 0, 1]])],
    ['there is a map in it', encoded([1, 2, 3], 0, [], { a: 1 })],
  ])('%s', (_what, bytes) => {
    expect(codeOf(() => SnapshotReader.open(memorySource(bytes), null))).toBe('ERR_STORAGE_CORRUPT');
  });
});
