/**
 * Carries out a scenario: one command a line, and what it led to as lines of text. Nothing happens by itself: time
 * passes by `tick` and `wait`, messages arrive by `deliver`, and all random numbers are zero. The commands:
 *
 *   cluster [new] a b c [joiner j] [observer o] [window N] [bytes N] starts the nodes, connected, of a cluster that has
 *                                been founded or, if new, is yet to be; joiners belong to it when they are added;
 *                                limits the appendEntries under way to a peer, and the bytes in one lead NODE  
 *                                         campaigns, delivers everything, and one round of heartbeats more; shows
 *                                nothing of it wait MS                      time passes, unnoticed until a node ticks
 *                                or hears something tick NODE… [MS]              MS milliseconds pass, then these nodes
 *                                look at the clock campaign NODE                the node's election timeout passes,
 *                                then it ticks deliver [FROM>TO…]           messages arrive, and those sent in answer,
 *                                until none is left (on these ways only) one FROM>TO…                 of the messages
 *                                under way on each of these ways, the first arrives delay FROM>TO                the
 *                                messages under way on this way stay behind whatever follows them, until `stray` stray
 *                                FROM>TO                the first delayed one arrives, though its connection may be no
 *                                more: no transport does so drop FROM>TO… | all          messages under way are lost
 *                                double FROM>TO               the messages under way will arrive twice cut
 *                                NODE|FROM>TO…            nothing arrives any more to and from the node, or on this way
 *                                hold FROM>TO…                messages on this way stay under way; `heal` ends it, as
 *                                it ends `cut` heal                         every way is open again connect A B |
 *                                disconnect A B both are told of a new connection, or of the end of one submit NODE…,
 *                                read NODE ID [lease] [MS], transfer NODE [TARGET] add NODE MEMBER [for OLD] [known
 *                                INDEX] | remove NODE MEMBER [known INDEX] asks a node to have the members changed;
 *                                this was wanted first when so much of the log was known, or just now disk NODE
 *                                hold|write|go      the disk stops, finishes its first request, or goes on crash NODE,
 *                                compact NODE restart NODE                 comes back, connected as before; a node that
 *                                was wiped is new to the others, and must be connected to each wipe NODE [naively]  
 *                                    a node that is down loses its disk; naively: it will come back under its old
 *                                incarnation find NODE                    a node that is down gets back the disk that
 *                                it lost show [NODE…]                 how the nodes stand broken COMMAND  
 *                                carries out a command by which Raft's promises are broken; shows which, and ends the
 *                                story
 */

import { configurationOf, majorityConfiguration } from '../../src/actors/raft/configuration.js';
import type { Effect } from '../../src/actors/raft/effects.js';
import type { PeerMessage } from '../../src/actors/raft/messages.js';
import { logIndex, nodeId, type NodeId } from '../../src/ids.js';
import { HistoryChecker } from '../unit/actors/raft/cluster/history-checker.js';
import { incarnationOf, RaftNode, type NodeWorld } from '../unit/actors/raft/cluster/raft-node.js';
import { describeEntry, describeMessage } from './describe-message.js';

interface UnderWay {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PeerMessage;
  /** What its ends remembered, as it was sent: a node without its memory has other connections. */
  readonly fromMemory: number;
  readonly toMemory: number | undefined;
}

const ELECTION_TIMEOUT_MS = [100, 200] as const;
const HEARTBEAT_MS = 30;
const WALL_MS = 1_000_000;
/** A scenario in which messages never end would otherwise hang. */
const DELIVERIES_MAX = 500;

export class ScenarioRunner implements NodeWorld {
  readonly #nodes = new Map<NodeId, RaftNode>();
  readonly #checker = new HistoryChecker(this.#nodes);
  #underWay: UnderWay[] = [];
  readonly #delayed: UnderWay[] = [];
  readonly #cut = new Set<string>();
  readonly #held = new Set<string>();
  readonly #stoppedDisks = new Set<NodeId>();
  /** `at>of`: what one node was last told of the memory of another. */
  readonly #memories = new Map<string, number>();
  #lines: string[] = [];
  #nowMs = 1_000;
  #sessions = 0;
  #changes = 0;

  /** Carries out one command and returns what is to be shown for it. */
  run(command: string): readonly string[] {
    this.#lines = [];
    const [name = '', ...words] = command.split(/\s+/);
    const act = this.#commands[name];
    if (act === undefined) throw new Error(`unknown command: ${command}`);
    act(words);
    return this.#lines;
  }

  readonly #commands: Readonly<Record<string, (words: string[]) => void>> = {
    cluster: (words) => this.#start(words),
    lead: (words) => {
      this.run(`campaign ${words.join(' ')}`);
      this.run('deliver');
      this.run(`tick ${words.join(' ')} ${HEARTBEAT_MS}`);
      this.run('deliver');
      this.#lines = [];
    },
    wait: ([ms]) => void (this.#nowMs += Number(ms)),
    tick: (words) => {
      const ms = Number(words.at(-1));
      if (!Number.isNaN(ms)) this.#nowMs += ms;
      for (const id of Number.isNaN(ms) ? words : words.slice(0, -1)) this.#tick(this.#node(id));
    },
    campaign: ([id]) => {
      const node = this.#node(id);
      this.#nowMs = Math.max(this.#nowMs, node.running.electionDeadlineMs);
      this.#tick(node);
    },
    deliver: (ways) => this.#deliver(ways),
    one: (ways) => {
      for (const way of ways) {
        const at = this.#underWay.findIndex((each) => wayOf(each) === way);
        if (at === -1) throw new Error(`nothing is under way on ${way}`);
        this.#arrive(at);
      }
    },
    delay: ([way]) => {
      this.#delayed.push(...this.#underWay.filter((each) => wayOf(each) === way));
      this.#underWay = this.#underWay.filter((each) => wayOf(each) !== way);
    },
    stray: ([way]) => {
      const at = this.#delayed.findIndex((each) => wayOf(each) === way);
      this.#underWay.unshift(...this.#delayed.splice(at, 1));
      this.#arrive(0, true);
    },
    drop: (ways) => {
      this.#underWay = ways[0] === 'all' ? [] : this.#underWay.filter((each) => !ways.includes(wayOf(each)));
    },
    double: ([way]) => {
      this.#underWay = this.#underWay.flatMap((each) => (wayOf(each) === way ? [each, each] : [each]));
    },
    cut: (words) => {
      for (const word of words) for (const way of this.#waysOf(word)) this.#cut.add(way);
    },
    hold: (ways) => {
      for (const way of ways) this.#held.add(way);
    },
    heal: () => {
      this.#cut.clear();
      this.#held.clear();
    },
    connect: ([a, b]) => {
      const [one, other] = [this.#node(a), this.#node(b)];
      this.#tellConnected(one, other);
      this.#tellConnected(other, one);
      this.#settle(one);
      this.#settle(other);
    },
    disconnect: ([a, b]) => {
      const [one, other] = [this.#node(a), this.#node(b)];
      one.step({ type: 'peerDisconnected', peer: other.id });
      other.step({ type: 'peerDisconnected', peer: one.id });
      this.#settle(one);
      this.#settle(other);
    },
    submit: (ids) => {
      for (const id of new Set(ids)) {
        const node = this.#node(id);
        for (const each of ids) if (each === id) node.submit();
        this.#settle(node);
      }
    },
    read: ([id, readId, ...words]) => {
      const node = this.#node(id);
      const timeoutMs = Number(words.find((word) => word !== 'lease') ?? 1_000);
      node.step({ type: 'read', readId: Number(readId), lease: words.includes('lease'), timeoutMs });
      this.#settle(node);
    },
    transfer: ([id, target]) => {
      const node = this.#node(id);
      node.step({ type: 'transferLeadership', target: target === undefined ? null : nodeId(target) });
      this.#settle(node);
    },
    add: ([id, member, ...more]) => {
      const { for: old, known } = wordsAfter(more);
      this.#change(
        id,
        nodeId(member!),
        old === undefined ? null : nodeId(old),
        known === undefined ? undefined : Number(known),
      );
    },
    remove: ([id, member, ...more]) => {
      const { known } = wordsAfter(more);
      this.#change(id, null, nodeId(member!), known === undefined ? undefined : Number(known));
    },
    disk: ([id, what]) => this.#disk(this.#node(id), what),
    crash: ([id]) => this.#node(id).crash(),
    restart: ([id]) => {
      const node = this.#nodes.get(nodeId(id!))!;
      this.#setClock(node);
      node.start(++this.#sessions);
      for (const other of this.#nodes.values()) {
        if (other === node || other.core === null) continue;
        this.#tellConnected(node, other);
        if (!other.core.incarnations.has(node.id)) this.#tellConnected(other, node);
      }
    },
    wipe: ([id, how]) => this.#nodes.get(nodeId(id!))!.wipe(how === 'naively'),
    find: ([id]) => this.#nodes.get(nodeId(id!))!.find(),
    compact: ([id]) => {
      const node = this.#node(id);
      const isNew = node.compact(false);
      this.#lines.push(
        isNew ? `${id} has a snapshot up to ${node.disk.snapshotIndex}` : `${id} has nothing to compact`,
      );
    },
    broken: (words) => {
      let promise: string | null = null;
      try {
        this.run(words.join(' '));
      } catch (error) {
        promise = (error as Error).message;
      }
      if (promise === null) throw new Error('all promises were kept');
      this.#lines.push(`BROKEN ${promise}`);
    },
    show: (ids) => {
      for (const node of this.#nodes.values()) {
        if (ids.length === 0 || ids.includes(node.id)) this.#lines.push(describeNode(node));
      }
    },
  };

  send(node: RaftNode, to: NodeId, message: PeerMessage): void {
    this.#checker.sent(node, to, message);
    const toMemory = this.#memories.get(`${node.id}>${to}`);
    this.#underWay.push({ from: node.id, to, message, fromMemory: node.memory, toMemory });
  }

  stepped(node: RaftNode): void {
    this.#checker.stepped(node);
  }

  applied(node: RaftNode): void {
    this.#checker.applied(node);
  }

  emitted(node: RaftNode, effect: Exclude<Effect, { type: 'send' | 'store' }>): void {
    this.#lines.push(`${node.id}: ${describeEffect(effect)}`);
    if (effect.type === 'sendSnapshot') {
      const { to, session } = effect;
      this.send(node, to, node.offer(effect));
      node.step({ type: 'snapshotSent', peer: to, session });
    } else if (effect.type === 'fetchSnapshot') {
      const snapshot = this.#nodes.get(effect.from)!.disk.snapshotNamed(effect.snapshotId);
      if (snapshot !== null) node.disk.request({ type: 'install', snapshot });
    }
  }

  #start(words: string[]): void {
    const kinds = { voter: [] as NodeId[], joiner: [] as NodeId[], observer: [] as NodeId[] };
    const sizes = { window: 10, bytes: 1_000 };
    let isNew = false;
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if (word === 'new') isNew = true;
      else if (word === 'window' || word === 'bytes') sizes[word] = Number(words[++i]);
      else if (word === 'joiner' || word === 'observer') kinds[word].push(nodeId(words[++i]!));
      else kinds.voter.push(nodeId(word));
    }
    const configuration = majorityConfiguration(kinds.voter);
    const limits = {
      inflightMessagesMax: sizes.window,
      inflightBytesMax: 100_000,
      appendBytesMax: sizes.bytes,
      submissionBytesInflightMax: 100_000,
    };
    const admitted = new Map(kinds.voter.map((id) => [id, incarnationOf(id, 1)]));
    const founded = isNew ? null : configurationOf({ ...configuration, admitted });
    const times = { electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS };
    const settings = { configuration, limits, founded, ...times };
    for (const id of [...kinds.voter, ...kinds.joiner, ...kinds.observer]) {
      const node = new RaftNode(id, settings, { uint32: () => 0 }, this);
      if (kinds.joiner.includes(id)) node.joinOnly();
      this.#nodes.set(id, node);
      this.#setClock(node);
      node.start(++this.#sessions);
    }
    for (const node of this.#nodes.values()) {
      // Observers are connected when they want to be.
      if (kinds.observer.includes(node.id)) continue;
      for (const other of this.#nodes.values()) {
        if (other !== node && !kinds.observer.includes(other.id)) this.#tellConnected(node, other);
      }
    }
  }

  #change(id: string | undefined, add: NodeId | null, remove: NodeId | null, knownFrom: number | undefined): void {
    const node = this.#node(id);
    const knownIndex = knownFrom === undefined ? node.running.commitIndex : logIndex(knownFrom);
    node.step({ type: 'changeMembers', changeId: ++this.#changes, add, remove, knownIndex });
    this.#settle(node);
  }

  #tellConnected(at: RaftNode, { id: peer, incarnation, memory }: RaftNode): void {
    this.#memories.set(`${at.id}>${peer}`, memory);
    at.step({ type: 'peerConnected', peer, incarnation, codeVersionMax: 0 });
  }

  #tick(node: RaftNode): void {
    this.#setClock(node);
    node.step({ type: 'tick' });
    this.#settle(node);
  }

  #deliver(ways: readonly string[]): void {
    for (let count = 0; count < DELIVERIES_MAX; count++) {
      const at = this.#underWay.findIndex(
        (each) => !this.#held.has(wayOf(each)) && (ways.length === 0 || ways.includes(wayOf(each))),
      );
      if (at === -1) return;
      this.#arrive(at);
    }
    throw new Error('messages never end');
  }

  #arrive(at: number, isStray = false): void {
    const [{ from, to, message, fromMemory, toMemory }] = this.#underWay.splice(at, 1) as [UnderWay];
    const node = this.#nodes.get(to)!;
    const isConnected = node.memory === toMemory && this.#memories.get(`${to}>${from}`) === fromMemory;
    const isLost = this.#cut.has(`${from}>${to}`) || node.core === null || !(isConnected || isStray);
    this.#lines.push(`${from}>${to} ${describeMessage(message)}${isLost ? ' -- lost' : ''}`);
    if (isLost) return;
    this.#setClock(node);
    node.step(message);
    this.#settle(node);
  }

  #disk(node: RaftNode, what: string | undefined): void {
    if (what === 'hold') this.#stoppedDisks.add(node.id);
    else if (what === 'go') this.#stoppedDisks.delete(node.id);
    else node.syncNext();
    this.#settle(node);
  }

  /** Lets a node do all that it can do alone. */
  #settle(node: RaftNode): void {
    do node.flush();
    while (this.#write(node) || apply(node));
  }

  #write(node: RaftNode): boolean {
    if (this.#stoppedDisks.has(node.id)) return false;
    let hasWritten = false;
    while (node.syncNext()) hasWritten = true;
    return hasWritten;
  }

  #node(id: string | undefined): RaftNode {
    const node = this.#nodes.get(nodeId(id ?? ''));
    if (node === undefined || node.core === null) throw new Error(`there is no running node ${id}`);
    this.#setClock(node);
    return node;
  }

  #setClock(node: RaftNode): void {
    node.setClock(this.#nowMs, WALL_MS);
  }

  #waysOf(word: string): string[] {
    if (word.includes('>')) return [word];
    return [...this.#nodes.keys()].flatMap((other) => [`${word}>${other}`, `${other}>${word}`]);
  }
}

/** Each word that names something, with the one behind it. */
function wordsAfter(words: readonly string[]): Partial<Record<string, string>> {
  return Object.fromEntries(words.map((word, i) => [word, words[i + 1]]));
}

function apply(node: RaftNode): boolean {
  if (node.machine.appliedIndex === node.running.commitIndex) return false;
  node.apply();
  return true;
}

function wayOf({ from, to }: UnderWay): string {
  return `${from}>${to}`;
}

function describeEffect(effect: Exclude<Effect, { type: 'send' | 'store' }>): string {
  switch (effect.type) {
    case 'commit':
      return `committed ${effect.index}`;
    case 'readReady':
      return `read ${effect.readIds.join()} may run at ${effect.index}`;
    case 'readFailed':
      return `read ${effect.readIds.join()} failed`;
    case 'roleChanged':
      return `${effect.role} in t${effect.term}, leader ${effect.leader ?? 'unknown'}`;
    case 'transferEnded':
      return `transfer ${effect.error === null ? 'done' : `failed, ${effect.error}`}`;
    case 'changeAnswered':
      return `change ${effect.changeId} ${effect.refusal === null ? 'begun' : `refused, ${effect.refusal}`}`;
    case 'versionAnswered':
      return `version ${effect.refusal === null ? 'begun' : `refused, ${effect.refusal.reason}`}`;
    case 'removed':
      return 'is a member no more';
    case 'meet':
      return `is to meet ${effect.members.join(' ')}`;
    case 'foundersDiffer':
      return `would not found a cluster of ${effect.founders}, as ${effect.from} would`;
    case 'sendSnapshot':
      return `offers ${effect.to} a snapshot`;
    case 'fetchSnapshot':
      return `fetches the snapshot up to ${effect.lastIncluded.index}/${effect.lastIncluded.term}`;
  }
}

function describeNode(node: RaftNode): string {
  const { id, core, machine, disk } = node;
  if (core === null) return `${id}: down, disk up to ${disk.lastIndex}/${disk.termAt(disk.lastIndex)}`;
  const { role, term, leader, log, commitIndex } = core;
  const entries: string[] =
    log.firstIndex === 1 ? [] : [`…${log.firstIndex - 1}/${log.termAt(logIndex(log.firstIndex - 1))}`];
  for (let index: number = log.firstIndex; index <= log.lastIndex; index++) {
    entries.push(describeEntry(log.entry(logIndex(index))));
  }
  const shown = entries.length === 0 ? 'empty' : entries.join(' ');
  return `${id}: ${role.name} in t${term}, leader ${leader ?? 'unknown'}, log ${shown}, commit ${commitIndex}, ${machine.count} commands`;
}
