/**
 * What consensus has to do with snapshots: it tells the Snapshotter how far the objects are, drops the log that is in a
 * snapshot, offers the newest one to who needs it, and passes on what Snapshotters say to each other. Part of the shell,
 * on the consensus thread; what is in a snapshot it does not know.
 */

import { logIndex, type LogIndex } from '../../ids.js';
import type { Transport } from '../../net/transport.js';
import type { ActorRef } from '../../runtime/actor.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';
import type { SnapshotterMessage } from '../snapshotter/snapshotter-messages.js';
import type { FetchSnapshot, SendSnapshot } from './effects.js';
import { LogReads } from './log-reads.js';
import type { MachineFeed } from './machine-feed.js';
import type { SnapshotPiece, SnapshotRequest } from './messages.js';
import type { ReadLog, SnapshotTaken } from './raft-actor-messages.js';
import { dropLogTo } from './snapshots.js';
import type { Core } from './state.js';
import type { StoredLog } from './stored-log.js';

export class SnapshotDesk {
  readonly #core: Core;
  readonly #feed: MachineFeed;
  readonly #stored: StoredLog;
  readonly #transport: Transport;
  readonly #snapshotter: ActorRef<SnapshotterMessage>;
  readonly #reads = new LogReads();
  /** The snapshot that others are offered; null: there is none. */
  #newest: SnapshotTaken | null;
  /** What the Snapshotter has been told of how far the objects have come. */
  #toldIndex = logIndex(0);

  constructor(
    core: Core,
    feed: MachineFeed,
    stored: StoredLog,
    transport: Transport,
    snapshotter: ActorRef<SnapshotterMessage>,
    newest: SnapshotTaken | null,
  ) {
    this.#core = core;
    this.#feed = feed;
    this.#stored = stored;
    this.#transport = transport;
    this.#snapshotter = snapshotter;
    this.#newest = newest;
  }

  /** The last entry in the newest snapshot; 0 if there is none. */
  get newestIndex(): LogIndex {
    return this.#newest?.lastIncluded.index ?? logIndex(0);
  }

  taken(snapshot: SnapshotTaken): void {
    this.#newest = snapshot;
    this.dropLog();
  }

  /**
   * Drops from the log what is in the snapshot, but not what the objects have not applied, nor what a follower still
   * needs that is connected and not further behind than the oldest snapshot.
   */
  dropLog(): void {
    if (this.#newest === null) return;
    const { lastIncluded, oldestIndex } = this.#newest;
    const { log, role, lastApplied } = this.#core;
    if (lastIncluded.index < log.firstIndex) return;
    let neededFrom: number = lastIncluded.index;
    if (role.name === 'leader') {
      for (const { id, matchIndex } of role.peers.values()) {
        if (matchIndex < neededFrom && this.#transport.isConnected(id)) neededFrom = Math.max(matchIndex, oldestIndex);
      }
    }
    dropLogTo(this.#core, logIndex(Math.min(neededFrom, this.#feed.appliedIndex, lastApplied)));
  }

  /** The Snapshotter judges by this when a snapshot is due, and folds up to here. */
  tellProgress(): void {
    const { appliedIndex, appliedBytes: bytes } = this.#feed;
    const index = logIndex(Math.min(appliedIndex, this.#stored.settledIndex));
    if (index === this.#toldIndex) return;
    if (tellOrDrop(this.#snapshotter, { type: 'logApplied', index, bytes })) this.#toldIndex = index;
  }

  /** Offers the newest snapshot. One that has just been installed has not been announced yet: then the next heartbeat does. */
  offer({ to, session, round, term }: SendSnapshot): void {
    const snapshot = this.#newest;
    if (snapshot === null || snapshot.lastIncluded.index + 1 < this.#core.log.firstIndex) return;
    const { index, term: lastIncludedTerm, timestampMs } = snapshot.lastIncluded;
    const { group, self } = this.#core.options;
    this.#transport.send(to, {
      type: 'installSnapshot',
      group,
      from: self,
      term,
      session,
      round,
      lastIncludedIndex: index,
      lastIncludedTerm,
      lastIncludedTimestampMs: timestampMs,
      snapshotId: snapshot.snapshotId,
      snapshotBytes: snapshot.snapshotBytes,
    });
  }

  /** Offered again at each heartbeat, so one that is lost here does no harm. */
  fetch(effect: FetchSnapshot): void {
    tellOrDrop(this.#snapshotter, effect);
  }

  /** Asked again if it is lost. */
  received(message: SnapshotRequest | SnapshotPiece): void {
    if (message.type === 'snapshotRequest') {
      tellOrDrop(this.#snapshotter, message);
      return;
    }
    // A view of what came from the network, which is not this actor's to give away.
    const bytes = message.bytes.slice();
    tellOrDrop(this.#snapshotter, { ...message, bytes }, [bytes.buffer]);
  }

  startReading(request: ReadLog): void {
    this.#reads.start(request);
  }

  /** Hands over the next piece of what is being read. Returns whether there is more. */
  readOn(): boolean {
    const piece = this.#reads.next(this.#core.log);
    if (piece === null) return false;
    this.#snapshotter.tell(piece, piece.entries === null ? [] : [piece.entries]);
    return !piece.isLast;
  }
}
