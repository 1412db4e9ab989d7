/**
 * What consensus has to do with snapshots: it tells the Snapshotter how far the objects are, drops the log that is in a
 * snapshot, offers one to who needs it, and passes on what Snapshotters say to each other. Part of the shell, on the
 * consensus thread; what is in a snapshot it does not know.
 *
 * Whoever is being given a snapshot goes on being offered that one, and the log behind it is kept, however many are
 * taken meanwhile: one that began anew with each would never come to the end. It is only given up for a newer one when
 * the log has become so large that a follower for which it does cannot keep up in any case.
 */

import { logIndex, type LogIndex, type NodeId } from '../../ids.js';
import type { Transport } from '../../net/transport.js';
import type { ActorRef } from '../../runtime/actor.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';
import type { SnapshotterMessage } from '../snapshotter/snapshotter-messages.js';
import type { FetchSnapshot, SendSnapshot } from './effects.js';
import { LogReads } from './log-reads.js';
import type { MachineFeeds } from './machine-feeds.js';
import type { SnapshotPiece, SnapshotRequest } from './messages.js';
import type { ReadLog, SnapshotTaken } from './raft-actor-messages.js';
import { dropLogTo } from './snapshots.js';
import type { Core } from './state.js';
import type { StoredLog } from './stored-log.js';

/**
 * The log may become so large for those who are being given a snapshot, or catch up behind one: twice what makes the
 * next one due. As long as they take to fetch one, less than its size gathers if they can keep up with the log at all.
 */
const LOG_BYTES_MIN = 64 * 1024 * 1024;
const logBytesMax = ({ snapshotBytes }: SnapshotTaken): number => 2 * (LOG_BYTES_MIN + snapshotBytes);

export class SnapshotDesk {
  readonly #core: Core;
  readonly #feeds: MachineFeeds;
  readonly #stored: StoredLog;
  readonly #transport: Transport;
  readonly #snapshotter: ActorRef<SnapshotterMessage>;
  readonly #reads = new LogReads();
  /** Null: there is none. */
  #newest: SnapshotTaken | null;
  /** The snapshot that others are offered: the newest one, or one that somebody is being given. */
  #offered: SnapshotTaken | null;
  #offeredAtMs = -Infinity;
  /** The last entry of the snapshot that each follower was offered last, until it has caught up with the newest one. */
  readonly #given = new Map<NodeId, LogIndex>();
  /** What the Snapshotter has been told of how far the objects have come. */
  #toldIndex = logIndex(0);

  constructor(
    core: Core,
    feeds: MachineFeeds,
    stored: StoredLog,
    transport: Transport,
    snapshotter: ActorRef<SnapshotterMessage>,
    newest: SnapshotTaken | null,
  ) {
    this.#core = core;
    this.#feeds = feeds;
    this.#stored = stored;
    this.#transport = transport;
    this.#snapshotter = snapshotter;
    this.#newest = newest;
    this.#offered = newest;
  }

  /** The last entry in the newest snapshot; 0 if there is none. */
  get newestIndex(): LogIndex {
    return this.#newest?.lastIncluded.index ?? logIndex(0);
  }

  /** Nodes take their snapshots apart, by their place among the members. */
  tellPlace(members: readonly NodeId[]): void {
    const position = Math.max(0, members.toSorted().indexOf(this.#core.options.self));
    const membersCount = Math.max(1, members.length);
    tellOrDrop(this.#snapshotter, { type: 'placeChanged', position, membersCount });
  }

  taken(snapshot: SnapshotTaken): void {
    this.#newest = snapshot;
    if (this.#offered === null || !snapshot.keptIds.includes(this.#offered.snapshotId)) this.#offered = snapshot;
    this.dropLog();
  }

  /**
   * Drops from the log what is in the snapshot, but not what the objects have not applied, nor what a follower still
   * needs that is connected and not further behind than the oldest snapshot, or than the one it was given while there
   * is room.
   */
  dropLog(): void {
    if (this.#newest === null || this.#offered === null) return;
    this.#forgetGiven(this.#newest.lastIncluded.index);
    const { log, role, lastApplied } = this.#core;
    const hasRoom = log.byteLength <= logBytesMax(this.#newest);
    if (!hasRoom || !this.#isBeingGiven(this.#offered)) this.#offered = this.#newest;
    const { lastIncluded, oldestIndex } = this.#newest;
    let neededFrom: number = Math.min(lastIncluded.index, this.#offered.lastIncluded.index);
    if (neededFrom < log.firstIndex) return;
    if (role.name === 'leader') {
      for (const { id, matchIndex } of role.peers.values()) {
        if (matchIndex >= neededFrom || !this.#transport.isConnected(id)) continue;
        const isCatchingUp = matchIndex >= (this.#given.get(id) ?? Infinity) && matchIndex + 1 >= log.firstIndex;
        neededFrom = Math.min(neededFrom, hasRoom && isCatchingUp ? matchIndex : Math.max(matchIndex, oldestIndex));
      }
    }
    dropLogTo(this.#core, logIndex(Math.min(neededFrom, this.#feeds.appliedIndex, lastApplied)));
  }

  /** Those who have gone, or have caught up with the newest snapshot, need no more care than others. */
  #forgetGiven(newestIndex: LogIndex): void {
    const { role } = this.#core;
    for (const id of this.#given.keys()) {
      const peer = role.name === 'leader' ? role.peers.get(id) : undefined;
      const isDone = peer === undefined || peer.matchIndex >= newestIndex || !this.#transport.isConnected(id);
      if (isDone) this.#given.delete(id);
    }
  }

  /** To whom a leader gives a snapshot, it offers it at each heartbeat, until the objects there hold it. */
  #isBeingGiven({ lastIncluded }: SnapshotTaken): boolean {
    const { role, log, nowMs, options } = this.#core;
    if (role.name !== 'leader' || lastIncluded.index + 1 < log.firstIndex) return false;
    return nowMs - this.#offeredAtMs <= options.electionTimeoutMs[1];
  }

  /** The Snapshotter judges by this when a snapshot is due, and folds up to here. */
  tellProgress(): void {
    const { appliedIndex, appliedBytes: bytes } = this.#feeds;
    const index = logIndex(Math.min(appliedIndex, this.#stored.settledIndex));
    if (index === this.#toldIndex) return;
    if (tellOrDrop(this.#snapshotter, { type: 'logApplied', index, bytes })) this.#toldIndex = index;
  }

  /** Offers a snapshot. One that has just been installed has not been announced yet: then the next heartbeat does. */
  offer({ to, session, round, term }: SendSnapshot): void {
    const snapshot = this.#offered;
    if (snapshot === null || snapshot.lastIncluded.index + 1 < this.#core.log.firstIndex) return;
    this.#offeredAtMs = this.#core.nowMs;
    this.#given.set(to, snapshot.lastIncluded.index);
    tellOrDrop(this.#snapshotter, { type: 'snapshotOffered', snapshotId: snapshot.snapshotId });
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

  /**
   * Hands over the next piece of what is being read. Returns whether to go on at once: where there is no room for it,
   * that is later.
   */
  readOn(): boolean {
    const piece = this.#reads.next(this.#core.log);
    if (piece === null) return false;
    if (!tellOrDrop(this.#snapshotter, piece, piece.entries === null ? [] : [piece.entries])) return false;
    this.#reads.handedOver();
    return !piece.isLast;
  }
}
