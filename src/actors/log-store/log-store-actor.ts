/**
 * The actor that keeps the logs of all groups of its node on disk: on the storage thread, or wherever it may block.
 * What arrives while a sync is under way is made durable by the next one, and told to each group's RaftActor at once.
 * Whatever the disk refuses is thrown: it ends the thread, and with it the node, before anything is acknowledged.
 */

import type { Actor, ActorContext, ActorFactory, ActorRef, Reply } from '../../runtime/actor.js';
import { assert } from '../../assert.js';
import { asError, ConclaveError } from '../../errors.js';
import type { GroupId } from '../../ids.js';
import type { Disk } from '../../storage/disk.js';
import { NodeDisk } from '../../storage/node-disk.js';
import { GroupLog } from './group-log.js';
import type { LogStored } from '../raft/raft-actor-messages.js';
import type { LogStoreFigures, LogStoreMessage, RecoverLog, StoreLog } from './log-store-messages.js';
import { recoverGroup, type RecoveredGroup } from './recover-group.js';
import { isLeftover, sequenceOf } from './wal-format.js';
import { scanWal, type WalScan } from './wal-scan.js';
import { WalWriter } from './wal-writer.js';

export interface LogStoreData {
  /** Where the segments are; made if it is missing. Nobody else writes there. */
  readonly directory: string;
  /** How large segments become. */
  readonly segmentBytes: number;
}

export interface NodeLogStoreData extends LogStoreData {
  /** False: nothing is synced, and what is told to be durable survives the end of the process only. */
  readonly fsync: boolean;
}

/** Tells the actor itself to go on with what can wait. */
type Own = { readonly type: 'idle' } | { readonly type: 'tellAgain' };

/** How long a RaftActor whose mailbox is full is left alone. */
const TELL_AGAIN_MS = 10;

interface Group {
  readonly raft: ActorRef<LogStored>;
  /**
   * The last request that was made, that is durable, and that was told to be. Invariant: request >= durable >= told.
   */
  request: number;
  durable: number;
  told: number;
}

class LogStoreActor implements Actor<LogStoreMessage | Own> {
  readonly #context: ActorContext<LogStoreMessage | Own>;
  readonly #disk: Disk;
  readonly #data: LogStoreData;
  readonly #groups = new Map<GroupId, Group>();
  /** Null until the first group asks. */
  #scan: WalScan | null = null;
  /** Null until the first group has been recovered, and when the log is closed. */
  #writer: WalWriter | null = null;
  /** Is there something that `drained` must make durable? */
  #isDirty = false;
  #isIdleTold = false;
  #isTellingAgain = false;

  constructor(context: ActorContext<LogStoreMessage | Own>, disk: Disk, data: LogStoreData) {
    this.#context = context;
    this.#disk = disk;
    this.#data = data;
  }

  receive(message: LogStoreMessage | Own, reply: Reply): void {
    switch (message.type) {
      case 'storeLog':
        this.#onStore(message);
        break;
      case 'idle':
        this.#isIdleTold = false;
        // The log may have been closed since.
        if (this.#writer?.idle() === true) this.#tellIdle();
        break;
      case 'dropLog':
        this.#writer?.drop(message.group, message.index);
        this.#tellIdle();
        break;
      case 'tellAgain':
        this.#isTellingAgain = false;
        this.#tellStored();
        break;
      case 'recoverLog':
        this.#onRecover(message, reply);
        break;
      case 'measure':
        this.#onMeasure(reply);
        break;
      case 'closeLog':
        this.#onClose(reply);
    }
  }

  drained(): void {
    if (!this.#isDirty) return;
    this.#writer!.commit();
    this.#onCommitted();
    this.#tellIdle();
  }

  stopped(): void {
    this.#writer?.release();
  }

  #onStore({ group, request, hardState, reset, append }: StoreLog): void {
    const state = this.#groups.get(group);
    assert(state !== undefined, 'a group is recovered before it stores');
    const writer = this.#writer;
    // Closed: what comes too late is never acknowledged.
    if (writer === null) return;
    assert(request === state.request + 1, 'requests are counted without gaps');
    if (hardState !== null) writer.saveHardState(group, hardState);
    if (reset !== null) writer.reset(group, reset);
    if (append !== null) writer.append(group, append.firstIndex, append.lastIndex, new Uint8Array(append.entries));
    state.request = request;
    this.#isDirty = true;
  }

  #onRecover({ group, snapshots, raft }: RecoverLog, reply: Reply): void {
    assert(!this.#groups.has(group), 'a group is recovered once');
    try {
      const { log, isSuperseded } = this.#recover(group, snapshots);
      this.#groups.set(group, { raft: this.#context.ref(raft), request: 0, durable: 0, told: 0 });
      if (isSuperseded) this.#writer!.reset(group, log.base);
      // What was found counts as durable from now on, and so does the end of what a snapshot has taken the place of.
      this.#writer!.commit();
      reply.ok(log, log.pieces);
    } catch (error) {
      // Whoever starts the node is to hear of it first, rather than of a thread that ended.
      reply.fail(asError(error));
      throw error;
    }
  }

  /** Nothing is changed on the disk before the first group's log has been found to be good. */
  #recover(group: GroupId, snapshots: RecoverLog['snapshots']): RecoveredGroup {
    const disk = this.#disk;
    const { directory, segmentBytes } = this.#data;
    disk.makeDirectory(directory);
    this.#scan ??= scanWal(disk, directory);
    const log = this.#scan.groups.get(group) ?? new GroupLog();
    const recovered = recoverGroup(disk, directory, group, log, snapshots);
    if (this.#writer === null) {
      const { torn } = this.#scan;
      this.#writer = WalWriter.start({ disk, directory, segmentBytes, random: this.#context.random }, this.#scan);
      if (torn !== null) this.#context.logger.warn({ ...torn }, 'the end of the log, torn by a crash, was cut off');
    }
    return recovered;
  }

  /** Looks at the disk, which knows best. It is asked by those who count, seldom. */
  #onMeasure(reply: Reply): void {
    try {
      const figures: LogStoreFigures = { bytes: directoryBytes(this.#disk, this.#data.directory) };
      reply.ok(figures);
    } catch (error) {
      reply.fail(asError(error));
    }
  }

  #onClose(reply: Reply): void {
    this.#writer?.close();
    this.#writer = null;
    this.#onCommitted();
    reply.ok();
  }

  /** All that was asked for is durable. */
  #onCommitted(): void {
    this.#isDirty = false;
    for (const state of this.#groups.values()) state.durable = state.request;
    this.#tellStored();
  }

  #tellStored(): void {
    for (const state of this.#groups.values()) {
      if (state.told === state.durable) continue;
      if (tellUnlessFull(state.raft, { type: 'logStored', request: state.durable })) state.told = state.durable;
      else this.#tellAgain();
    }
  }

  #tellAgain(): void {
    if (this.#isTellingAgain) return;
    this.#isTellingAgain = true;
    this.#context.after(TELL_AGAIN_MS, { type: 'tellAgain' });
  }

  #tellIdle(): void {
    if (this.#isIdleTold) return;
    this.#isIdleTold = tellUnlessFull(this.#context.self, { type: 'idle' });
  }
}

function directoryBytes(disk: Disk, directory: string): number {
  let bytes = 0;
  for (const name of disk.list(directory)) {
    // There may be others, where the directory is a file system of its own, and not to be looked into.
    if (sequenceOf(name) === null && !isLeftover(name)) continue;
    const file = disk.open(`${directory}/${name}`, 'read');
    try {
      bytes += file.size();
    } finally {
      file.close();
    }
  }
  return bytes;
}

/** Returns whether there was room: what waits is told again, and what can wait comes with the next commit. */
function tellUnlessFull<Message>(to: ActorRef<Message>, message: Message): boolean {
  try {
    to.tell(message);
    return true;
  } catch (error) {
    if (!(error instanceof ConclaveError) || error.code !== 'ERR_MAILBOX_FULL') throw error;
    return false;
  }
}

/** Makes the actor; the export that the storage thread spawns by name. */
export const logStoreActor: ActorFactory<LogStoreMessage, NodeLogStoreData> = (context, data) =>
  logStoreActorOn(new NodeDisk({ isSynced: data.fsync }))(context, data);

/** Makes the actor on another disk. */
export function logStoreActorOn(disk: Disk): ActorFactory<LogStoreMessage, LogStoreData> {
  return (context, data) => new LogStoreActor(context, disk, data);
}
