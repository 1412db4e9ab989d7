/**
 * Gathers a snapshot that another node has, range by range, and makes it one of this node's when it is whole and right.
 * Asks nobody itself: says which range is next, and takes what comes. What it has stays good whoever sends the rest,
 * for the snapshot's id names its bytes. Lives in the actor that receives, and blocks its thread while it writes.
 */

import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import type { LastIncluded } from '../ids.js';
import type { Disk } from './disk.js';
import type { Pause } from './pause.js';
import { snapshotCorrupt } from './snapshot-corrupt.js';
import { openDraft, type DraftPlace, type SnapshotDraft } from './snapshot-draft.js';
import type { SnapshotInfo } from './snapshot-info.js';
import { SnapshotReader } from './snapshot-reader.js';
import type { SnapshotStore } from './snapshot-store.js';

/** A snapshot as it is announced by who has it. */
export interface SnapshotOffer {
  readonly id: string;
  /** The size of the whole snapshot. */
  readonly bytes: number;
  readonly lastIncluded: LastIncluded;
}

/** Some of a snapshot's bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** What is asked for at once is at most as long. */
export const RANGE_BYTES_MAX = 256 * 1024;

export class SnapshotReceiver {
  readonly offer: SnapshotOffer;
  readonly #disk: Disk;
  readonly #store: SnapshotStore;
  readonly #place: DraftPlace;
  readonly #draft: SnapshotDraft;
  /** Everything before this has been written; never goes down. */
  #received = 0;
  #isOver = false;

  /**
   * @throws ConclaveError `ERR_STORAGE` when the disk refuses, `ERR_COMPACTION_FAILED` when there is no memory for it.
   */
  constructor(disk: Disk, store: SnapshotStore, offer: SnapshotOffer) {
    this.offer = offer;
    this.#disk = disk;
    this.#store = store;
    this.#place = store.newDraft();
    this.#draft = openDraft(disk, this.#place, offer.bytes);
  }

  /** How many bytes, counted from the beginning, are there. */
  get received(): number {
    return this.#received;
  }

  get isComplete(): boolean {
    return this.#received === this.offer.bytes;
  }

  /** Is this what is being received? Then what has been received counts, whoever offers it. */
  matches(offer: SnapshotOffer): boolean {
    return offer.id === this.offer.id && offer.bytes === this.offer.bytes;
  }

  /**
   * The next range to ask for, or null when there is none. To have several under way, pass where the last one that was
   * asked for ends; after a loss ask without it.
   *
   * @param lengthMax at most `RANGE_BYTES_MAX`
   */
  missing(askedUpTo = 0, lengthMax = RANGE_BYTES_MAX): ByteRange | null {
    const offset = Math.max(this.#received, askedUpTo);
    const length = Math.min(lengthMax, this.offer.bytes - offset);
    return length > 0 ? { offset, length } : null;
  }

  /**
   * Takes some bytes, of any length. What is there already is passed over; what would leave a gap is dropped, and is
   * missing still. `bytes` may be used again at once.
   *
   * @throws ConclaveError `ERR_PROTOCOL` when they reach over the end of the snapshot, `ERR_STORAGE` when the disk
   *   refuses.
   */
  write(offset: number, bytes: Uint8Array): void {
    assert(!this.#isOver, 'a receiver that has ended receives nothing');
    if (offset + bytes.length > this.offer.bytes) {
      throw new ConclaveError(
        'ERR_PROTOCOL',
        `A range of snapshot ${this.offer.id} reaches to ${offset + bytes.length}, over its end ${this.offer.bytes}.`,
      );
    }
    const isKnown = this.#received - offset;
    if (isKnown < 0 || isKnown >= bytes.length) return;
    const news = bytes.subarray(isKnown);
    this.#draft.write([news], this.#received);
    this.#received += news.length;
  }

  /**
   * Makes what was received a snapshot of this node: durable, every byte checked, and what was announced. When it
   * rejects this receiver has ended, and what it had is gone.
   *
   * @throws ConclaveError `ERR_STORAGE_CORRUPT` when it is not the snapshot that was announced, `ERR_DATA_DIR_MISMATCH`
   * when a newer version has written it, `ERR_STORAGE` when the disk refuses; and what `pause` rejects with.
   */
  async finish(pause: Pause): Promise<SnapshotInfo> {
    assert(this.isComplete && !this.#isOver, 'a receiver finishes once, when it has everything');
    this.#isOver = true;
    try {
      return this.#store.publish(await this.#verify(pause));
    } catch (error) {
      this.#store.discard(this.#place);
      throw error;
    }
  }

  /** It will not be finished: what was received is removed. Does nothing when it has ended. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#draft.abandon();
    this.#store.discard(this.#place);
  }

  async #verify(pause: Pause): Promise<SnapshotInfo> {
    const location = this.#draft.finish();
    const reader = SnapshotReader.openAt(this.#disk, location);
    try {
      const info = reader.infoAt(location);
      const { id, lastIncluded } = this.offer;
      const isAnnounced =
        info.id === id &&
        info.lastIncluded.index === lastIncluded.index &&
        info.lastIncluded.term === lastIncluded.term &&
        info.lastIncluded.timestampMs === lastIncluded.timestampMs;
      if (!isAnnounced) {
        const path = location.kind === 'file' ? location.path : null;
        throw snapshotCorrupt(path, 0, `it is not the snapshot ${id} that was announced`);
      }
      await reader.verify(pause);
      return info;
    } finally {
      reader.close();
    }
  }
}
