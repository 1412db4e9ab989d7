/**
 * The Snapshotter of a node: on the storage thread, or beside consensus where nothing is stored. It has the node's
 * snapshots: takes them, keeps them, gives them to others and fetches them from others. Each of these is a part of its
 * own; this is who they hear each other through. It never looks into a snapshot, and holds no object.
 */

import { assert } from '../../assert.js';
import { asError, ConclaveError, toPlainError } from '../../errors.js';
import type { GroupId, LogIndex, NodeId } from '../../ids.js';
import type { Actor, ActorAddress, ActorContext, ActorFactory, ActorRef, Reply } from '../../runtime/actor.js';
import { breather } from '../../runtime/breather.js';
import type { Disk } from '../../storage/disk.js';
import type { NewPause } from '../../storage/pause.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { reachesBackTo } from '../log-store/log-range.js';
import type { LogStoreMessage } from '../log-store/log-store-messages.js';
import type { RaftActorMessage } from '../raft/raft-actor-messages.js';
import type { FetchSnapshot } from '../raft/effects.js';
import type { TransferMessage } from '../raft/messages.js';
import type { SnapshotNews } from '../replicated/caller-messages.js';
import type { MachineMessage } from '../replicated/machine-messages.js';
import type { ResolvedObject } from '../replicated/object-definition.js';
import type { CompactionBounds } from './compaction-trigger.js';
import { Compactor, type AttemptEnded } from './compactor.js';
import type { FoldRunner } from './fold-runner.js';
import { LogGatherer } from './log-gatherer.js';
import { openSnapshots } from './open-snapshots.js';
import type { SnapshotEvent } from './snapshot-event.js';
import { SnapshotCheck, type CheckEnded } from './snapshot-check.js';
import { FETCH_RETRY_MS, SnapshotFetch, type FetchEnded } from './snapshot-fetch.js';
import { SnapshotInstalling } from './snapshot-installing.js';
import { SnapshotKeeper } from './snapshot-keeper.js';
import { SnapshotServer } from './snapshot-server.js';
import type { NewestSnapshot, OpenedSnapshots, SnapshotterMessage } from './snapshotter-messages.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';

/** What a Snapshotter is made from; crosses threads by structured clone. */
export interface SnapshotterData {
  readonly group: GroupId;
  readonly self: NodeId;
  readonly objects: readonly ResolvedObject[];
  readonly classes: readonly ResolvedObject[];
  readonly sessionsMax: number;
  /** Directories of snapshots and log; or neither is on a disk. */
  readonly place:
    | { readonly kind: 'disk'; readonly snapshots: string; readonly log: string }
    | { readonly kind: 'memory' };
  readonly isSynced: boolean;
  readonly snapshot: CompactionBounds & {
    /** Are snapshots compared with the live objects? */
    readonly isVerified: boolean;
  };
  /** This node's place among the members, from 0. */
  readonly position: number;
  readonly membersCount: number;
  readonly raft: ActorAddress;
  /** By their numbers. */
  readonly machines: readonly ActorAddress[];
  readonly caller: ActorAddress;
  /** Null: the log is in memory only. */
  readonly logStore: ActorAddress | null;
}

/** What the actor tells itself. */
type OwnMessage = { readonly type: 'tick' } | AttemptEnded | FetchEnded | CheckEnded;

type Message = SnapshotterMessage | OwnMessage;

/** The parts, once the snapshots have been opened. */
interface Parts {
  readonly keeper: SnapshotKeeper;
  readonly compactor: Compactor;
  readonly gatherer: LogGatherer;
  readonly server: SnapshotServer;
  readonly check: SnapshotCheck;
  readonly fetch: SnapshotFetch;
  readonly installing: SnapshotInstalling;
}

const TICK_MS = 100;
export class SnapshotterActor implements Actor<Message> {
  readonly #context: ActorContext<Message>;
  readonly #data: SnapshotterData;
  readonly #disk: Disk;
  readonly #runner: FoldRunner;
  readonly #newPause: NewPause;
  readonly #raft: ActorRef<RaftActorMessage>;
  readonly #machines: readonly ActorRef<MachineMessage>[];
  /** How many times one of them has been compared with a snapshot. */
  #compared = 0;
  readonly #caller: ActorRef<SnapshotNews>;
  /** Null until the snapshots have been opened. */
  #parts: Parts | null = null;
  /** What is under way has been ended. */
  #closing: Promise<void> | null = null;

  constructor(
    context: ActorContext<Message>,
    data: SnapshotterData,
    disk: Disk,
    runner: FoldRunner,
    newPause: NewPause,
  ) {
    this.#context = context;
    this.#data = data;
    this.#disk = disk;
    this.#runner = runner;
    this.#newPause = newPause;
    this.#raft = context.ref(data.raft);
    this.#machines = data.machines.map((machine) => context.ref(machine));
    this.#caller = context.ref(data.caller);
  }

  receive(message: Message, reply: Reply): void {
    if (message.type === 'openSnapshots') return this.#onOpen(reply);
    if (message.type === 'closeSnapshots') {
      void this.#close().then(() => reply.ok());
      return;
    }
    if (this.#closing !== null && message.type !== 'attemptEnded') {
      reply.fail(new ConclaveError('ERR_STOPPED', 'The snapshots have been closed.'));
      return;
    }
    const parts = this.#parts;
    assert(parts !== null, 'the snapshots are opened before anything else');
    this.#handle(message, reply, parts);
  }

  drained(): void {
    this.#parts?.server.drained();
  }

  stopped(): void {
    void this.#close();
  }

  #handle(message: Exclude<Message, { type: 'openSnapshots' | 'closeSnapshots' }>, reply: Reply, parts: Parts): void {
    const { keeper, compactor, gatherer, server, fetch } = parts;
    switch (message.type) {
      case 'tick':
        return this.#onTick(parts);
      case 'newestSnapshot':
        this.#giveUp(message, parts);
        return reply.ok(keeper.newest);
      case 'logApplied':
        keeper.heard();
        compactor.logApplied(message.index, message.bytes);
        return this.#noteInstalled(parts);
      case 'measure':
        return reply.ok(compactor.figures());
      case 'placeChanged':
        return compactor.placeChanged(message.position, message.membersCount);
      case 'compact':
        return compactor.compact(message.index, reply);
      case 'logPiece':
        return gatherer.onPiece(message);
      case 'attemptEnded':
        return compactor.onEnded(message);
      case 'fetchSnapshot':
        return this.#onOffer(message, parts);
      case 'snapshotPiece':
        fetch.onPiece(message);
        return this.#holdOrRelease(parts);
      case 'fetchEnded':
        return this.#onFetchEnded(message, parts);
      case 'snapshotOffered':
        if (!server.offered(message.snapshotId)) keeper.announceAgain();
        return;
      case 'snapshotRequest':
        return server.onRequest(message);
      case 'checkEnded':
        return this.#onChecked(message, parts);
    }
  }

  /** Whoever starts the node is to hear why it cannot be started. */
  #onOpen(reply: Reply): void {
    try {
      reply.ok(this.#open());
    } catch (error) {
      reply.fail(asError(error));
    }
  }

  /** @throws ConclaveError `ERR_STORAGE`, `ERR_STORAGE_CORRUPT`, `ERR_DATA_DIR_MISMATCH`. */
  #open(): OpenedSnapshots {
    assert(this.#parts === null, 'the snapshots are opened once');
    const { logger, clock } = this.#context;
    const {
      group,
      self: node,
      place,
      objects,
      classes,
      sessionsMax,
      isSynced,
      snapshot,
      position,
      membersCount,
    } = this.#data;
    const directory = place.kind === 'memory' ? null : place.snapshots;
    const { store, ...opened } = openSnapshots(this.#disk, directory, logger);
    const send = (to: NodeId, message: TransferMessage): void => this.#send(to, message);
    // A full mailbox does not refuse what comes from a timer.
    const tellSelf = (ended: AttemptEnded | FetchEnded | CheckEnded): void => void this.#context.after(0, ended);
    const emit = (event: SnapshotEvent): void => this.#emit(event);
    const check = new SnapshotCheck(this.#disk, this.#newPause, tellSelf);
    const onDoubt = (doubted: SnapshotInfo): void => check.start(doubted);
    const server = new SnapshotServer({ group, self: node, store, clock, logger, send, onDoubt });
    const keeper = new SnapshotKeeper({
      store,
      group,
      raft: this.#raft,
      logStore: this.#data.logStore === null ? null : this.#context.ref<LogStoreMessage>(this.#data.logStore),
      logger,
      isPinned: (each) => server.isWanted(each),
      hasLogBehind: (index) => this.#hasLogBehind(index),
    });
    const gatherer = new LogGatherer(this.#raft, clock);
    const compactor = new Compactor({
      bounds: snapshot,
      position,
      membersCount,
      env: {
        group,
        objects,
        classes,
        sessionsMax,
        isSynced,
        isVerified: snapshot.isVerified,
        logDirectory: place.kind === 'memory' ? null : place.log,
        nextCompared: () => this.#machines[this.#compared++ % this.#machines.length]!,
        gatherer,
        runner: this.#runner,
        keeper,
        logger,
      },
      clock,
      emit,
      tellSelf,
    });
    const fetch = new SnapshotFetch({
      group,
      self: node,
      disk: this.#disk,
      store,
      clock,
      logger,
      newPause: this.#newPause,
      send,
      onProgress: (index, receivedBytes, bytes) => emit({ type: 'receiving', index, receivedBytes, bytes }),
      onEnded: tellSelf,
    });
    const installing = new SnapshotInstalling(this.#machines);
    this.#parts = { keeper, compactor, gatherer, server, check, fetch, installing };
    this.#context.every(TICK_MS, { type: 'tick' });
    return opened;
  }

  #onTick(parts: Parts): void {
    const { keeper, compactor, gatherer, server, fetch, installing } = parts;
    const nowMs = this.#context.clock.nowMs();
    if (server.closeIdle(nowMs)) keeper.retire();
    gatherer.tick(nowMs);
    fetch.tick(nowMs);
    installing.tick(nowMs);
    keeper.announce();
    this.#holdOrRelease(parts);
    compactor.advance();
  }

  /** The objects could not be loaded from some: these are not the newest any more. */
  #giveUp({ damaged, unreadable }: NewestSnapshot, parts: Parts): void {
    const { keeper } = parts;
    const { newest } = keeper;
    const what = 'The objects could not be restored from it.';
    for (const each of keeper.store.list()) {
      if (damaged.includes(each.id)) keeper.giveUp(each, new ConclaveError('ERR_STORAGE_CORRUPT', what));
      if (unreadable.includes(each.id)) keeper.giveUp(each, new ConclaveError('ERR_STORAGE', what));
    }
    this.#onGivenUp(newest, parts);
  }

  /** One that the objects were to be given is fetched once more then, as soon as it is offered again. */
  #onGivenUp(newestBefore: SnapshotInfo | null, parts: Parts): void {
    const { keeper, compactor, installing } = parts;
    installing.keepTo(keeper.store.list());
    if (keeper.newest !== newestBefore) compactor.newestLost();
    this.#holdOrRelease(parts);
  }

  /** Where the log is in memory, so are the snapshots, which never fail to be read. */
  #hasLogBehind(index: LogIndex): boolean {
    const { place, group } = this.#data;
    try {
      return place.kind === 'memory' || reachesBackTo(this.#disk, place.log, group, index);
    } catch (error) {
      this.#context.logger.error({ error }, 'the log could not be read to see how far it reaches back');
      return false;
    }
  }

  /** A snapshot that others could make nothing of has been read. */
  #onChecked({ snapshot, error }: CheckEnded, parts: Parts): void {
    const { keeper, check } = parts;
    check.ended();
    if (error === null) return;
    this.#context.logger.error({ error, id: snapshot.id }, 'a snapshot that is given to others cannot be used');
    const { newest } = keeper;
    keeper.giveUp(snapshot, error);
    this.#onGivenUp(newest, parts);
  }

  /** A leader offers a snapshot: it is fetched, unless it, or a newer one, is here already and not installed yet. */
  #onOffer(offer: FetchSnapshot, parts: Parts): void {
    const { keeper, compactor, fetch, installing } = parts;
    const { newest } = keeper;
    const nowMs = this.#context.clock.nowMs();
    if (installing.isBusy) {
      installing.wanted(nowMs);
    } else if (newest === null || newest.lastIncluded.index < offer.lastIncluded.index) {
      fetch.onOffer(offer);
    } else if (newest.lastIncluded.index > compactor.appliedIndex) {
      installing.start(newest, nowMs);
    }
    this.#holdOrRelease(parts);
  }

  #onFetchEnded(ended: FetchEnded, parts: Parts): void {
    const { keeper, compactor, fetch, installing } = parts;
    const { snapshot, error } = ended;
    fetch.ended(ended);
    if (snapshot === null) {
      this.#context.logger.error({ error }, 'the snapshot that this node is given could not be fetched');
      this.#emit({ type: 'failed', error: toPlainError(error), retryInMs: FETCH_RETRY_MS });
    } else {
      keeper.published();
      compactor.newestGiven(snapshot.lastIncluded.index);
      if (snapshot.lastIncluded.index > compactor.appliedIndex) installing.start(snapshot, this.#context.clock.nowMs());
    }
    this.#holdOrRelease(parts);
  }

  #noteInstalled(parts: Parts): void {
    const snapshot = parts.installing.takeInstalled(parts.compactor.appliedIndex);
    if (snapshot === null) return;
    this.#emit({ type: 'installed', index: snapshot.lastIncluded.index, bytes: snapshot.bytes });
    this.#holdOrRelease(parts);
  }

  /** While the node is given a snapshot, it takes none. */
  #holdOrRelease({ compactor, fetch, installing }: Parts): void {
    compactor.hold(fetch.isBusy || installing.isBusy);
  }

  #send(to: NodeId, message: TransferMessage): void {
    const isFull = message.type === 'snapshotPiece' && message.bytes.length > 0;
    const transfer = isFull ? [message.bytes.buffer as ArrayBuffer] : [];
    tellOrDrop(this.#raft, { type: 'sendTransfer', to, message }, transfer);
  }

  #emit(event: SnapshotEvent): void {
    tellOrDrop(this.#caller, { type: 'snapshotEvent', event });
  }

  /** Ends whatever is under way. Resolves, and never rejects, when nothing of it is left. */
  #close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const parts = this.#parts;
    try {
      parts?.server.close();
      await Promise.all([parts?.compactor.close(), parts?.fetch.close(), parts?.check.close()]);
    } catch (error) {
      this.#context.logger.warn({ error }, 'what was under way with snapshots did not end cleanly');
    }
    await this.#runner.stop();
  }
}

/** Makes the actor, with a disk, folds and pauses of the caller's choice. */
export function snapshotterActorOn(
  disk: Disk,
  runner: FoldRunner,
  newPause: NewPause = breather,
): ActorFactory<SnapshotterMessage, SnapshotterData> {
  return (context, data) => new SnapshotterActor(context, data, disk, runner, newPause);
}
