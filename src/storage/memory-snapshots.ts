/**
 * The snapshots of one group in memory that threads share: what a node without a data directory has. They are gone with
 * the process. Does not copy: who reads one holds the same bytes, also after it was removed from the list.
 */

import { assert } from '../assert.js';
import { memorySource, type ByteSource } from './byte-source.js';
import type { DraftPlace } from './snapshot-draft.js';
import type { SnapshotInfo } from './snapshot-info.js';
import { newestFirst, type SnapshotStore } from './snapshot-store.js';

export class MemorySnapshots implements SnapshotStore {
  /** Newest first. */
  #snapshots: readonly SnapshotInfo[] = [];

  list(): readonly SnapshotInfo[] {
    return this.#snapshots;
  }

  newDraft(): DraftPlace {
    return { kind: 'memory' };
  }

  publish(draft: SnapshotInfo): SnapshotInfo {
    assert(draft.location.kind === 'memory', 'snapshots in memory are written there');
    this.#snapshots = [draft, ...this.#snapshots.filter(({ id }) => id !== draft.id)].sort(newestFirst);
    return draft;
  }

  /** Nothing to do: the memory of a draft is with whoever writes it. */
  discard(): void {}

  keepNewest(count: number, isPinned: (snapshot: SnapshotInfo) => boolean): void {
    this.#snapshots = this.#snapshots.filter((each, place) => place < count || isPinned(each));
  }

  setAside(snapshot: SnapshotInfo): void {
    this.#snapshots = this.#snapshots.filter((each) => each !== snapshot);
  }

  passOver(snapshot: SnapshotInfo): void {
    this.setAside(snapshot);
  }

  open({ location }: SnapshotInfo): ByteSource {
    assert(location.kind === 'memory', 'snapshots in memory are read there');
    return memorySource(new Uint8Array(location.bytes));
  }
}
