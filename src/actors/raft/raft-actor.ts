/**
 * The shell of the consensus core, on the consensus thread (or inline): turns messages of threads and network into steps
 * of the core, and carries out the effects that come back. It decides nothing about consensus; everything impure that
 * the core must not touch is here or behind a port.
 */

import type { Actor, ActorAddress, ActorContext, ActorRef, Reply } from '../../runtime/actor.js';
import { ConclaveError } from '../../errors.js';
import { logIndex, type LogIndex, type NodeId, type SessionId } from '../../ids.js';
import type { Transport } from '../../net/transport.js';
import type { CallerMessage } from '../replicated/caller-messages.js';
import type { MachineMessage } from '../replicated/machine-messages.js';
import type { Effect, Store, TransferEnded } from './effects.js';
import { EntryKind } from './entry.js';
import type { LogStore } from './log-store.js';
import type { LocalMessage, PeerMessage } from './messages.js';
import type {
  LinkDown,
  LinkUp,
  MachineApplied,
  MachineReady,
  RaftActorMessage,
  ReadBlock,
  SubmitBlock,
} from './raft-actor-messages.js';
import { peersOf } from './configuration.js';
import { createCore, type Core, type CoreOptions } from './state.js';
import { statusOf } from './status.js';
import { step, takeEffects } from './step.js';
import { SubmissionQueue } from './submission-queue.js';

export interface RaftActorOptions {
  readonly core: Omit<CoreOptions, 'random'>;
  /** What the entry that opens this node's session carries. */
  readonly sessionPayload: Uint8Array;
  readonly transport: Transport;
  readonly logStore: LogStore;
  readonly machine: ActorAddress;
  readonly caller: ActorAddress;
  readonly tickMs: number;
  /** How many bytes of committed entries may be on their way to the objects; the rest waits in the log. */
  readonly applyBytesMax: number;
}

/** Entries go to the objects in pieces of about this size, so that one piece never blocks their thread for long. */
const APPLY_PIECE_BYTES = 512 * 1024;
/** Pieces on their way to the objects: well below what their mailbox holds, however small the pieces are. */
const APPLY_PIECES_MAX = 1024;

export class RaftActor implements Actor<RaftActorMessage> {
  readonly #context: ActorContext<RaftActorMessage>;
  readonly #options: RaftActorOptions;
  readonly #core: Core;
  readonly #peers: readonly NodeId[];
  readonly #transport: Transport;
  readonly #machine: ActorRef<MachineMessage>;
  readonly #caller: ActorRef<CallerMessage>;
  readonly #submissions = new SubmissionQueue();
  /** Blocks of queries that wait for consensus to say that reading is safe. */
  readonly #reads = new Map<number, ArrayBuffer>();
  /** The transfer of leadership that somebody waits for. */
  #transfer: Reply | null = null;
  /** The objects that are fed; null until there are some. */
  #machineLife: number | null = null;
  /** Invariant: machineAppliedIndex <= sentIndex <= commitIndex. */
  #sentIndex = logIndex(0);
  #machineAppliedIndex = logIndex(0);
  /** As the core has last announced it. */
  #commitIndex = logIndex(0);
  #isCarryingOut = false;
  /** What the network said of a peer while the mailbox was full; the last word counts. */
  readonly #missedLinks = new Map<NodeId, LinkUp | LinkDown>();
  /** The last index of each piece on its way to the objects, and its size. */
  #pieces: { lastIndex: LogIndex; bytes: number }[] = [];
  #piecesBytes = 0;
  #lastStatus = '';
  #nowMs = 0;
  #lastTickMs: number;
  #isTickSkipped = false;
  /** Queries whose failure the caller has not been told, because its mailbox was full. */
  #failedQueries: number[] = [];

  constructor(context: ActorContext<RaftActorMessage>, options: RaftActorOptions) {
    this.#context = context;
    this.#options = options;
    this.#transport = options.transport;
    this.#machine = context.ref(options.machine);
    this.#caller = context.ref(options.caller);
    this.#nowMs = context.clock.nowMs();
    this.#lastTickMs = this.#nowMs;
    this.#peers = peersOf(options.core.configuration, options.core.self);
    this.#core = createCore({ ...options.core, random: context.random }, this.#nowMs);
    context.every(options.tickMs, { type: 'tick' });
  }

  receive(message: RaftActorMessage, reply: Reply): void {
    switch (message.type) {
      case 'tick':
        return this.#onTick();
      case 'submitBlock':
        return this.#onSubmitBlock(message);
      case 'readBlock':
        return this.#onReadBlock(message);
      case 'machineApplied':
        return this.#onMachineApplied(message);
      case 'openSession':
        this.#lastStatus = '';
        return this.#submit(0, 0, EntryKind.session, this.#options.sessionPayload);
      case 'machineReady':
        return this.#onMachineReady(message);
      case 'linkUp':
      case 'linkDown':
        return this.#onLink(message);
      case 'handOver':
        return this.#onHandOver(message.target, reply);
      case 'written':
        return this.#onWritten(message.request);
      case 'start':
        return this.#onStart(reply);
      case 'stop':
        return this.#onStop(reply);
      default:
        return this.#onPeerMessage(message);
    }
  }

  drained(): void {
    do this.#step({ type: 'flush' });
    while (this.#carryOut());
    this.#feedMachine();
    this.#transport.flush();
  }

  stopped(): void {
    this.#transport.stop().catch((error: unknown) => {
      this.#context.logger.warn({ error }, 'the transport did not stop cleanly');
    });
  }

  #step(message: LocalMessage | PeerMessage): void {
    if (message.type !== 'flush') this.#nowMs = this.#context.clock.nowMs();
    step(this.#core, message, this.#nowMs, this.#context.clock.wallMs());
  }

  /** Carries out what the core wants done. Returns whether the core has been told something new by it. */
  #carryOut(): boolean {
    const effects = takeEffects(this.#core);
    this.#isCarryingOut = true;
    for (const effect of effects) this.#perform(effect);
    this.#isCarryingOut = false;
    return effects.length > 0;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        return this.#transport.send(effect.to, effect.message);
      case 'store':
        return this.#options.logStore.store(effect, this.#onStored);
      case 'commit':
        this.#commitIndex = effect.index;
        return;
      case 'readReady':
        for (const queryId of effect.readIds) this.#runRead(queryId, effect.index);
        return;
      case 'readFailed':
        for (const queryId of effect.readIds) this.#reads.delete(queryId);
        this.#failedQueries.push(...effect.readIds);
        return this.#tellFailedQueries();
      case 'roleChanged':
        this.#context.logger.info({ role: effect.role, term: effect.term, leader: effect.leader }, 'role changed');
        return this.#publishStatus();
      case 'transferEnded':
        return this.#onTransferEnded(effect);
      case 'sendSnapshot':
        throw new ConclaveError('ERR_ASSERTION', 'Invariant broken: the log is never compacted without snapshots.');
      case 'fetchSnapshot':
        // Nodes of this version never offer one.
        this.#context.logger.warn({ peer: effect.from }, 'a snapshot was offered, and cannot be taken yet');
        return;
    }
  }

  /** A store may answer at once, in the middle of carrying out effects, or from any other turn of the thread. */
  readonly #onStored = (request: Store): void => {
    if (this.#isCarryingOut) this.#onWritten(request);
    else this.#context.self.tell({ type: 'written', request });
  };

  #onWritten({ then }: Store): void {
    for (const effect of then) {
      if (effect.type === 'send') this.#transport.send(effect.to, effect.message);
      else this.#step(effect.message);
    }
  }

  #onTick(): void {
    for (const message of this.#missedLinks.values()) this.#onLink(message);
    this.#missedLinks.clear();
    const nowMs = this.#context.clock.nowMs();
    const isLate = nowMs - this.#lastTickMs > this.#options.core.electionTimeoutMs[0] / 2;
    this.#lastTickMs = nowMs;
    // A thread that has stood still has news of others waiting: those first, before it is judged how long they were
    // silent. Never twice in a row, for a thread may be late for good.
    this.#isTickSkipped = isLate && !this.#isTickSkipped;
    if (!this.#isTickSkipped) this.#step({ type: 'tick' });
    this.#tellFailedQueries();
    this.#publishStatus();
  }

  /** Tells what cannot be told now at the next tick. */
  #tellFailedQueries(): void {
    if (this.#failedQueries.length === 0) return;
    if (tellOrDrop(this.#caller, { type: 'queriesFailed', queryIds: this.#failedQueries })) this.#failedQueries = [];
  }

  #onLink({ type, peer }: LinkUp | LinkDown): void {
    this.#missedLinks.delete(peer);
    this.#step({ type: type === 'linkUp' ? 'peerConnected' : 'peerDisconnected', peer });
  }

  #onPeerMessage(message: PeerMessage): void {
    try {
      this.#step(message);
    } catch (error) {
      if (!(error instanceof ConclaveError) || error.code !== 'ERR_PROTOCOL') throw error;
      this.#context.logger.warn({ peer: message.from, type: message.type, error }, 'a malformed message was ignored');
    }
  }

  #onSubmitBlock(message: SubmitBlock): void {
    this.#submit(message.session, message.firstSeq, EntryKind.block, new Uint8Array(message.block));
  }

  #submit(session: SessionId | 0, firstSeq: number, kind: EntryKind, payload: Uint8Array): void {
    this.#submissions.push(session, firstSeq);
    this.#step({ type: 'submit', kind, payload });
  }

  #onReadBlock(message: ReadBlock): void {
    this.#reads.set(message.queryId, message.block);
    this.#step({ type: 'read', readId: message.queryId, lease: message.lease, timeoutMs: message.timeoutMs });
  }

  #runRead(queryId: number, index: LogIndex): void {
    const block = this.#reads.get(queryId);
    if (block === undefined) return;
    this.#reads.delete(queryId);
    this.#machine.tell({ type: 'runQueries', queryId, index, block }, [block]);
  }

  #onMachineReady({ life }: MachineReady): void {
    this.#machineLife = life;
    this.#sentIndex = logIndex(0);
    this.#machineAppliedIndex = logIndex(0);
    this.#pieces = [];
    this.#piecesBytes = 0;
  }

  #onMachineApplied(message: MachineApplied): void {
    if (message.life !== this.#machineLife) return;
    this.#machineAppliedIndex = message.index;
    while (this.#pieces.length > 0 && this.#pieces[0]!.lastIndex <= message.index) {
      this.#piecesBytes -= this.#pieces.shift()!.bytes;
    }
    this.#step({ type: 'applied', index: message.index });
    const count = this.#submissions.takeDone(message.session, message.nextSeq, message.expired);
    if (count > 0) this.#step({ type: 'submissionsApplied', count });
    if (message.gap) this.#step({ type: 'submissionsRefused' });
  }

  /** Copies committed entries to the objects, as far as they keep up. */
  #feedMachine(): void {
    const life = this.#machineLife;
    if (life === null) return;
    const { log } = this.#core;
    const commitIndex = this.#commitIndex;
    while (this.#sentIndex < commitIndex && this.#mayFeedMore()) {
      const piece = log.slice(logIndex(this.#sentIndex + 1), commitIndex, APPLY_PIECE_BYTES);
      const entries = piece.bytes.slice().buffer;
      this.#pieces.push({ lastIndex: piece.lastIndex, bytes: entries.byteLength });
      this.#piecesBytes += entries.byteLength;
      this.#sentIndex = piece.lastIndex;
      this.#machine.tell({ type: 'applyEntries', life, entries }, [entries]);
    }
  }

  #mayFeedMore(): boolean {
    return this.#piecesBytes < this.#options.applyBytesMax && this.#pieces.length < APPLY_PIECES_MAX;
  }

  #onHandOver(target: NodeId | null, reply: Reply): void {
    if (this.#transfer !== null) {
      reply.fail(new ConclaveError('ERR_TRANSFER_FAILED', 'Another transfer of leadership is under way.'));
      return;
    }
    this.#transfer = reply;
    this.#step({ type: 'transferLeadership', target });
  }

  #onTransferEnded(effect: TransferEnded): void {
    const reply = this.#transfer;
    this.#transfer = null;
    if (effect.error === null) reply?.ok();
    else if (effect.error === 'not leader') {
      reply?.fail(new ConclaveError('ERR_NOT_LEADER', 'Only the leader can hand leadership over. Ask the leader.'));
    } else {
      reply?.fail(
        new ConclaveError('ERR_TRANSFER_FAILED', `Leadership was not handed over: ${effect.error}.`, {
          data: { reason: effect.error },
        }),
      );
    }
  }

  #onStart(reply: Reply): void {
    const { self } = this.#context;
    const onLink = (message: LinkUp | LinkDown): void => {
      if (!tellOrDrop(self, message)) this.#missedLinks.set(message.peer, message);
    };
    const handler = {
      onMessage: (message: PeerMessage) => tellOrDrop(self, message),
      onConnected: (peer: NodeId) => onLink({ type: 'linkUp', peer }),
      onDisconnected: (peer: NodeId) => onLink({ type: 'linkDown', peer }),
    };
    this.#transport.start(handler).then(
      () => reply.ok(),
      (error: unknown) => reply.fail(error as Error),
    );
  }

  #onStop(reply: Reply): void {
    this.#transport
      .stop()
      .then(
        () => reply.ok(),
        (error: unknown) => reply.fail(error as Error),
      )
      .finally(() => this.#context.stop());
  }

  /** Tells the caller how the node stands, when that has changed. */
  #publishStatus(): void {
    const { role, term, leader, lastIndex, commitIndex, hasQuorum } = statusOf(this.#core);
    const connected = this.#peers.filter((peer) => this.#transport.isConnected(peer));
    const appliedIndex = this.#machineAppliedIndex;
    const key = `${role} ${term} ${leader} ${lastIndex} ${commitIndex} ${appliedIndex} ${hasQuorum} ${connected.join()}`;
    if (key === this.#lastStatus) return;
    const logBytes = this.#core.log.byteLength;
    const isTold = tellOrDrop(this.#caller, {
      type: 'nodeStatus',
      role,
      term,
      leader,
      lastIndex,
      commitIndex,
      appliedIndex,
      logBytes,
      connected,
      hasQuorum,
    });
    this.#lastStatus = isTold ? key : '';
  }
}

/**
 * Tells what may be lost, or is told again: a peer's message, for the peer sends again; a status, for there will be
 * another one; failed queries and news of links, at the next tick.
 * Returns whether the mailbox had room for it.
 */
function tellOrDrop<Message>(to: ActorRef<Message>, message: Message): boolean {
  try {
    to.tell(message);
    return true;
  } catch (error) {
    if (!(error instanceof ConclaveError) || error.code !== 'ERR_MAILBOX_FULL') throw error;
    return false;
  }
}
