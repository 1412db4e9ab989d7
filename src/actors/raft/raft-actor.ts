/**
 * The shell of the consensus core, on the consensus thread (or inline): turns messages of threads and network into
 * steps of the core, and carries out the effects that come back. It decides nothing about consensus; everything impure
 * that the core must not touch is here or behind a port.
 */

import type { Actor, ActorAddress, ActorContext, ActorRef, Reply } from '../../runtime/actor.js';
import { assert } from '../../assert.js';
import { ConclaveError } from '../../errors.js';
import { logIndex, nodeId, type Incarnation, type LogIndex, type NodeId, type SessionId } from '../../ids.js';
import type { Transport } from '../../net/transport.js';
import type { CallerMessage, NodeStatus, ShellStatus } from '../replicated/caller-messages.js';
import type { MachineMessage } from '../replicated/machine-messages.js';
import { changeRefused } from './change-refused.js';
import type {
  ChangeAnswered,
  Effect,
  FoundersDiffer,
  RoleChanged,
  Store,
  TransferEnded,
  VersionAnswered,
} from './effects.js';
import { EntryKind, type Content } from './entry.js';
import type { LogStore } from './log-store.js';
import { MachineFeeds } from './machine-feeds.js';
import type { LocalMessage, PeerMessage, TransferMessage } from './messages.js';
import type {
  ChangeMembersRequest,
  LinkDown,
  LinkUp,
  MachineApplied,
  MachineReady,
  RaftActorMessage,
  RaftFigures,
  ReadBlock,
  SnapshotTaken,
  SetCodeVersionRequest,
  SubmitBlock,
} from './raft-actor-messages.js';
import { isMember, membersOf, peersOf, type Configuration } from './configuration.js';
import { decodeConfiguration } from './configuration-entry.js';
import { isSameStatus } from './same-status.js';
import { SnapshotDesk } from './snapshot-desk.js';
import type { RaftWitness } from './raft-witness.js';
import { createCore, type Core, type CoreOptions, type Recovered } from './state.js';
import { forgetfulVoters } from './admitting.js';
import { statusOf } from './status.js';
import { step, takeEffects } from './step.js';
import { StoredLog } from './stored-log.js';
import { SubmissionQueue } from './submission-queue.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';
import { versionRefused } from './version-refused.js';

export interface RaftActorOptions {
  readonly core: Omit<CoreOptions, 'random'>;
  /** Whom to be connected to while no leader is known, besides those who are members. */
  readonly peers: readonly NodeId[];
  /** What the node has found on its disk. */
  readonly recovered?: Recovered;
  /** The newest snapshot that it has found there; null: none. */
  readonly snapshot: SnapshotTaken | null;
  /** The entry that opens this node's session. */
  readonly sessionContent: Content;
  readonly transport: Transport;
  readonly logStore: LogStore;
  /** By their numbers. */
  readonly machines: readonly ActorAddress[];
  readonly caller: ActorAddress;
  readonly snapshotter: ActorAddress;
  readonly tickMs: number;
  /** How many bytes of committed entries may be on their way to each machine; the rest waits in the log. */
  readonly applyBytesMax: number;
  readonly witness?: RaftWitness;
}

/** Past this, a leader whose own disk is slower than its followers' takes in nothing new until it has caught up. */
const UNSTORED_BYTES_MAX = 64 * 1024 * 1024;
/** The same for requests, however small: well below what the mailbox holds of whoever carries them out. */
const STORING_MAX = 4_096;
/** Of so many it is remembered that their founders have been told. */
const OTHER_FOUNDERS_MAX = 64;

/** What a machine, by its number, is to be told. */
interface ToMachine {
  readonly machine: number;
  readonly message: MachineMessage;
  readonly transfer: readonly ArrayBuffer[];
}

export class RaftActor implements Actor<RaftActorMessage> {
  readonly #context: ActorContext<RaftActorMessage>;
  readonly #options: RaftActorOptions;
  readonly #core: Core;
  /** Whom the transport was told to be connected to: the peers in this one. */
  #configuration: Configuration;
  #peers: readonly NodeId[] = [];
  /** Who are said to be members: by the options, or by one who knows better. */
  #acquaintances: readonly NodeId[];
  readonly #transport: Transport;
  readonly #machines: readonly ActorRef<MachineMessage>[];
  readonly #caller: ActorRef<CallerMessage>;
  readonly #feeds: MachineFeeds;
  readonly #stored: StoredLog;
  readonly #snapshots: SnapshotDesk;
  readonly #submissions = new SubmissionQueue();
  /** Blocks of queries that wait for consensus to say that reading is safe. */
  readonly #reads = new Map<number, Pick<ReadBlock, 'machine' | 'block'>>();
  /** The transfer of leadership that somebody waits for. */
  #transfer: Reply | null = null;
  /** The latest session of this node that its objects have reported. */
  #session: SessionId | null = null;
  /** As the core has last announced it. */
  #commitIndex = logIndex(0);
  /** What the network said of a peer while the mailbox was full; the last word counts. */
  readonly #missedLinks = new Map<NodeId, LinkUp | LinkDown>();
  /** Changes of members that somebody has asked for, until the core answers. */
  readonly #changes = new Map<number, { readonly wanted: ChangeMembersRequest; readonly reply: Reply }>();
  /** The code versions that somebody has asked for, until the core answers. */
  readonly #raises = new Map<number, { readonly version: number; readonly reply: Reply }>();
  #lastChangeId = 0;
  /** Was this node a member, and is it none any more? */
  #isRemoved = false;
  /** As the caller was last told; null: it is to be told in any case. */
  #lastStatus: NodeStatus | null = null;
  #nowMs = 0;
  #lastTickMs: number;
  #isMemoryLossTold = false;
  #electionsStarted = 0;
  #electionsWon = 0;
  #leaderChanges = 0;
  /** The last one that was recognised. */
  #lastLeader: { readonly id: NodeId; readonly term: number } = { id: nodeId(''), term: 0 };
  /** With whom others would found a cluster, as has been told. */
  readonly #otherFounders = new Map<NodeId, string>();
  #isTickSkipped = false;
  /** Has this actor told itself to go on reading the log for the Snapshotter? */
  #isReadingOn = false;
  /** What machines have not been told, because their mailboxes were full. */
  readonly #toMachines: ToMachine[] = [];
  /** Queries whose failure the caller has not been told, because its mailbox was full. */
  #failedQueries: number[] = [];

  constructor(context: ActorContext<RaftActorMessage>, options: RaftActorOptions) {
    this.#context = context;
    this.#options = options;
    this.#transport = options.transport;
    this.#machines = options.machines.map((machine) => context.ref(machine));
    this.#caller = context.ref(options.caller);
    this.#feeds = new MachineFeeds(this.#machines, options.applyBytesMax);
    this.#nowMs = context.clock.nowMs();
    this.#lastTickMs = this.#nowMs;
    this.#core = createCore({ ...options.core, random: context.random }, this.#nowMs, options.recovered);
    this.#commitIndex = this.#core.commitIndex;
    this.#configuration = this.#core.configurations.current;
    this.#acquaintances = options.peers;
    this.#meetPeers();
    this.#tellOfOtherOptions();
    this.#stored = new StoredLog(this.#core.log.lastIndex);
    this.#snapshots = new SnapshotDesk(
      this.#core,
      this.#feeds,
      this.#stored,
      this.#transport,
      context.ref(options.snapshotter),
      options.snapshot,
    );
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
        this.#lastStatus = null;
        return this.#submit(0, 0, this.#options.sessionContent);
      case 'machineReady':
        return this.#onMachineReady(message);
      case 'linkUp':
      case 'linkDown':
        return this.#onLink(message);
      case 'handOver':
        return this.#onHandOver(message.target, reply);
      case 'changeMembers':
        return this.#onChangeMembers(message, reply);
      case 'setCodeVersion':
        return this.#onSetCodeVersion(message, reply);
      case 'logStored':
        return this.#options.logStore.onStored(message.request);
      case 'snapshotTaken':
        return this.#snapshots.taken(message);
      case 'readLog':
        this.#snapshots.startReading(message);
        if (!this.#isReadingOn) this.#readOn();
        return;
      case 'readOn':
        return this.#readOn();
      case 'sendTransfer':
        return this.#transport.send(message.to, message.message);
      case 'snapshotRequest':
      case 'snapshotPiece':
        return this.#snapshots.received(message);
      case 'measure':
        return reply.ok(this.#figures());
      case 'start':
        return this.#onStart(reply);
      case 'stop':
        return this.#onStop(reply);
      default:
        return this.#onPeerMessage(message);
    }
  }

  drained(): void {
    this.#noteStorageLag();
    do this.#step({ type: 'flush' });
    while (this.#carryOut());
    if (this.#core.configurations.current !== this.#configuration) this.#onConfiguration();
    this.#feeds.feed(this.#core.log, this.#commitIndex);
    this.#transport.flush();
  }

  stopped(): void {
    this.#transport.stop().catch((error: unknown) => {
      this.#context.logger.warn({ error }, 'the transport did not stop cleanly');
    });
  }

  #onConfiguration(): void {
    this.#configuration = this.#core.configurations.current;
    if (isMember(this.#configuration, this.#options.core.self)) this.#isRemoved = false;
    const members = membersOf(this.#configuration);
    this.#context.logger.info({ members }, 'members changed');
    this.#snapshots.tellPlace(members);
    this.#meetPeers();
    this.#publishStatus();
  }

  /** A node that follows no leader is connected to whoever may know one, too: what its log says may be of old. */
  #meetPeers(): void {
    const { self } = this.#options.core;
    this.#peers = peersOf(this.#configuration, self);
    const { configurations, leader } = this.#core;
    const isInformed = leader !== null && configurations.isFounded;
    const others = isInformed ? [] : this.#acquaintances.filter((id) => id !== self);
    this.#transport.setPeers([...new Set([...this.#peers, ...others])]);
  }

  /** Options say who the members are only until there is a cluster; people may think otherwise. */
  #tellOfOtherOptions(): void {
    const { configurations } = this.#core;
    const given = membersOf(this.#options.core.configuration).toSorted();
    const members = membersOf(configurations.current).toSorted();
    if (!configurations.isFounded || given.length === 0 || given.join() === members.join()) return;
    this.#context.logger.warn(
      { given, members },
      'self and peers are not the members of the cluster, which are in effect',
    );
  }

  #noteStorageLag(): void {
    const isBehind = this.#options.logStore.unstoredBytes > UNSTORED_BYTES_MAX || this.#stored.pending > STORING_MAX;
    if (isBehind !== (this.#core.storageBehindSinceMs !== null)) this.#step({ type: 'storageLag', isBehind });
  }

  #step(message: LocalMessage | PeerMessage): void {
    if (message.type !== 'flush') this.#nowMs = this.#context.clock.nowMs();
    step(this.#core, message, this.#nowMs, this.#context.clock.wallMs());
    this.#options.witness?.stepped(this.#core, message);
  }

  /** Carries out what the core wants done. Returns whether the core has been told something new by it. */
  #carryOut(): boolean {
    const effects = takeEffects(this.#core);
    for (const effect of effects) this.#perform(effect);
    return effects.length > 0;
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        return this.#transport.send(effect.to, effect.message);
      case 'store':
        this.#stored.requested(effect);
        return this.#options.logStore.store(effect, this.#onWritten);
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
        this.#noteRole(effect);
        this.#meetPeers();
        return this.#publishStatus();
      case 'transferEnded':
        return this.#onTransferEnded(effect);
      case 'changeAnswered':
        return this.#onChangeAnswered(effect);
      case 'versionAnswered':
        return this.#onVersionAnswered(effect);
      case 'removed':
        this.#isRemoved = true;
        this.#context.logger.warn({}, 'this node is a member of the cluster no more');
        return this.#publishStatus();
      case 'meet':
        // Whoever said so may be behind the times: those of the options are never given up for it.
        this.#acquaintances = [...this.#options.peers, ...effect.members];
        return this.#meetPeers();
      case 'foundersDiffer':
        return this.#tellFoundersDiffer(effect);
      case 'sendSnapshot':
        this.#snapshots.offer(effect);
        // The rest is the follower's to ask for.
        return this.#step({ type: 'snapshotSent', peer: effect.to, session: effect.session });
      case 'fetchSnapshot':
        return this.#snapshots.fetch(effect);
    }
  }

  #noteRole({ role, term, leader }: RoleChanged): void {
    this.#context.logger.info({ role, term, leader }, 'role changed');
    if (role === 'candidate') this.#electionsStarted++;
    if (role === 'leader') this.#electionsWon++;
    if (leader === null || (leader === this.#lastLeader.id && term === this.#lastLeader.term)) return;
    this.#lastLeader = { id: leader, term };
    this.#leaderChanges++;
  }

  #figures(): RaftFigures {
    return {
      electionsStarted: this.#electionsStarted,
      electionsWon: this.#electionsWon,
      leaderChanges: this.#leaderChanges,
      blocksRetried: this.#core.submissions.resent,
      unstoredBytes: this.#options.logStore.unstoredBytes,
    };
  }

  readonly #onWritten = (request: Store): void => {
    this.#stored.written(request);
    for (const effect of request.then) {
      if (effect.type === 'send') this.#transport.send(effect.to, effect.message);
      else this.#step(effect.message);
    }
  };

  #onTick(): void {
    // Behind whatever came before them.
    for (const message of this.#missedLinks.values()) {
      if (tellOrDrop(this.#context.self, message)) this.#missedLinks.delete(message.peer);
    }
    const nowMs = this.#context.clock.nowMs();
    const isLate = nowMs - this.#lastTickMs > this.#options.core.electionTimeoutMs[0] / 2;
    this.#lastTickMs = nowMs;
    // A thread that has stood still has news of others waiting: those first, before it is judged how long they were
    // silent. Never twice in a row, for a thread may be late for good.
    this.#isTickSkipped = isLate && !this.#isTickSkipped;
    if (!this.#isTickSkipped) this.#step({ type: 'tick' });
    this.#tellFailedQueries();
    for (const told of this.#toMachines.splice(0)) this.#tellMachine(told);
    if (!this.#isReadingOn) this.#readOn();
    this.#snapshots.dropLog();
    this.#snapshots.tellProgress();
    this.#publishStatus();
  }

  /** Tells what cannot be told now at the next tick. */
  #tellFailedQueries(): void {
    if (this.#failedQueries.length === 0) return;
    if (tellOrDrop(this.#caller, { type: 'queriesFailed', queryIds: this.#failedQueries })) this.#failedQueries = [];
  }

  #onLink(message: LinkUp | LinkDown): void {
    const { peer } = message;
    if (message.type === 'linkDown') return this.#step({ type: 'peerDisconnected', peer });
    const { incarnation, codeVersionMax } = message;
    this.#step({ type: 'peerConnected', peer, incarnation, codeVersionMax });
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
    const { session, firstSeq, block, crc } = message;
    this.#submit(session, firstSeq, { kind: EntryKind.block, payload: new Uint8Array(block), crc });
  }

  #submit(session: SessionId | 0, firstSeq: number, content: Content): void {
    this.#submissions.push(session, firstSeq);
    this.#step({ type: 'submit', content });
  }

  #onReadBlock({ machine, queryId, lease, timeoutMs, block }: ReadBlock): void {
    this.#reads.set(queryId, { machine, block });
    this.#step({ type: 'read', readId: queryId, lease, timeoutMs });
  }

  #runRead(queryId: number, index: LogIndex): void {
    const read = this.#reads.get(queryId);
    if (read === undefined) return;
    this.#reads.delete(queryId);
    const { machine, block } = read;
    this.#tellMachine({ machine, message: { type: 'runQueries', queryId, index, block }, transfer: [block] });
  }

  /** Tells what cannot be told now at the next tick. */
  #tellMachine(told: ToMachine): void {
    const { machine, message, transfer } = told;
    if (!tellOrDrop(this.#machines[machine]!, message, transfer)) this.#toMachines.push(told);
  }

  #onMachineReady(message: MachineReady): void {
    const { machine, machineId, snapshot, session, nextSeq } = message;
    const index = snapshot?.lastIncluded.index ?? logIndex(0);
    if (index + 1 < this.#core.log.firstIndex) {
      // A newer one was taken while they loaded this one.
      this.#tellMachine({ machine, message: { type: 'reload', machineId }, transfer: [] });
      return;
    }
    this.#feeds.start(message);
    this.#noteInstalled();
    // A session that was opened before the snapshot was taken, and is not in it, is no more.
    const isExpired = this.#session !== null && this.#session <= index && this.#session !== session;
    this.#letGo(session, nextSeq, isExpired ? this.#session : null);
  }

  /** When all objects hold more than this node knows to be committed, a snapshot has taken the place of the log. */
  #noteInstalled(): void {
    const { appliedIndex, slowestBase: snapshot } = this.#feeds;
    if (appliedIndex <= this.#core.commitIndex) return;
    assert(snapshot?.lastIncluded.index === appliedIndex, 'only a snapshot holds what is not known to be committed');
    const { lastIncluded, configuration } = snapshot;
    this.#step({
      type: 'snapshotInstalled',
      lastIncluded,
      configuration: configuration === null ? null : decodeConfiguration(configuration),
    });
    this.#commitIndex = logIndex(Math.max(this.#commitIndex, appliedIndex));
  }

  #onMachineApplied(message: MachineApplied): void {
    const reported = this.#feeds.applied(message);
    if (reported === 'ignored') return;
    const { appliedIndex: index, codeVersion: version } = this.#feeds;
    if (version > this.#core.codeVersion) this.#step({ type: 'codeVersionApplied', version });
    this.#step({ type: 'applied', index });
    this.#letGo(message.session, message.nextSeq, message.expired);
    // Sent again once for each time, not once for each machine.
    if (message.gap && reported === 'news') this.#step({ type: 'submissionsRefused' });
  }

  /** Lets go of the submissions that the objects are done with. */
  #letGo(session: SessionId | null, nextSeq: number, expired: SessionId | null): void {
    // Objects that start anew go through old sessions again.
    if (session !== null && session > (this.#session ?? 0)) this.#session = session;
    const count = this.#submissions.takeDone(session, nextSeq, expired);
    if (count > 0) this.#step({ type: 'submissionsApplied', count });
  }

  /** What there is no room for is read on at the next tick. */
  #readOn(): void {
    this.#isReadingOn = this.#snapshots.readOn() && tellOrDrop(this.#context.self, { type: 'readOn' });
  }

  #onHandOver(target: NodeId | null, reply: Reply): void {
    if (this.#transfer !== null) {
      reply.fail(new ConclaveError('ERR_TRANSFER_FAILED', 'Another transfer of leadership is under way.'));
      return;
    }
    this.#transfer = reply;
    this.#step({ type: 'transferLeadership', target });
  }

  #onChangeMembers(wanted: ChangeMembersRequest, reply: Reply): void {
    const { add, remove, knownIndex } = wanted;
    const changeId = ++this.#lastChangeId;
    this.#changes.set(changeId, { wanted, reply });
    this.#step({ type: 'changeMembers', changeId, add, remove, knownIndex });
  }

  /** What has been begun is seen to come about by whoever has asked. */
  #onChangeAnswered({ changeId, refusal, index }: ChangeAnswered): void {
    const change = this.#changes.get(changeId);
    this.#changes.delete(changeId);
    if (refusal === null) change?.reply.ok(index);
    else change?.reply.fail(changeRefused({ refusal, index }, change.wanted));
  }

  #onSetCodeVersion({ version }: SetCodeVersionRequest, reply: Reply): void {
    const changeId = ++this.#lastChangeId;
    this.#raises.set(changeId, { version, reply });
    this.#step({ type: 'setCodeVersion', changeId, version });
  }

  #onVersionAnswered({ changeId, refusal }: VersionAnswered): void {
    const { version, reply } = this.#raises.get(changeId)!;
    this.#raises.delete(changeId);
    if (refusal === null) reply.ok();
    else reply.fail(versionRefused(version, refusal));
  }

  #onTransferEnded(effect: TransferEnded): void {
    const reply = this.#transfer;
    this.#transfer = null;
    if (effect.error === null) reply?.ok();
    else if (effect.error === 'no leader') {
      reply?.fail(new ConclaveError('ERR_NO_LEADER', 'There is no leader to hand leadership over.'));
    } else {
      const reason = effect.error === 'no such voter' ? 'there is no other member that could lead now' : effect.error;
      reply?.fail(
        new ConclaveError('ERR_TRANSFER_FAILED', `Leadership was not handed over: ${reason}.`, {
          data: { reason: effect.error },
        }),
      );
    }
  }

  #onStart(reply: Reply): void {
    if (this.#core.configurations.isFounded) this.#snapshots.tellPlace(membersOf(this.#configuration));
    const { self } = this.#context;
    const onLink = (message: LinkUp | LinkDown): void => {
      // Never before what was missed earlier.
      const isBehind = this.#missedLinks.has(message.peer);
      if (isBehind || !tellOrDrop(self, message)) this.#missedLinks.set(message.peer, message);
    };
    const handler = {
      // What comes from a peer whose connection is not known yet might be taken for its former incarnation's.
      onMessage: (message: PeerMessage | TransferMessage) =>
        this.#missedLinks.has(message.from) || tellOrDrop(self, message),
      onConnected: (peer: NodeId, incarnation: Incarnation, codeVersionMax: number) =>
        onLink({ type: 'linkUp', peer, incarnation, codeVersionMax }),
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
    const status = statusOf(this.#core);
    this.#noteMemoryLoss(status.isMemoryLost);
    const shell: ShellStatus = {
      appliedIndex: this.#feeds.appliedIndex,
      snapshotIndex: this.#snapshots.newestIndex,
      connected: this.#peers.filter((peer) => this.#transport.isConnected(peer)),
      isRemoved: this.#isRemoved,
    };
    const [contactMs] = this.#options.core.electionTimeoutMs;
    if (this.#lastStatus !== null && isSameStatus(status, shell, this.#lastStatus, contactMs)) return;
    const news: NodeStatus = { type: 'nodeStatus', ...status, ...shell, logBytes: this.#core.log.byteLength };
    this.#lastStatus = tellOrDrop(this.#caller, news) ? news : null;
  }

  /** Once for each: nothing but people can mend it. */
  #tellFoundersDiffer({ from, founders }: FoundersDiffer): void {
    if (this.#otherFounders.get(from) === founders) return;
    if (this.#otherFounders.size >= OTHER_FOUNDERS_MAX) this.#otherFounders.clear();
    this.#otherFounders.set(from, founders);
    const own = this.#options.core.configuration.voters.toSorted().join(', ');
    this.#context.logger.error(
      { peer: from, theirs: founders, own },
      'another node would found a cluster with other members than this one, and so neither will: self and peers must name ' +
        'the same nodes everywhere',
    );
  }

  /** Once each time: nothing but people can mend it, and what they have mended may break again. */
  #noteMemoryLoss(isLost: boolean): void {
    const isNews = isLost && !this.#isMemoryLossTold;
    this.#isMemoryLossTold = isLost;
    if (!isNews) return;
    this.#context.logger.error(
      { members: forgetfulVoters(this.#core) },
      'this node remembers a cluster, and too many of the others have lost their memory for there to be a leader again; ' +
        'docs/durability.md says what can be done',
    );
  }
}
