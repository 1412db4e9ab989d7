/**
 * The snapshots that a node keeps, and who must know of them: consensus, which offers them to others, and the
 * log, which need not hold what is in the older one. Two are kept, so that one that is found damaged has another behind
 * it, and the log for it. Part of the Snapshotter.
 */

import { logIndex, type GroupId, type LogIndex } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import type { Logger } from '../../runtime/logger.js';
import type { DraftPlace } from '../../storage/snapshot-draft.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import type { SnapshotStore } from '../../storage/snapshot-store.js';
import type { LogStoreMessage } from '../log-store/log-store-messages.js';
import type { RaftActorMessage } from '../raft/raft-actor-messages.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';

export interface SnapshotKeeperOptions {
  readonly store: SnapshotStore;
  readonly group: GroupId;
  readonly raft: ActorRef<RaftActorMessage>;
  /** Null: the log is in memory only. */
  readonly logStore: ActorRef<LogStoreMessage> | null;
  readonly logger: Logger;
  /** Is somebody reading it? Then it stays. */
  readonly isPinned: (snapshot: SnapshotInfo) => boolean;
}

const KEPT = 2;

export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  /** Consensus has said something, so it is there: what it is told does not get lost. */
  #isHeard = false;
  /** The snapshot that consensus has last been told of. */
  #announcedId: string | null = null;
  /** What the log has last been told. */
  #droppedIndex = logIndex(0);

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
  }

  get store(): SnapshotStore {
    return this.#options.store;
  }

  get newest(): SnapshotInfo | null {
    return this.store.list()[0] ?? null;
  }

  /** The last entry in the newest snapshot; 0: there is none. */
  get newestIndex(): LogIndex {
    return this.newest?.lastIncluded.index ?? logIndex(0);
  }

  /** The last entry of the oldest snapshot kept; 0 while there are fewer than are kept: then all of the log is. */
  get oldestIndex(): LogIndex {
    return this.store.list()[KEPT - 1]?.lastIncluded.index ?? logIndex(0);
  }

  /** @throws ConclaveError `ERR_STORAGE`. */
  publish(draft: SnapshotInfo): SnapshotInfo {
    const snapshot = this.store.publish(draft);
    this.published();
    return snapshot;
  }

  /** Removes a draft that will not be published; one that cannot be removed now is at the next start. */
  discard(place: DraftPlace): void {
    try {
      this.store.discard(place);
    } catch (error) {
      this.#options.logger.warn({ error }, 'the draft of a snapshot could not be removed');
    }
  }

  /** There is a new one. */
  published(): void {
    this.retire();
    this.announce();
  }

  /** Removes those that nobody needs any more. One that cannot be removed now is tried again. */
  retire(): void {
    if (this.store.list().length <= KEPT) return;
    try {
      this.store.keepNewest(KEPT, this.#options.isPinned);
    } catch (error) {
      this.#options.logger.warn({ error }, 'old snapshots could not be removed');
    }
  }

  /** These were found damaged: they are not used again. */
  setAside(ids: readonly string[], error: unknown): void {
    const { logger } = this.#options;
    for (const snapshot of this.store.list().filter(({ id }) => ids.includes(id))) {
      logger.error({ id: snapshot.id, index: snapshot.lastIncluded.index }, 'a damaged snapshot is set aside');
      try {
        this.store.setAside(snapshot, error);
      } catch (refusal) {
        logger.error({ error: refusal, id: snapshot.id }, 'a damaged snapshot could not be renamed');
      }
    }
    this.announce();
  }

  /** These cannot be read: an older one takes their place, until the next start at least. */
  passOver(ids: readonly string[], error: unknown): void {
    for (const snapshot of this.store.list().filter(({ id }) => ids.includes(id))) this.store.passOver(snapshot, error);
    this.announce();
  }

  /** Consensus lives. */
  heard(): void {
    if (this.#isHeard) return;
    this.#isHeard = true;
    this.announce();
  }

  /** Tells consensus and the log what they have not been told. What cannot be told now is, the next time. */
  announce(): void {
    const { newest } = this;
    if (!this.#isHeard || newest === null) return;
    if (newest.id !== this.#announcedId) this.#tellConsensus(newest);
    this.#tellLog();
  }

  /** Consensus goes by what is not so any more. */
  announceAgain(): void {
    this.#announcedId = null;
    this.announce();
  }

  #tellConsensus({ lastIncluded, id: snapshotId, bytes: snapshotBytes }: SnapshotInfo): void {
    const { oldestIndex } = this;
    const keptIds = this.store.list().map(({ id }) => id);
    const message = { type: 'snapshotTaken', lastIncluded, snapshotId, snapshotBytes, oldestIndex, keptIds } as const;
    if (tellOrDrop(this.#options.raft, message)) this.#announcedId = snapshotId;
  }

  #tellLog(): void {
    const { oldestIndex } = this;
    const { logStore, group } = this.#options;
    if (logStore === null || oldestIndex <= this.#droppedIndex) return;
    if (tellOrDrop(logStore, { type: 'dropLog', group, index: oldestIndex })) this.#droppedIndex = oldestIndex;
  }
}
