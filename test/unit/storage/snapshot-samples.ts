/**
 * Snapshots for tests: bytes that compress or do not, snapshots made of them, and everything that can be read of one.
 */

import { logIndex, term, type LastIncluded } from '../../../src/ids.js';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';
import { memorySource, type ByteLocation } from '../../../src/storage/byte-source.js';
import type { Disk } from '../../../src/storage/disk.js';
import { openDraft, type DraftPlace } from '../../../src/storage/snapshot-draft.js';
import type { SnapshotInfo } from '../../../src/storage/snapshot-info.js';
import type { SnapshotCut } from '../../../src/storage/snapshot-manifest.js';
import { SnapshotReader } from '../../../src/storage/snapshot-reader.js';
import { SnapshotWriter, type SnapshotResult, type SnapshotSink } from '../../../src/storage/snapshot-writer.js';

export type Sections = Readonly<Record<string, Uint8Array>>;

export function lastIncluded(index: number, inTerm = 2): LastIncluded {
  return { index: logIndex(index), term: term(inTerm), timestampMs: 1_700_000_000_000 + index };
}

export function cutAt(index: number, inTerm = 2): SnapshotCut {
  return {
    lastIncluded: lastIncluded(index, inTerm),
    codeVersion: 0,
    configuration: Uint8Array.of(1, 2, 3),
  };
}

/** Does not compress. */
export function noise(length: number, seed = 1): Uint8Array {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length }, () => randomBelow(random, 256));
}

/** Compresses well. */
export function text(length: number, seed = 1): Uint8Array {
  let line = seed;
  let whole = '';
  while (whole.length < length) whole += `account-${(line += 7)}: ${line * 31}; `;
  return new Uint8Array(Buffer.from(whole.slice(0, length)));
}

/** Keeps what it is given as a sink should: not beyond the call. */
export class MemorySink implements SnapshotSink {
  readonly #pieces: Uint8Array[] = [];

  write(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) this.#pieces.push(new Uint8Array(buffer));
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#pieces));
  }
}

export function writeSections(sink: SnapshotSink, sections: Sections, cut: SnapshotCut): SnapshotResult {
  const writer = new SnapshotWriter(sink);
  for (const [name, bytes] of Object.entries(sections)) {
    writer.beginSection(name);
    writer.write(bytes);
    writer.endSection();
  }
  return writer.finish(cut);
}

/** The bytes of a snapshot. */
export function snapshotBytes(sections: Sections, cut = cutAt(10)): Uint8Array {
  const sink = new MemorySink();
  writeSections(sink, sections, cut);
  return sink.bytes;
}

/** Writes a draft as a fold does; what it returns is for `publish`. */
export function writeDraft(disk: Disk, place: DraftPlace, sections: Sections, cut = cutAt(10)): SnapshotInfo {
  const draft = openDraft(disk, place, null);
  const result = writeSections(draft, sections, cut);
  return { ...result, lastIncluded: cut.lastIncluded, location: draft.finish() };
}

/** Every section of an open snapshot. */
export function readSections(reader: SnapshotReader): Sections {
  return Object.fromEntries(
    reader.manifest.sections.map(({ name }) => {
      const section = reader.section(name)!;
      const pieces: Uint8Array[] = [];
      for (let piece = section.next(); piece !== null; piece = section.next()) pieces.push(piece.slice());
      return [name, new Uint8Array(Buffer.concat(pieces))];
    }),
  );
}

/** Everything that these bytes say, as a snapshot. */
export function readSnapshot(bytes: Uint8Array): { cut: SnapshotCut; sections: Sections } {
  const reader = SnapshotReader.open(memorySource(bytes), null);
  const { lastIncluded: position, codeVersion, configuration } = reader.manifest;
  return { cut: { lastIncluded: position, codeVersion, configuration }, sections: readSections(reader) };
}

export function readAt(disk: Disk, location: ByteLocation): Sections {
  const reader = SnapshotReader.openAt(disk, location);
  try {
    return readSections(reader);
  } finally {
    reader.close();
  }
}

/** Have they the same sections? Comparing them as values would take seconds. */
export function areSame(one: Sections, other: Sections): boolean {
  const names = Object.keys(one);
  return (
    names.join() === Object.keys(other).join() && names.every((name) => Buffer.compare(one[name]!, other[name]!) === 0)
  );
}

/** The code of what an action throws, or null when it does not. */
export function codeOf(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
