/** What tests of checkers have in common: nodes that the checkers look at, and what these say to each other. */

import type { StoreLog } from '../../../../src/actors/log-store/log-store-messages.js';
import { configurationOf, majorityConfiguration } from '../../../../src/actors/raft/configuration.js';
import { encodeConfiguration } from '../../../../src/actors/raft/configuration-entry.js';
import type { AppendEntriesReply, PeerMessage, RaftMessage } from '../../../../src/actors/raft/messages.js';
import { groupId, logIndex, term, type Incarnation, type NodeId } from '../../../../src/ids.js';
import type { NodePlace } from '../../../../src/testing/simulation/checkers/checker.js';
import { StatedConfiguration } from '../../../../src/testing/simulation/checkers/stated-configuration.js';
import { ClusterCheckers } from '../../../../src/testing/simulation/cluster-checkers.js';
import { Coverage } from '../../../../src/testing/simulation/coverage.js';
import type { NodeWitness } from '../../../../src/testing/simulation/simulated-node.js';
import { StepCounter } from '../../../../src/testing/simulation/step-counter.js';
import { Violations } from '../../../../src/testing/simulation/violations.js';
import { A, B, C, entriesOf, lifeOf, Subject, type Given } from '../../actors/raft/roles/fixture.js';

const GROUP = groupId(0);
export const TICK = { type: 'tick' } as const;
const FIRST_LIVES = [A, B, C].map((id) => [id, lifeOf(id)] as const);

/** Three nodes that the checkers look at, with logs and disks as a test says. */
export class Scene {
  /** True time. */
  nowMs = 0;
  readonly violations = new Violations(() => this.nowMs);
  readonly checkers: ClusterCheckers;
  readonly #witnesses = new Map<NodeId, NodeWitness>();
  #requests = 0;

  /** The logs go on from a cluster of these. */
  constructor(admitted: readonly (readonly [NodeId, Incarnation])[] = FIRST_LIVES) {
    const founded = configurationOf({ ...majorityConfiguration([A, B, C]), admitted: new Map(admitted) });
    const steps = new StepCounter(new Coverage(), null);
    const stated = new StatedConfiguration(encodeConfiguration(founded));
    this.checkers = new ClusterCheckers(this.violations, steps, 1, stated);
  }

  /** The promise that was found broken; null: none. */
  get broken(): string | null {
    return this.violations.first?.promise ?? null;
  }

  /** A node begins a life, and its disk was found to hold nothing. */
  start(id: NodeId, given: Given = {}, place: NodePlace | null = null): Subject {
    const witness = this.checkers.witnessOf(id, place);
    this.#witnesses.set(id, witness);
    witness.opened!(lifeOf(id));
    witness.logStore!.recovered({
      hardState: null,
      base: { index: logIndex(0), term: term(0), timestampMs: 0 },
      pieces: [],
    });
    const subject = new Subject({ self: id, ...given });
    this.stepped(id, subject);
    return subject;
  }

  stepped(id: NodeId, { core }: Subject, message: RaftMessage = TICK): void {
    this.#witnesses.get(id)!.raft!.stepped(core, message);
  }

  /** The disk of `id` has these for good. */
  stored(id: NodeId, request: Partial<Pick<StoreLog, 'hardState' | 'append'>>): void {
    this.#requests += 1;
    this.#witnesses.get(id)!.logStore!.stored({
      type: 'storeLog',
      group: GROUP,
      request: this.#requests,
      hardState: null,
      reset: null,
      append: null,
      ...request,
    });
  }

  storedEntries(id: NodeId, firstIndex: number, terms: readonly number[]): void {
    const entries = entriesOf(firstIndex, terms).slice().buffer;
    const lastIndex = logIndex(firstIndex + terms.length - 1);
    this.stored(id, { append: { firstIndex: logIndex(firstIndex), lastIndex, entries } });
  }

  storedTerm(id: NodeId, inTerm: number, votedFor: NodeId | null = null): void {
    this.stored(id, { hardState: { term: term(inTerm), votedFor } });
  }

  sent(from: NodeId, to: NodeId, message: Omit<PeerMessage, 'group' | 'from'>): void {
    this.checkers.sent(from, to, { group: GROUP, from, ...message } as PeerMessage);
  }

  votes(from: NodeId, to: NodeId, inTerm: number): void {
    this.sent(from, to, { type: 'requestVoteReply', term: term(inTerm), voteGranted: true } as never);
  }
}

export const acknowledgement = (matchIndex: number, inTerm: number): Omit<AppendEntriesReply, 'group' | 'from'> => ({
  type: 'appendEntriesReply',
  term: term(inTerm),
  session: 1,
  round: 1,
  success: true,
  matchIndex: logIndex(matchIndex),
  conflictIndex: logIndex(0),
  conflictTerm: term(0),
});

/** What `b` has sent when it leads term 1: the first entries of the log, in a tracking with the number 1. */
export const appended = (terms: readonly number[]): RaftMessage => ({
  type: 'appendEntries',
  group: GROUP,
  from: B,
  term: term(1),
  session: 1,
  round: 1,
  prevLogIndex: logIndex(0),
  prevLogTerm: term(0),
  leaderCommit: logIndex(0),
  entries: entriesOf(1, terms),
});
