/**
 * A read is answered by a leader only once a quorum has answered a round that was begun after the read was made (Raft
 * thesis §6.4), or within the lease that the last such round has given (§6.4.1): no longer than until the fastest clock
 * lets a voter vote for another one, and not once another one was told to campaign at once. Takes the answers from what
 * was sent.
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core, Leader } from '../../../actors/raft/state.js';
import type { NodeId } from '../../../ids.js';
import type { NodeMessage } from '../../../net/transport.js';
import type { Checker, CheckerContext, ObservedNode } from './checker.js';
import { CLOCK_RATE_MAX } from './clocks.js';

/** When something has happened: in which step of all that there were, and when, by true time. */
interface Moment {
  readonly step: number;
  readonly atMs: number;
}

interface KnownLeader {
  readonly role: Leader;
  readonly term: number;
  /** When each round was begun that is not confirmed yet. */
  readonly rounds: Map<number, Moment>;
  round: number;
  quorumRound: number;
  /** When the last confirmed round was begun. */
  confirmed: Moment;
  lastIndex: number;
  /** Another one was told to campaign at once. */
  hasHandedOver: boolean;
}

interface MadeRead {
  readonly step: number;
  readonly lease: boolean;
}

export class ConfirmedRounds implements Checker {
  readonly #context: CheckerContext;
  readonly #leaders = new Map<ObservedNode, KnownLeader>();
  /** Of the present life of each node, by read, or by who has asked for it and its question. */
  readonly #reads = new Map<ObservedNode, Map<string, MadeRead>>();
  /** By term and leader: which round each voter has answered last, by its name and incarnation. */
  readonly #answers = new Map<string, Map<string, number>>();
  #steps = 0;

  constructor(context: CheckerContext) {
    this.#context = context;
  }

  restarted(node: ObservedNode): void {
    this.#leaders.delete(node);
    this.#reads.delete(node);
  }

  stepped(node: ObservedNode, core: Core, message: RaftMessage): void {
    this.#steps += 1;
    if (message.type === 'read') this.#made(node, `${message.readId}`, message.lease);
    else if (message.type === 'readIndex') this.#made(node, `${message.from} ${message.readId}`, message.lease);
    const { role, effects } = core;
    if (role.name !== 'leader') {
      this.#leaders.delete(node);
      return;
    }
    const leader = this.#leaderOf(node, core, role);
    this.#noteRounds(leader);
    if (role.quorumRound > leader.quorumRound) this.#confirmed(node, core, leader);
    leader.lastIndex = core.log.lastIndex;
    for (const effect of effects) {
      if (effect.type === 'readReady') {
        for (const readId of effect.readIds) this.#checkRead(node, core, leader, `${readId}`);
      }
    }
  }

  sent(node: ObservedNode, to: NodeId, message: NodeMessage): void {
    const { core } = node;
    if (core === null) return;
    const leader = this.#leaders.get(node);
    switch (message.type) {
      case 'appendEntriesReply':
      case 'installSnapshotReply': {
        const answers = this.#answersTo(message.term, to);
        const who = `${node.id} as ${core.options.incarnation}`;
        answers.set(who, Math.max(message.round, answers.get(who) ?? 0));
        return;
      }
      case 'timeoutNow':
        if (leader?.term === message.term) leader.hasHandedOver = true;
        return;
      case 'readIndexReply':
        if (leader?.term === message.term) this.#checkRead(node, core, leader, `${to} ${message.readId}`);
        return;
      default:
    }
  }

  #made(node: ObservedNode, read: string, lease: boolean): void {
    let reads = this.#reads.get(node);
    if (reads === undefined) this.#reads.set(node, (reads = new Map()));
    // A question that comes twice may have been answered the first time.
    if (!reads.has(read)) reads.set(read, { step: this.#steps, lease });
  }

  #leaderOf(node: ObservedNode, core: Core, role: Leader): KnownLeader {
    let leader = this.#leaders.get(node);
    if (leader?.role === role) return leader;
    leader = {
      role,
      term: core.term,
      rounds: new Map(),
      round: 0,
      quorumRound: 0,
      // Whoever has acknowledged an entry of this term has heard from its leader since then.
      confirmed: { step: 0, atMs: this.#context.nowMs() },
      lastIndex: core.log.lastIndex,
      hasHandedOver: false,
    };
    this.#leaders.set(node, leader);
    return leader;
  }

  #noteRounds(leader: KnownLeader): void {
    while (leader.round < leader.role.round) {
      leader.round += 1;
      leader.rounds.set(leader.round, { step: this.#steps, atMs: this.#context.nowMs() });
    }
  }

  #confirmed(node: ObservedNode, core: Core, leader: KnownLeader): void {
    const { quorumRound } = leader.role;
    leader.confirmed = leader.rounds.get(quorumRound)!;
    for (let round = leader.quorumRound + 1; round <= quorumRound; round++) leader.rounds.delete(round);
    leader.quorumRound = quorumRound;
    const { configurations } = this.#context.history;
    const answers = this.#answersTo(core.term, node.id);
    // One step may confirm a round, and then append who is to confirm the next.
    const isConfirmed = [leader.lastIndex, core.log.lastIndex].some((last) => {
      const inEffect = configurations.at(core, last);
      if (inEffect === null) return false;
      const { electors, admitted } = inEffect;
      const who = electors.filter(
        (id) => id === node.id || (answers.get(`${id} as ${admitted.get(id)}`) ?? 0) >= quorumRound,
      );
      return inEffect.isQuorum(new Set(who));
    });
    if (isConfirmed) return;
    this.#context.report('rounds', `${node.id} takes round ${quorumRound} of term ${core.term} for confirmed too soon`);
  }

  #checkRead({ id }: ObservedNode, { options }: Core, leader: KnownLeader, read: string): void {
    const reads = this.#reads.get(this.#context.nodes.get(id)!);
    const made = reads?.get(read);
    if (made === undefined) return;
    reads!.delete(read);
    if (leader.confirmed.step > made.step) return;
    const where = `${id}, which leads term ${leader.term},`;
    if (!made.lease) {
      this.#context.report('fresh reads', `${where} answers a read by a round that was begun before it`);
      return;
    }
    const ageMs = this.#context.nowMs() - leader.confirmed.atMs;
    if (leader.hasHandedOver) {
      this.#context.report('leases', `${where} answers by its lease, and has told another one to campaign at once`);
    } else if (ageMs >= options.electionTimeoutMs[0] / CLOCK_RATE_MAX) {
      this.#context.report('leases', `${where} answers by a lease that began ${ageMs} ms ago`);
    }
  }

  #answersTo(term: number, leader: NodeId): Map<string, number> {
    const key = `${term} ${leader}`;
    let answers = this.#answers.get(key);
    if (answers === undefined) this.#answers.set(key, (answers = new Map()));
    return answers;
  }
}
