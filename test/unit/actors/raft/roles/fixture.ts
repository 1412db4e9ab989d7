/**
 * Cores in a known role, without chance: the random numbers are all zero, so that every timeout is the minimal one and
 * sessions count from 1. Messages come from peers `b` and `c` unless a test says otherwise.
 */

import {
  configurationOf,
  majorityConfiguration,
  peersOf,
  type Configuration,
} from '../../../../../src/actors/raft/configuration.js';
import type { Effect, Store } from '../../../../../src/actors/raft/effects.js';
import { encodeEntryInto, entryBytes, EntryKind, type Content } from '../../../../../src/actors/raft/entry.js';
import type {
  AppendEntries,
  AppendEntriesReply,
  InstallSnapshot,
  LocalMessage,
  PeerMessage,
  RaftMessage,
} from '../../../../../src/actors/raft/messages.js';
import { RaftLog } from '../../../../../src/actors/raft/raft-log.js';
import { createCore, type Core, type Leader } from '../../../../../src/actors/raft/state.js';
import { step, takeEffects } from '../../../../../src/actors/raft/step.js';
import { groupId, incarnation, logIndex, nodeId, term, type Incarnation, type NodeId } from '../../../../../src/ids.js';
import { contentOf } from '../content.js';

export const A = nodeId('a');
export const B = nodeId('b');
export const C = nodeId('c');
export const D = nodeId('d');
export const GROUP = groupId(0);
export const MIN_MS = 100;
export const MAX_MS = 200;
export const HEARTBEAT_MS = 30;
/** When every core is created. */
export const START_MS = 1_000;
const WALL_MS = 5_000;

/** A voter, and the incarnation in which it counts; null: it does not. */
export type Admission = readonly [NodeId, Incarnation | null];

export interface Given {
  readonly codeVersionMax?: number;
  readonly autoCodeVersion?: boolean;
  /** The term of each entry of the log, from index 1. */
  readonly log?: readonly number[];
  readonly term?: number;
  readonly votedFor?: NodeId | null;
  readonly configuration?: Configuration;
  readonly self?: NodeId;
  /** What the log goes on from; by default a cluster that was founded by all voters, each in its first life. */
  readonly admissions?: readonly Admission[];
  /** What each node's incarnation is: its first life unless given. Null: not connected. */
  readonly lives?: Readonly<Record<string, number | null>>;
  readonly inflightMessagesMax?: number;
  /** Every random number. */
  readonly draw?: number;
}

/** `Omit` that keeps a union a union. */
type Without<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;
type Sent = Without<PeerMessage, 'group' | 'term' | 'from' | 'founders'> & {
  readonly term?: number;
  readonly from?: NodeId;
  /** None, unless given: whoever asks for a vote knows a cluster. */
  readonly founders?: Uint8Array;
};

export class Subject {
  readonly core: Core;
  nowMs = START_MS;
  wallMs = WALL_MS;

  constructor(given: Given = {}) {
    const log = new RaftLog();
    (given.log ?? []).forEach((each, i) => log.append(blockOf(i + 1), term(each), i));
    const { self = A, configuration = majorityConfiguration([A, B, C]), lives = {} } = given;
    this.core = createCore(
      {
        group: GROUP,
        self,
        incarnation: lifeOf(self, lives[self] ?? 1),
        configuration,
        electionTimeoutMs: [MIN_MS, MAX_MS],
        heartbeatMs: HEARTBEAT_MS,
        codeVersionMax: given.codeVersionMax ?? 0,
        autoCodeVersion: given.autoCodeVersion ?? false,
        random: { uint32: () => given.draw ?? 0 },
        limits: {
          inflightMessagesMax: given.inflightMessagesMax ?? 10,
          inflightBytesMax: 10_000,
          appendBytesMax: 1_000,
          submissionBytesInflightMax: 1_000,
        },
      },
      START_MS,
      {
        hardState: { term: term(given.term ?? log.lastTerm), votedFor: given.votedFor ?? null },
        log,
        configuration: foundedAs(configuration, given.admissions ?? firstLivesOf(configuration)),
      },
    );
    for (const peer of peersOf(configuration, self)) {
      const life = lives[peer] === undefined ? 1 : lives[peer];
      if (life !== null) this.connect(peer, life);
    }
  }

  get leader(): Leader {
    if (this.core.role.name !== 'leader') throw new Error(`is ${this.core.role.name}`);
    return this.core.role;
  }

  /** Takes messages of this node's shell, without a flush; returns the effects. */
  local(...messages: LocalMessage[]): Effect[] {
    return this.#take(messages);
  }

  /** A connection to a peer stands, which is in this life. */
  connect(peer: NodeId, life = 1, codeVersionMax = 0): Effect[] {
    return this.local({ type: 'peerConnected', peer, incarnation: lifeOf(peer, life), codeVersionMax });
  }

  /** Takes messages of peers, of the core's term unless they say otherwise, from `b` likewise. */
  peer(...messages: Sent[]): Effect[] {
    return this.#take(
      messages.map(
        (message) =>
          ({ group: GROUP, from: B, term: this.core.term, founders: new Uint8Array(0), ...message }) as PeerMessage,
      ),
    );
  }

  flush(): Effect[] {
    return this.local({ type: 'flush' });
  }

  /** Lets time pass, then ticks. */
  tick(afterMs: number): Effect[] {
    this.nowMs += afterMs;
    return this.local({ type: 'tick' });
  }

  /**
   * Carries out what would follow once everything in these effects is durable, as far as it concerns the node itself.
   */
  written(effects: readonly Effect[]): Effect[] {
    const news = storesOf(effects)
      .flatMap((store) => store.then)
      .flatMap((each) => (each.type === 'tellSelf' ? [each.message] : []));
    return this.#take(news);
  }

  /** Elected in the next term by `b` or others, with everything so far durable and the effects of it taken. */
  elect(by: readonly NodeId[] = [B]): this {
    this.tick(MAX_MS);
    if (this.core.role.name === 'preCandidate') {
      const campaignTerm = term(this.core.term + 1);
      for (const from of by) this.peer({ type: 'requestPreVoteReply', campaignTerm, voteGranted: true, from });
    }
    this.written(this.flush());
    if (this.core.role.name === 'candidate') {
      for (const from of by) this.peer({ type: 'requestVoteReply', voteGranted: true, from });
    }
    this.written(this.flush());
    this.flush();
    return this;
  }

  /** Elected, and `b` and `c` have everything and know it: nothing is under way, and a round has just been answered. */
  establish(): this {
    this.elect();
    this.acknowledge();
    this.tick(HEARTBEAT_MS);
    this.flush();
    this.acknowledge();
    return this;
  }

  /** `b` and `c` acknowledge everything, to the last round. */
  acknowledge(): Effect[] {
    this.peer(...[B, C].map((from) => this.ack(from, this.core.log.lastIndex)));
    return this.flush();
  }

  /** What `from` answers when it holds everything up to `matchIndex`, to the last round. */
  ack(from: NodeId, matchIndex: number, round = this.leader.round): Sent {
    const session = this.leader.peers.get(from)!.session;
    return { ...replyOf(session, round), from, success: true, matchIndex: logIndex(matchIndex) };
  }

  /** What `from` answers when it has something else, or nothing, at `refused`. */
  refusal(from: NodeId, refused: number, conflictIndex: number, conflictTerm: number): Sent {
    const reply = { ...replyOf(this.leader.peers.get(from)!.session, this.leader.round), from, success: false };
    return {
      ...reply,
      matchIndex: logIndex(refused),
      conflictIndex: logIndex(conflictIndex),
      conflictTerm: term(conflictTerm),
    };
  }

  #take(messages: readonly RaftMessage[]): Effect[] {
    for (const message of messages) step(this.core, message, this.nowMs, this.wallMs);
    return [...takeEffects(this.core)];
  }
}

/** A leader's message: entries of these terms behind `prevLogIndex`. */
export function append(
  prevLogIndex: number,
  prevLogTerm: number,
  terms: readonly number[] = [],
  more: { leaderCommit?: number; session?: number; round?: number; term?: number; from?: NodeId } = {},
): Omit<AppendEntries, 'group' | 'from' | 'term'> & { readonly term?: number; readonly from?: NodeId } {
  return {
    type: 'appendEntries',
    session: 1,
    round: 1,
    ...more,
    prevLogIndex: logIndex(prevLogIndex),
    prevLogTerm: term(prevLogTerm),
    leaderCommit: logIndex(more.leaderCommit ?? 0),
    entries: entriesOf(prevLogIndex + 1, terms),
  };
}

/** A leader's offer of a snapshot, whose last entry is of term 2. */
export function install(
  index: number,
  more: { term?: number; from?: NodeId; round?: number } = {},
): Without<InstallSnapshot, 'group' | 'from' | 'term'> & { readonly term?: number; readonly from?: NodeId } {
  return {
    type: 'installSnapshot',
    session: 1,
    round: 1,
    lastIncludedIndex: logIndex(index),
    lastIncludedTerm: term(2),
    lastIncludedTimestampMs: 100 * index,
    snapshotId: `up to ${index}`,
    snapshotBytes: 1_000,
    ...more,
  };
}

/** The binary form of entries of these terms, with the payloads that `Given.log` has at these places. */
export function entriesOf(firstIndex: number, terms: readonly number[]): Uint8Array {
  return encode(
    firstIndex,
    terms.map((each, i) => [blockOf(firstIndex + i), each]),
  );
}

/** The binary form of entries of these contents and terms. */
export function encode(firstIndex: number, entries: readonly (readonly [Content, term: number])[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, [{ payload }]) => sum + entryBytes(payload.length), 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  entries.forEach(([content, each], i) => {
    const index = logIndex(firstIndex + i);
    offset = encodeEntryInto(bytes, view, offset, content, term(each), index, index - 1);
  });
  return bytes;
}

/** This configuration with these admissions; null where there are none: nothing has been founded. */
export function foundedAs(configuration: Configuration, admissions: readonly Admission[]): Configuration | null {
  if (admissions.length === 0) return null;
  const admitted = [...new Map(admissions)].filter((each): each is [NodeId, Incarnation] => each[1] !== null);
  return configurationOf({ ...configuration, admitted: new Map(admitted) });
}

/** All voters as they were founded. */
export function firstLivesOf({ electors }: Configuration): Admission[] {
  return electors.map((id) => [id, lifeOf(id)]);
}

/** The incarnation of a node in its first life, or in another one. */
export function lifeOf(id: NodeId, life = 1): Incarnation {
  return incarnation(`${id}${life}`);
}

export function blockOf(value: number): Content {
  return contentOf(EntryKind.block, payloadOf(value));
}

export function payloadOf(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function termsOf(core: Core): number[] {
  return Array.from({ length: core.log.lastIndex }, (_, i) => core.log.termAt(logIndex(i + 1))!);
}

export function storesOf(effects: readonly Effect[]): Store[] {
  return effects.filter((effect) => effect.type === 'store');
}

/** The messages that may go out at once. */
export function sentOf(effects: readonly Effect[]): { to: NodeId; message: PeerMessage }[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [{ to: effect.to, message: effect.message }] : []));
}

/** The messages that go out once the disk has everything. */
export function sentLaterOf(effects: readonly Effect[]): { to: NodeId; message: PeerMessage }[] {
  return storesOf(effects)
    .flatMap((store) => store.then)
    .flatMap((each) => (each.type === 'send' ? [{ to: each.to, message: each.message }] : []));
}

function replyOf(
  session: number,
  round: number,
): Omit<AppendEntriesReply, 'group' | 'from' | 'term' | 'success' | 'matchIndex'> {
  return { type: 'appendEntriesReply', session, round, conflictIndex: logIndex(0), conflictTerm: term(0) };
}
