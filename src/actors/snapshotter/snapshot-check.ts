/**
 * Reads a snapshot of this node from its beginning to its end, when there is reason to doubt that it is what was
 * written. Part of the Snapshotter, in slices on its thread; one at a time, and what becomes of the snapshot is not its
 * business.
 */

import { asError, ConclaveError } from '../../errors.js';
import type { Disk } from '../../storage/disk.js';
import type { NewPause, Pause } from '../../storage/pause.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { SnapshotReader } from '../../storage/snapshot-reader.js';
import { abortable } from './abortable.js';

/** What the Snapshotter tells itself when a snapshot has been read; `error` is null if nothing is wrong with it. */
export interface CheckEnded {
  readonly type: 'checkEnded';
  readonly snapshot: SnapshotInfo;
  readonly error: Error | null;
}

/** How long reading keeps the thread at a time. */
const SLICE_MS = 5;

export class SnapshotCheck {
  readonly #disk: Disk;
  readonly #newPause: NewPause;
  readonly #onEnded: (ended: CheckEnded) => void;
  #current: { readonly controller: AbortController; readonly over: Promise<void> } | null = null;

  constructor(disk: Disk, newPause: NewPause, onEnded: (ended: CheckEnded) => void) {
    this.#disk = disk;
    this.#newPause = newPause;
    this.#onEnded = onEnded;
  }

  /** Does nothing while another one is read: what is wrong with this one will be noticed again. */
  start(snapshot: SnapshotInfo): void {
    if (this.#current !== null) return;
    const controller = new AbortController();
    const pause = abortable(controller.signal, this.#newPause(SLICE_MS));
    const over = verify(this.#disk, snapshot, pause).then(
      () => this.#onEnded({ type: 'checkEnded', snapshot, error: null }),
      (error: unknown) => this.#onEnded({ type: 'checkEnded', snapshot, error: asError(error) }),
    );
    this.#current = { controller, over };
  }

  /** What `onEnded` was told has been dealt with. */
  ended(): void {
    this.#current = null;
  }

  /** Ends what is under way. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#current?.controller.abort(new ConclaveError('ERR_ABORTED', 'The runtime is being stopped.'));
    await this.#current?.over;
  }
}

async function verify(disk: Disk, { location }: SnapshotInfo, pause: Pause): Promise<void> {
  const reader = SnapshotReader.openAt(disk, location);
  try {
    await reader.verify(pause);
  } finally {
    reader.close();
  }
}
