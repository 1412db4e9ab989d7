/**
 * The node's face towards the user's code, on the user's own thread: makes calls into blocks, sends them, and settles
 * their promises from the results of this node's own objects. An actor for what others tell it; the handles call its
 * methods directly, for they are on the same thread and a mailbox would only cost time.
 */

import { EventEmitter } from 'eventemitter3';
import type { Actor, ActorAddress, ActorContext, ActorRef } from '../../runtime/actor.js';
import { crc32 } from '../../checksum.js';
import { ConclaveError, fromPlainError } from '../../errors.js';
import { logIndex, type LogIndex, type SessionId } from '../../ids.js';
import type { RaftActorMessage } from '../raft/raft-actor-messages.js';
import type { SnapshotEvent } from '../snapshotter/snapshot-event.js';
import { MethodName, type BlockBuilder } from './block-builder.js';
import { BlockLane, type LaneFigures, type LaneOptions } from './block-lane.js';
import { CONSISTENCIES, type Call, type Consistency } from './call.js';
import type { CallerMessage, NodeStatus, SessionRestored } from './caller-messages.js';
import { WatchDesk, type WatchRequest } from './changes/watch-desk.js';
import type { Watch } from './changes/watch.js';
import type { MachineMessage } from './machine-messages.js';
import type { PendingBlock } from './pending-block.js';
import type { ValueCodec } from './value-codec.js';
import type { WaitingCalls } from './waiting-calls.js';

export interface CallerOptions {
  readonly codec: ValueCodec;
  readonly raft: ActorAddress;
  readonly machine: ActorAddress;
  readonly defaultTimeoutMs: number;
  /** False: a call that takes a leader is refused while none is known. */
  readonly waitForLeader: boolean;
  readonly commandBytesMax: number;
  readonly pendingCommandsMax: number;
  readonly pendingBytesMax: number;
}

/** What there is to count of the calls that were made on this node. */
export interface CallerFigures {
  readonly commands: LaneFigures;
  readonly queries: Readonly<Record<Consistency, LaneFigures>>;
}

/** What the Caller tells those who watch it. */
export interface CallerEvents {
  status: (status: NodeStatus) => void;
  sessionOpened: () => void;
  codeVersion: (codeVersion: number) => void;
  snapshot: (event: SnapshotEvent) => void;
}

const NO_LEADER = 'No leader was known for as long as the call could wait. Is a majority of the nodes up?';
const NOT_FOUNDED =
  'There is no cluster yet. To found one takes all of its members once, and none of them ' +
  'may remember an earlier one: see status().members.';
const MEMORY_LOST =
  'There can be no leader any more: this node remembers the cluster, and too many of the others have lost their memory.';

/** Deadlines are looked at this often while there are any: a call may wait this much longer than it asked for. */
const EXPIRE_EVERY_MS = 20;

export class Caller implements Actor<CallerMessage | { readonly type: 'expire' }> {
  readonly events = new EventEmitter<CallerEvents>();
  /** By method, as blocks call it: the calls that wait, from the first one to the last. */
  readonly waitingCalls = new Map<string, WaitingCalls>();
  readonly #context: ActorContext<CallerMessage | { readonly type: 'expire' }>;
  readonly #raft: ActorRef<RaftActorMessage>;
  readonly #machine: ActorRef<MachineMessage>;
  readonly #options: CallerOptions;
  readonly #commands: BlockLane;
  readonly #queries: Readonly<Record<Consistency, BlockLane>>;
  readonly #watches: WatchDesk;
  readonly #nothing = new MethodName('', '');
  readonly #startedMs: number;
  #session: SessionId | null = null;
  /** The latest session that this node has had. Objects that are fed the log again tell of earlier ones. */
  #lastSession: SessionId | 0 = 0;
  #nextSeq = 1;
  #nextQuery = 1;
  #status: NodeStatus | null = null;
  #isMachineUp = true;
  /** The code version that has come into force here. Never goes down. */
  #codeVersion = 0;
  /** What results and changes have shown: no later answer, and no watch, may be older. Never goes down. */
  #seenIndex: LogIndex = logIndex(0);
  #stopped: ConclaveError | null = null;
  /** Will deadlines be looked at again? Invariant: true while anything waits. */
  #isExpiring = false;

  constructor(context: ActorContext<CallerMessage | { readonly type: 'expire' }>, options: CallerOptions) {
    this.#context = context;
    this.#options = options;
    this.#startedMs = context.clock.nowMs();
    this.#raft = context.ref(options.raft);
    this.#machine = context.ref(options.machine);
    this.#commands = new BlockLane({
      ...this.#laneOptions(false),
      send: (builder, block) => this.#sendCommands(builder, block),
      maySend: () => this.#session !== null && this.#hasLeader(),
    });
    this.#queries = {
      linearizable: this.#queryLane((builder, block) => this.#sendRead(builder, block, 'linearizable')),
      lease: this.#queryLane((builder, block) => this.#sendRead(builder, block, 'lease')),
      local: new BlockLane({
        ...this.#laneOptions(true),
        send: (builder, block) => this.#sendLocal(builder, block),
        maySend: () => this.#isMachineUp,
        // No leader is asked.
        whyTimedOut: () => 'ERR_TIMEOUT',
      }),
    };
    this.#watches = new WatchDesk({
      codec: options.codec,
      commandBytesMax: options.commandBytesMax,
      seenIndex: () => this.#seenIndex,
      machine: this.#machine,
    });
    this.#raft.tell({ type: 'openSession' });
  }

  /** Calls a replicated method. */
  command(name: MethodName, args: readonly unknown[], call: Call): Promise<unknown> {
    if (this.#stopped !== null) return Promise.reject(notSent(this.#stopped));
    if (name.since > this.#codeVersion) return Promise.reject(notInForce(name, this.#codeVersion));
    if (this.#lacksLeader()) return Promise.reject(this.#noLeaderNow());
    if (!this.#isExpiring) this.#expireLater();
    return this.#commands.call(name, args, call);
  }

  /** Calls a replicated method and waits for nothing. */
  tellCommand(name: MethodName, args: readonly unknown[]): void {
    if (this.#stopped !== null) throw notSent(this.#stopped);
    if (name.since > this.#codeVersion) throw notInForce(name, this.#codeVersion);
    if (this.#lacksLeader()) throw this.#noLeaderNow();
    if (!this.#isExpiring) this.#expireLater();
    this.#commands.tell(name, args);
  }

  /** Calls a query. */
  query(name: MethodName, args: readonly unknown[], consistency: Consistency, call: Call): Promise<unknown> {
    if (this.#stopped !== null) return Promise.reject(notSent(this.#stopped));
    if (consistency !== 'local' && this.#lacksLeader()) return Promise.reject(this.#noLeaderNow());
    if (!this.#isExpiring) this.#expireLater();
    return this.#queries[consistency].call(name, args, call);
  }

  /** Begins to watch what changes in an object. Whatever goes wrong is for its reader to hear. */
  watch(request: WatchRequest): Watch {
    const watch = this.#watches.watch(request);
    if (this.#stopped !== null) watch.end(notSent(this.#stopped));
    return watch;
  }

  /** Runs nothing; resolves once everything that was committed before the call has been applied on this node. */
  catchUp(call: Call): Promise<unknown> {
    if (this.#stopped !== null) return Promise.reject(notSent(this.#stopped));
    if (!this.#isExpiring) this.#expireLater();
    return this.#queries.linearizable.callNothing(this.#nothing, call);
  }

  /** What the objects have applied, as far as answers have told. */
  get seenIndex(): LogIndex {
    return this.#seenIndex;
  }

  /** As it was last told. */
  get status(): NodeStatus | null {
    return this.#status;
  }

  /** Has this node ever had a session? */
  get hadSession(): boolean {
    return this.#lastSession !== 0;
  }

  /** The version of the objects' code that is in force here. */
  get codeVersion(): number {
    return this.#codeVersion;
  }

  /** Since it was made, in milliseconds. */
  get uptimeMs(): number {
    return this.#context.clock.nowMs() - this.#startedMs;
  }

  get pendingCommands(): number {
    return this.#commands.pending;
  }

  get pendingQueries(): number {
    const { linearizable, lease, local } = this.#queries;
    return linearizable.pending + lease.pending + local.pending;
  }

  figures(): CallerFigures {
    const { linearizable, lease, local } = this.#queries;
    return {
      commands: this.#commands.figures(),
      queries: { linearizable: linearizable.figures(), lease: lease.figures(), local: local.figures() },
    };
  }

  receive(message: CallerMessage | { readonly type: 'expire' }): void {
    switch (message.type) {
      case 'commandResults':
        this.#seen(message.appliedIndex);
        for (const block of message.blocks) if (block.session === this.#session) this.#commands.settle(block);
        return;
      case 'queryResults':
        this.#seen(message.appliedIndex);
        for (const block of message.blocks) this.#laneOfQuery(block.id).settle(block);
        return;
      case 'queriesFailed':
        for (const id of message.queryIds) this.#laneOfQuery(id).failSent(noLeader, (sent) => sent === id);
        return;
      case 'nodeStatus':
        return this.#onStatus(message);
      case 'sessionOpened':
        return this.#onSessionOpened(message.session);
      case 'sessionExpired':
        return this.#onSessionExpired(message.session);
      case 'sessionRestored':
        return this.#onSessionRestored(message);
      case 'snapshotEvent':
        this.events.emit('snapshot', message.event);
        return;
      case 'codeVersionRaised':
        return this.#onCodeVersion(message.codeVersion);
      case 'machineLost':
        return this.#onMachineLost(fromPlainError(message.error));
      case 'machineBack':
        this.#isMachineUp = true;
        for (const lane of this.#lanes()) lane.flush();
        this.#watches.askAgain();
        return;
      case 'watchBegun':
        this.#seen(logIndex(message.at.index - 1));
        return this.#watches.onBegun(message);
      case 'watchRefused':
        return this.#watches.onRefused(message);
      case 'watchedChanges':
        this.#seen(message.appliedIndex);
        return this.#watches.onChanges(message);
      case 'allChangesLost':
        this.#watches.loseAll(() => changesLost('This server was given a snapshot instead of the log'));
        return;
      case 'expire':
        return this.#expire();
    }
  }

  /** Rejects everything that waits, and every later call. */
  stop(reason: ConclaveError): void {
    if (this.#stopped !== null) return;
    this.#stopped = reason;
    this.#commands.failAll((wasSent) => (wasSent ? reason : notSent(reason)));
    // A query changes nothing, sent or not.
    for (const lane of Object.values(this.#queries)) lane.failAll(() => notSent(reason));
    this.#watches.stop(notSent(reason));
  }

  /** What waits is for its owner to reject: `stop`, with the reason. */
  stopped(): void {
    this.events.removeAllListeners();
  }

  #lanes(): BlockLane[] {
    return [this.#commands, this.#queries.linearizable, this.#queries.lease, this.#queries.local];
  }

  /** An idle node does not wake the user's thread. */
  #expireLater(): void {
    this.#isExpiring = true;
    this.#context.after(EXPIRE_EVERY_MS, { type: 'expire' });
  }

  #expire(): void {
    this.#isExpiring = false;
    const lanes = this.#lanes();
    for (const lane of lanes) lane.expire(this.#context.clock.nowMs());
    if (lanes.some(({ isAwaited }) => isAwaited)) this.#expireLater();
  }

  #hasLeader(): boolean {
    return this.#status !== null && this.#status.leader !== null;
  }

  /** Is there no leader, and is nobody to wait for one? */
  #lacksLeader(): boolean {
    return !this.#options.waitForLeader && !this.#hasLeader();
  }

  #noLeaderNow(): ConclaveError {
    const message = whyNoLeader(this.#status, 'No leader is known, and calls of this node do not wait for one.');
    return new ConclaveError('ERR_NO_LEADER', message);
  }

  #laneOptions(isQuery: boolean): Omit<LaneOptions, 'send' | 'maySend'> {
    return {
      codec: this.#options.codec,
      nowMs: () => this.#context.clock.nowMs(),
      defaultTimeoutMs: this.#options.defaultTimeoutMs,
      commandBytesMax: this.#options.commandBytesMax,
      pendingMax: this.#options.pendingCommandsMax,
      pendingBytesMax: this.#options.pendingBytesMax,
      isQuery,
      whyTimedOut: (wasSent) => ((wasSent && !isQuery) || this.#hasLeader() ? 'ERR_TIMEOUT' : 'ERR_NO_LEADER'),
      whyNoLeader: () => whyNoLeader(this.#status, NO_LEADER),
    };
  }

  #queryLane(send: LaneOptions['send']): BlockLane {
    return new BlockLane({ ...this.#laneOptions(true), send, maySend: () => this.#isMachineUp });
  }

  #sendCommands(builder: BlockBuilder, block: PendingBlock): void {
    const firstSeq = this.#nextSeq;
    this.#nextSeq += block.count;
    block.id = firstSeq;
    const session = this.#session!;
    const bytes = builder.seal(session, firstSeq);
    const crc = crc32(new Uint8Array(bytes));
    this.#raft.tell({ type: 'submitBlock', session, firstSeq, block: bytes, crc }, [bytes]);
  }

  #sendRead(builder: BlockBuilder, block: PendingBlock, lane: 'linearizable' | 'lease'): void {
    const queryId = this.#newQueryId(lane);
    const timeoutMs = Math.max(0, block.latestDeadlineMs - this.#context.clock.nowMs());
    block.id = queryId;
    const bytes = builder.seal(0, queryId);
    this.#raft.tell({ type: 'readBlock', queryId, lease: lane === 'lease', timeoutMs, block: bytes }, [bytes]);
  }

  #sendLocal(builder: BlockBuilder, block: PendingBlock): void {
    const queryId = this.#newQueryId('local');
    block.id = queryId;
    const bytes = builder.seal(0, queryId);
    // Objects that were made anew have this index only when they have been fed the log again.
    this.#machine.tell({ type: 'runQueries', queryId, index: this.#seenIndex, block: bytes }, [bytes]);
  }

  /** The id of the next block of queries; what it leaves over 3 names the lane. */
  #newQueryId(lane: Consistency): number {
    return 3 * this.#nextQuery++ + CONSISTENCIES.indexOf(lane);
  }

  #laneOfQuery(queryId: number): BlockLane {
    return this.#queries[CONSISTENCIES[queryId % 3]!];
  }

  #seen(index: LogIndex): void {
    if (index > this.#seenIndex) this.#seenIndex = index;
  }

  #onStatus(status: NodeStatus): void {
    const hadLeader = this.#hasLeader();
    this.#status = status;
    // What the objects told before this was there to hear it.
    this.#onCodeVersion(status.codeVersion);
    this.events.emit('status', status);
    if (!hadLeader && this.#hasLeader()) this.#commands.flush();
  }

  #onCodeVersion(codeVersion: number): void {
    if (codeVersion <= this.#codeVersion) return;
    this.#codeVersion = codeVersion;
    this.events.emit('codeVersion', codeVersion);
  }

  #onSessionOpened(session: SessionId): void {
    if (session <= this.#lastSession) return;
    this.#session = session;
    this.#lastSession = session;
    this.#nextSeq = 1;
    this.#commands.flush();
    this.events.emit('sessionOpened');
  }

  #onSessionExpired(session: SessionId): void {
    if (session !== this.#session) return;
    this.#session = null;
    this.#commands.failSent(
      () =>
        new ConclaveError(
          'ERR_SESSION_EXPIRED',
          'The cluster has forgotten the session of this node, for too many others were used since. ' +
            'All nodes have refused the command; it can be made again.',
        ),
    );
    this.#raft.tell({ type: 'openSession' });
  }

  /** Blocks that the objects' snapshot has taken in will not be answered any more. */
  #onSessionRestored({ index, session, nextSeq }: SessionRestored): void {
    this.#seen(index);
    if (this.#session === session) {
      this.#commands.failSent(resultLost, (firstSeq) => firstSeq < nextSeq);
    } else if (this.#session !== null && this.#session <= index) {
      this.#session = null;
      this.#commands.failSent(resultLost);
      this.#raft.tell({ type: 'openSession' });
    } else if (session !== null) {
      this.#onSessionOpened(session);
    }
  }

  #onMachineLost(cause: Error): void {
    this.#isMachineUp = false;
    const error = (): ConclaveError =>
      new ConclaveError('ERR_OBJECT_FAILED', 'The thread of the objects has ended before it answered the query.', {
        mayBeApplied: false,
        retrySafe: true,
        cause,
      });
    for (const lane of Object.values(this.#queries)) lane.failSent(error);
    this.#watches.loseAll(() => changesLost('The thread of the objects has ended', cause));
  }
}

/** The same error for a call that was never sent. */
function notSent(reason: ConclaveError): ConclaveError {
  return new ConclaveError(reason.code, reason.message, {
    data: reason.data,
    mayBeApplied: false,
    retrySafe: reason.code !== 'ERR_STOPPED',
    ...(reason.cause === undefined ? {} : { cause: reason.cause }),
  });
}

/** What is committed from now on stands behind the version that is known here: only that may be relied on. */
function notInForce({ text, since }: MethodName, codeVersion: number): ConclaveError {
  return new ConclaveError(
    'ERR_VERSION_UNSUPPORTED',
    `${text} is a command of code version ${since}, and the cluster is at version ${codeVersion} here: once all servers ` +
      `have the new code, setCodeVersion(${since}) brings it into force.`,
    { data: { method: text, since, codeVersion } },
  );
}

function resultLost(): ConclaveError {
  return new ConclaveError(
    'ERR_RESULT_LOST',
    'The command was applied while this node was so far behind that it was given a snapshot instead of the log: its ' +
      'result is not known here. Read what it was to change.',
  );
}

function changesLost(why: string, cause?: Error): ConclaveError {
  const message = `${why}: what has changed meanwhile is not known here. Read the state, and watch from there.`;
  return new ConclaveError('ERR_CHANGES_LOST', message, cause === undefined ? {} : { cause });
}

function noLeader(): ConclaveError {
  return new ConclaveError('ERR_NO_LEADER', 'No leader could confirm itself in time; the query did not run.');
}

function whyNoLeader(status: NodeStatus | null, otherwise: string): string {
  if (status?.isFounded === false) return NOT_FOUNDED;
  return status?.isMemoryLost === true ? MEMORY_LOST : otherwise;
}
