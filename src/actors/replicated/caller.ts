/**
 * The node's face towards the user's code, on the user's own thread: makes calls into blocks, sends them, and settles
 * their promises from the results of this node's own objects. An actor for what others tell it; the handles call its
 * methods directly, for they are on the same thread and a mailbox would only cost time.
 */

import { EventEmitter } from 'eventemitter3';
import type { Actor, ActorAddress, ActorContext, ActorRef } from '../../runtime/actor.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';
import { crc32 } from '../../checksum.js';
import { ConclaveError, fromPlainError } from '../../errors.js';
import { logIndex, type LogIndex, type SessionId } from '../../ids.js';
import type { RaftActorMessage } from '../raft/raft-actor-messages.js';
import type { SnapshotEvent } from '../snapshotter/snapshot-event.js';
import { encodeArgs, type BlockBuilder } from './block-builder.js';
import type { BlockLane } from './block-lane.js';
import type { MethodName } from './block-names.js';
import { CONSISTENCIES, ORDINARY_CALL, type Call, type Consistency } from './call.js';
import { CalledMachine } from './called-machine.js';
import type { CallerMessage, CodeVersionRaised, NodeStatus, SessionRestored } from './caller-messages.js';
import { changesLost, type WatchRequest } from './changes/watch-desk.js';
import type { Watch } from './changes/watch.js';
import { together, type LaneFigures } from './lane-figures.js';
import { machineOf, machineOfCommand, type ObjectPlaces } from './object-places.js';
import type { PendingBlock } from './pending-block.js';
import type { ValueCodec } from './value-codec.js';
import type { WaitingCalls } from './waiting-calls.js';

export interface CallerOptions {
  readonly codec: ValueCodec;
  readonly raft: ActorAddress;
  /** By their numbers. */
  readonly machines: readonly ActorAddress[];
  readonly places: ObjectPlaces;
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
  readonly #options: CallerOptions;
  /** By their numbers. */
  readonly #machines: readonly CalledMachine[];
  readonly #startedMs: number;
  /**
   * The latest session that a machine has come to, unless one has come to its end, too. Blocks are sent in no other.
   */
  #session: SessionId | null = null;
  /** The latest session that this node has had. */
  #lastSession: SessionId | 0 = 0;
  /** Of all machines' blocks in the order in which they are sent. */
  #nextSeq = 1;
  #nextQuery = 1;
  #status: NodeStatus | null = null;
  /** The code version that has come into force for all objects here. Never goes down. */
  #codeVersion = 0;
  /** What results and changes have shown: no later answer, and no watch, may be older. Never goes down. */
  #seenIndex: LogIndex = logIndex(0);
  #stopped: ConclaveError | null = null;
  /** Is a session to be asked for once consensus has room to hear it? */
  #mustAskForSession = false;
  /** Will deadlines be looked at again? Invariant: true while anything waits. */
  #isExpiring = false;

  constructor(context: ActorContext<CallerMessage | { readonly type: 'expire' }>, options: CallerOptions) {
    this.#context = context;
    this.#options = options;
    this.#startedMs = context.clock.nowMs();
    this.#raft = context.ref(options.raft);
    this.#machines = options.machines.map((address, number) => this.#calledMachine(address, number));
    this.#askForSession();
  }

  /** Calls a replicated method. */
  command(name: MethodName, args: readonly unknown[], call: Call): Promise<unknown> {
    const refusal = this.whyRefused(name, call);
    if (refusal !== null) return Promise.reject(refusal);
    this.#expireLater();
    return this.#machineOf(name, args).commands.call(name, args, call);
  }

  /** Why a replicated method cannot be called now; null: it can. */
  whyRefused(name: MethodName, { isTry = false }: Call = ORDINARY_CALL): ConclaveError | null {
    if (this.#stopped !== null) return notSent(this.#stopped);
    if (name.since > this.#codeVersion) return notInForce(name, this.#codeVersion);
    return !isTry && this.#lacksLeader() ? this.#noLeaderNow() : null;
  }

  /**
   * A copy of arguments, for a command that is to be made later.
   *
   * @throws ConclaveError `ERR_NOT_ENCODABLE` or `ERR_COMMAND_TOO_LARGE`, when it could not be made.
   */
  copyOf(name: MethodName, args: readonly unknown[]): readonly unknown[] {
    const { codec } = this.#options;
    const encoded = encodeArgs(codec, name, args);
    return encoded === null ? args : (codec.decode(encoded) as unknown[]);
  }

  /** Calls a replicated method and waits for nothing. */
  tellCommand(name: MethodName, args: readonly unknown[]): void {
    const refusal = this.whyRefused(name);
    if (refusal !== null) throw refusal;
    this.#expireLater();
    this.#machineOf(name, args).commands.tell(name, args);
  }

  /** Calls a query. */
  query(name: MethodName, args: readonly unknown[], consistency: Consistency, call: Call): Promise<unknown> {
    if (this.#stopped !== null) return Promise.reject(notSent(this.#stopped));
    if (consistency !== 'local' && this.#lacksLeader()) return Promise.reject(this.#noLeaderNow());
    this.#expireLater();
    return this.#machineOf(name, args).queries[consistency].call(name, args, call);
  }

  /** Begins to watch what changes in an object. Whatever goes wrong is for its reader to hear. */
  watch(request: WatchRequest): Watch {
    const { watches } = this.#machines[machineOf(request.object, this.#options.places)]!;
    const watch = watches.watch(request);
    if (this.#stopped !== null) watch.end(notSent(this.#stopped));
    return watch;
  }

  /** Runs nothing; resolves once everything that was committed before the call has been applied on this node. */
  async catchUp(call: Call): Promise<void> {
    if (this.#stopped !== null) throw notSent(this.#stopped);
    this.#expireLater();
    await Promise.all(this.#machines.map((machine) => machine.catchUp(call)));
  }

  /** What the objects have applied, as far as answers have told. */
  get seenIndex(): LogIndex {
    return this.#seenIndex;
  }

  /** As it was last told. */
  get status(): NodeStatus | null {
    return this.#status;
  }

  /** Have all objects come to where this node has a session, hence to everything that was committed when it started? */
  get hadSession(): boolean {
    return this.#machines.every(({ lastSession }) => lastSession !== 0);
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
    return sum(this.#machines.map(({ commands }) => commands.pending));
  }

  get pendingQueries(): number {
    return sum(this.#machines.map(({ pendingQueries }) => pendingQueries));
  }

  figures(): CallerFigures {
    const all = (laneOf: (machine: CalledMachine) => BlockLane): LaneFigures =>
      together(this.#machines.map((machine) => laneOf(machine).figures()));
    return {
      commands: all(({ commands }) => commands),
      queries: {
        linearizable: all(({ queries }) => queries.linearizable),
        lease: all(({ queries }) => queries.lease),
        local: all(({ queries }) => queries.local),
      },
    };
  }

  receive(message: CallerMessage | { readonly type: 'expire' }): void {
    switch (message.type) {
      case 'commandResults': {
        const { session, commands } = this.#machines[message.machine]!;
        this.#seen(message.appliedIndex);
        for (const block of message.blocks) if (block.session === session) commands.settle(block);
        return;
      }
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
        return this.#onSessionOpened(this.#machines[message.machine]!, message.session);
      case 'sessionExpired':
        return this.#onSessionExpired(this.#machines[message.machine]!, message.session);
      case 'sessionRestored':
        return this.#onSessionRestored(message);
      case 'snapshotEvent':
        this.events.emit('snapshot', message.event);
        return;
      case 'codeVersionRaised':
        return this.#onCodeVersionRaised(message);
      case 'machineLost':
        return this.#machines[message.machine]!.lost(fromPlainError(message.error));
      case 'machineBack':
        return this.#machines[message.machine]!.back();
      case 'watchBegun':
        this.#seen(logIndex(message.at.index - 1));
        return this.#machines[message.machine]!.watches.onBegun(message);
      case 'watchRefused':
        return this.#machines[message.machine]!.watches.onRefused(message);
      case 'watchedChanges':
        this.#seen(message.appliedIndex);
        return this.#machines[message.machine]!.watches.onChanges(message);
      case 'allChangesLost':
        this.#machines[message.machine]!.watches.loseAll(() =>
          changesLost('This server was given a snapshot instead of the log'),
        );
        return;
      case 'expire':
        return this.#expire();
    }
  }

  /** Rejects everything that waits, and every later call. */
  stop(reason: ConclaveError): void {
    if (this.#stopped !== null) return;
    this.#stopped = reason;
    for (const { commands, queries, watches } of this.#machines) {
      commands.failAll((wasSent) => (wasSent ? reason : notSent(reason)));
      // A query changes nothing, sent or not.
      for (const lane of Object.values(queries)) lane.failAll(() => notSent(reason));
      watches.stop(notSent(reason));
    }
  }

  /** What waits is for its owner to reject: `stop`, with the reason. */
  stopped(): void {
    this.events.removeAllListeners();
  }

  #machineOf(name: MethodName, args: readonly unknown[]): CalledMachine {
    return this.#machines[this.#machines.length === 1 ? 0 : machineOfCommand(name.text, args, this.#options.places)]!;
  }

  #calledMachine(address: ActorAddress, number: number): CalledMachine {
    const { codec, defaultTimeoutMs, commandBytesMax, pendingCommandsMax, pendingBytesMax } = this.#options;
    const machine: CalledMachine = new CalledMachine({
      ref: this.#context.ref(address),
      lanes: {
        codec,
        nowMs: () => this.#context.clock.nowMs(),
        defaultTimeoutMs,
        commandBytesMax,
        pendingMax: pendingCommandsMax,
        pendingBytesMax,
        whyNoLeader: () => whyNoLeader(this.#status, NO_LEADER),
      },
      commands: {
        send: (builder, block) => this.#sendCommands(builder, block),
        // What it sent in a session that it has not come to the end of is not mixed up with what comes later.
        maySend: () => this.#session !== null && machine.session === this.#session && this.#hasLeader(),
      },
      sendQueries: {
        linearizable: (builder, block) => this.#sendRead(builder, block, 'linearizable', number),
        lease: (builder, block) => this.#sendRead(builder, block, 'lease', number),
        local: (builder, block) => this.#sendLocal(builder, block, number),
      },
      whyTimedOut: (wasSent, isQuery) => ((wasSent && !isQuery) || this.#hasLeader() ? 'ERR_TIMEOUT' : 'ERR_NO_LEADER'),
      watches: {
        commandBytesMax,
        seenIndex: () => this.#seenIndex,
        onUntold: () => this.#expireLater(),
      },
    });
    return machine;
  }

  /** An idle node does not wake the user's thread. */
  #expireLater(): void {
    if (this.#isExpiring) return;
    this.#isExpiring = true;
    this.#context.after(EXPIRE_EVERY_MS, { type: 'expire' });
  }

  #expire(): void {
    this.#isExpiring = false;
    const lanes = this.#machines.flatMap((machine) => machine.lanes);
    for (const lane of lanes) lane.expire(this.#context.clock.nowMs());
    for (const { watches } of this.#machines) watches.tellAgain();
    if (this.#mustAskForSession) this.#askForSession();
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

  #sendCommands(builder: BlockBuilder, block: PendingBlock): boolean {
    const firstSeq = this.#nextSeq;
    const session = this.#session!;
    const bytes = builder.encode(session, firstSeq);
    const crc = crc32(new Uint8Array(bytes));
    if (!tellOrDrop(this.#raft, { type: 'submitBlock', session, firstSeq, block: bytes, crc }, [bytes])) return false;
    // Only now: a number that is left out keeps all behind it from being applied.
    this.#nextSeq += block.count;
    block.id = firstSeq;
    return true;
  }

  #sendRead(
    builder: BlockBuilder,
    block: PendingBlock,
    consistency: 'linearizable' | 'lease',
    machine: number,
  ): boolean {
    const queryId = this.#newQueryId(consistency, machine);
    const timeoutMs = Math.max(0, block.latestDeadlineMs - this.#context.clock.nowMs());
    const bytes = builder.encode(0, queryId);
    const lease = consistency === 'lease';
    const read = { type: 'readBlock', machine, queryId, lease, timeoutMs, block: bytes } as const;
    if (!tellOrDrop(this.#raft, read, [bytes])) return false;
    block.id = queryId;
    return true;
  }

  #sendLocal(builder: BlockBuilder, block: PendingBlock, machine: number): boolean {
    const queryId = this.#newQueryId('local', machine);
    const bytes = builder.encode(0, queryId);
    // Objects that were made anew, or are slower than others, have this index only when they have been fed so far.
    const queries = { type: 'runQueries', queryId, index: this.#seenIndex, block: bytes } as const;
    if (!tellOrDrop(this.#machines[machine]!.ref, queries, [bytes])) return false;
    block.id = queryId;
    return true;
  }

  /** The id of the next block of queries; it names their lane. */
  #newQueryId(consistency: Consistency, machine: number): number {
    return 3 * (this.#machines.length * this.#nextQuery++ + machine) + CONSISTENCIES.indexOf(consistency);
  }

  #laneOfQuery(queryId: number): BlockLane {
    const machine = Math.floor(queryId / 3) % this.#machines.length;
    return this.#machines[machine]!.queries[CONSISTENCIES[queryId % 3]!];
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
    if (hadLeader || !this.#hasLeader()) return;
    for (const { commands } of this.#machines) commands.flush();
  }

  #onCodeVersion(codeVersion: number): void {
    if (codeVersion <= this.#codeVersion) return;
    this.#codeVersion = codeVersion;
    this.events.emit('codeVersion', codeVersion);
  }

  /** It is in force here when it is for the objects of all machines. */
  #onCodeVersionRaised({ machine: number, codeVersion }: CodeVersionRaised): void {
    const machine = this.#machines[number]!;
    machine.codeVersion = Math.max(machine.codeVersion, codeVersion);
    this.#onCodeVersion(Math.min(...this.#machines.map((each) => each.codeVersion)));
  }

  #onSessionOpened(machine: CalledMachine, session: SessionId): void {
    if (session <= machine.lastSession) return;
    machine.session = session;
    machine.lastSession = session;
    if (session > this.#lastSession) {
      this.#session = session;
      this.#lastSession = session;
      this.#nextSeq = 1;
    }
    machine.commands.flush();
    if (this.hadSession) this.events.emit('sessionOpened');
  }

  #onSessionExpired(machine: CalledMachine, session: SessionId): void {
    if (session !== machine.session) return;
    machine.session = null;
    machine.commands.refuseSent(
      () =>
        new ConclaveError(
          'ERR_SESSION_EXPIRED',
          'The cluster has forgotten the session of this node, for too many others were used since. ' +
            'All nodes have refused the command; it can be made again.',
        ),
    );
    this.#endSession(session);
  }

  /** The first machine that comes to the end of a session has another one opened. */
  #endSession(session: SessionId): void {
    if (session !== this.#session) return;
    this.#session = null;
    this.#askForSession();
  }

  #askForSession(): void {
    this.#mustAskForSession = !tellOrDrop(this.#raft, { type: 'openSession' });
    if (this.#mustAskForSession) this.#expireLater();
  }

  /** Blocks that the machine's snapshot has taken in will not be answered any more. */
  #onSessionRestored({ machine: number, index, session, nextSeq }: SessionRestored): void {
    const machine = this.#machines[number]!;
    this.#seen(index);
    const held = machine.session;
    if (held === session) {
      machine.commands.failSent(resultLost, (firstSeq) => firstSeq < nextSeq);
      return;
    }
    if (held !== null) {
      // Opened after the snapshot was taken.
      if (held > index) return;
      machine.session = null;
      machine.commands.failSent(resultLost);
    }
    // The machine does not tell of it again: other machines may have come to the end of the former one long ago.
    if (session !== null) this.#onSessionOpened(machine, session);
    if (held !== null) this.#endSession(held);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
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

function noLeader(): ConclaveError {
  return new ConclaveError('ERR_NO_LEADER', 'No leader could confirm itself in time; the query did not run.');
}

function whyNoLeader(status: NodeStatus | null, otherwise: string): string {
  if (status?.isFounded === false) return NOT_FOUNDED;
  return status?.isMemoryLost === true ? MEMORY_LOST : otherwise;
}
