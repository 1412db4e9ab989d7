/**
 * The snapshots that a node keeps, and who must know of them: consensus, which offers them to others, and the
 * log, which need not hold what is in the older one. Two are kept, so that one that is found damaged has another behind
 * it, and the log for it. Part of the Snapshotter.
 */

import { logIndex, type GroupId, type LogIndex } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import type { Logger } from '../../runtime/logger.js';
import type { DraftPlace } from '../../storage/snapshot-draft.js';
import { isCorrupt } from '../../storage/snapshot-corrupt.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import type { SnapshotStore } from '../../storage/snapshot-store.js';
import { isUnreadable } from '../../storage/unreadable.js';
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
  /** Is the log behind this entry still there? Behind a snapshot that was given to the node, it has begun anew. */
  readonly hasLogBehind: (index: LogIndex) => boolean;
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

  /**
   * This one was found damaged, and is not used again; or it cannot be read, and is passed over where another one can
   * take its place. Otherwise it is the one that is tried again, for it may be readable another time.
   */
  giveUp(snapshot: SnapshotInfo, error: Error): void {
    // The same one may have been published anew meanwhile, under the same name: that is not the one that is meant.
    if (!this.store.list().includes(snapshot)) return;
    if (isCorrupt(error)) this.#setAside(snapshot, error);
    else if (isUnreadable(error) && this.#canBeReplaced(snapshot)) this.store.passOver(snapshot, error);
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

  #canBeReplaced(snapshot: SnapshotInfo): boolean {
    if (this.newest !== snapshot) return true;
    // Or all of the log, where there is only this one.
    const next = this.store.list()[1]?.lastIncluded.index ?? logIndex(0);
    return this.#options.hasLogBehind(next);
  }

  #setAside(snapshot: SnapshotInfo, error: Error): void {
    const { logger } = this.#options;
    logger.error({ id: snapshot.id, index: snapshot.lastIncluded.index }, 'a damaged snapshot is set aside');
    try {
      this.store.setAside(snapshot, error);
    } catch (refusal) {
      logger.error({ error: refusal, id: snapshot.id }, 'a damaged snapshot could not be renamed');
    }
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
