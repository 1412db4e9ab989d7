/**
 * Opens a snapshot and gives out what is in it, none of it unchecked: the footer when it is opened, each chunk when it
 * is read, each section at its end. Runs on whichever thread restores, folds or receives; does not change anything.
 */

import { crc32 } from '../checksum.js';
import { openBytes, type ByteLocation, type ByteSource } from './byte-source.js';
import type { Disk } from './disk.js';
import type { Pause } from './pause.js';
import { SnapshotChunks, readFully } from './snapshot-chunks.js';
import { snapshotCorrupt } from './snapshot-corrupt.js';
import {
  HEADER_BYTES,
  SNAPSHOT_VERSION,
  TRAILER_BYTES,
  decodeChunks,
  decodeHeader,
  decodeTrailer,
  footerBytes,
  snapshotId,
} from './snapshot-format.js';
import type { SnapshotInfo } from './snapshot-info.js';
import { decodeManifest, type SectionInfo, type SnapshotManifest } from './snapshot-manifest.js';
import { SnapshotSection } from './snapshot-section.js';
import { writtenByNewer } from './written-by-newer.js';

/** What the end of a snapshot says of it. */
interface Footer {
  readonly id: string;
  readonly manifest: SnapshotManifest;
  readonly chunks: SnapshotChunks;
}

export class SnapshotReader {
  readonly manifest: SnapshotManifest;
  /** Names the content: two snapshots with the same id have the same bytes. */
  readonly id: string;
  /** The size of the whole snapshot. */
  readonly bytes: number;
  readonly #source: ByteSource;
  readonly #chunks: SnapshotChunks;
  /** By name: there may be a hundred thousand. */
  readonly #sections: ReadonlyMap<string, SectionInfo>;

  private constructor(source: ByteSource, { id, manifest, chunks }: Footer) {
    this.manifest = manifest;
    this.id = id;
    this.bytes = source.size();
    this.#source = source;
    this.#chunks = chunks;
    this.#sections = new Map(manifest.sections.map((each) => [each.name, each]));
  }

  /**
   * Reads the ends of a snapshot. `path` is what errors name, null for one in memory. The source is the reader's, to be
   * closed with it; when this throws it remains the caller's.
   *
   * @throws ConclaveError `ERR_STORAGE_CORRUPT` when the snapshot is damaged or not whole, `ERR_DATA_DIR_MISMATCH` when
   * a newer version wrote it, `ERR_STORAGE` when it cannot be read.
   */
  static open(source: ByteSource, path: string | null): SnapshotReader {
    checkHeader(source, path);
    return new SnapshotReader(source, readFooter(source, path));
  }

  /** Opens the snapshot that lies there. To be closed. Throws as {@link SnapshotReader.open} does. */
  static openAt(disk: Disk, location: ByteLocation): SnapshotReader {
    const source = openBytes(disk, location);
    try {
      return SnapshotReader.open(source, location.kind === 'file' ? location.path : null);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** Starts to read a section from its beginning. Null: the snapshot has none of this name. */
  section(name: string): SnapshotSection | null {
    const info = this.#sections.get(name);
    return info === undefined ? null : new SnapshotSection(info, this.#chunks);
  }

  /** The snapshot as others know it, its bytes being at `location`. */
  infoAt(location: ByteLocation): SnapshotInfo {
    const { manifest, id, bytes } = this;
    const stateBytes = manifest.sections.reduce((sum, each) => sum + each.bytes, 0);
    return { lastIncluded: manifest.lastIncluded, id, bytes, stateBytes, location };
  }

  /**
   * Reads all of the snapshot and checks that each stored byte is what was written. Does not expand the chunks: what is
   * in them is checked once more by those who do.
   *
   * @throws ConclaveError `ERR_STORAGE_CORRUPT` at the first chunk that is damaged, `ERR_STORAGE` when one cannot be
   * read; and what `pause`, asked after each chunk, rejects with.
   */
  async verify(pause: Pause): Promise<void> {
    const buffer = this.#chunks.bufferFor(0, this.#chunks.count);
    for (let index = 0; index < this.#chunks.count; index += 1) {
      this.#chunks.read(index, buffer);
      const pausing = pause();
      if (pausing !== undefined) await pausing;
    }
  }

  close(): void {
    this.#source.close();
  }
}

function checkHeader(source: ByteSource, path: string | null): void {
  const header = new Uint8Array(HEADER_BYTES);
  const version = readFully(source, header, 0) ? decodeHeader(header) : null;
  if (version === null) throw snapshotCorrupt(path, 0, 'it has not the header of a snapshot');
  if (version > SNAPSHOT_VERSION) {
    const what = path === null ? 'A snapshot in memory' : `The snapshot ${path}`;
    throw writtenByNewer({ what, path, version, versionMax: SNAPSHOT_VERSION });
  }
  if (version !== SNAPSHOT_VERSION) throw snapshotCorrupt(path, 0, `there is no version ${version} of the format`);
}

function readFooter(source: ByteSource, path: string | null): Footer {
  const size = source.size();
  const trailerOffset = size - TRAILER_BYTES;
  const bytes = new Uint8Array(TRAILER_BYTES);
  const isThere = trailerOffset >= HEADER_BYTES && readFully(source, bytes, trailerOffset);
  const trailer = isThere ? decodeTrailer(bytes, size) : null;
  if (trailer === null) throw snapshotCorrupt(path, Math.max(trailerOffset, 0), 'it does not end as a snapshot does');

  const { footerOffset, manifestBytes, chunkCount, footerCrc } = trailer;
  const footer = new Uint8Array(footerBytes(manifestBytes, chunkCount));
  if (!readFully(source, footer, footerOffset) || crc32(footer) !== footerCrc) {
    throw snapshotCorrupt(path, footerOffset, 'its footer does not have its checksum');
  }
  const manifest = decodeManifest(footer.subarray(0, manifestBytes));
  const chunks = new SnapshotChunks(source, path, HEADER_BYTES, decodeChunks(footer, trailer));
  if (manifest === null || !chunks.isPlausible || chunks.end !== footerOffset || !fits(manifest.sections, chunks)) {
    throw snapshotCorrupt(path, footerOffset, 'its footer contradicts itself');
  }
  return { id: snapshotId(footer), manifest, chunks };
}

/** Are the sections, which lie one behind the other, what all chunks together hold? */
function fits(sections: readonly SectionInfo[], chunks: SnapshotChunks): boolean {
  let next = 0;
  for (const { bytes, chunkCount } of sections) {
    const end = next + chunkCount;
    if (end > chunks.count) return false;
    let rawBytes = 0;
    for (; next < end; next += 1) rawBytes += chunks.rawBytesOf(next);
    if (rawBytes !== bytes) return false;
  }
  return next === chunks.count;
}
