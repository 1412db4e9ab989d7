/** All checkers of a simulated cluster, and who tells them what happens on each node. */

import type { RaftMessage } from '../../actors/raft/messages.js';
import type { Core } from '../../actors/raft/state.js';
import { logIndex, type Incarnation, type NodeId } from '../../ids.js';
import type { NodeMessage } from '../../net/transport.js';
import { AdoptedTerms } from './checkers/adopted-terms.js';
import { AdmittedMembers } from './checkers/admitted-members.js';
import type { Checker, CheckerContext, NodePlace, ObservedNode } from './checkers/checker.js';
import { ConfigurationInEffect } from './checkers/configuration-in-effect.js';
import { CommittedCommands } from './checkers/committed-commands.js';
import { CommitQuorum } from './checkers/commit-quorum.js';
import { ComparedAcknowledgements } from './checkers/compared-acknowledgements.js';
import { ConfirmedRounds } from './checkers/confirmed-rounds.js';
import { CountedReplies } from './checkers/counted-replies.js';
import { DurableBeforeSent } from './checkers/durable-before-sent.js';
import { ElectionSafety } from './checkers/election-safety.js';
import { EqualStates } from './checkers/equal-states.js';
import { FreshReads } from './checkers/fresh-reads.js';
import { HeardLeaders } from './checkers/heard-leaders.js';
import { LeaderCompleteness } from './checkers/leader-completeness.js';
import { LeftOut } from './checkers/left-out.js';
import { LogHistory } from './checkers/log-history.js';
import { MatchingPeers } from './checkers/matching-peers.js';
import { MembershipSteps } from './checkers/membership-steps.js';
import { NeverDown } from './checkers/never-down.js';
import { watchQuorums } from './checkers/overlapping-quorums.js';
import { PromisedCampaigns } from './checkers/promised-campaigns.js';
import { RememberedState } from './checkers/remembered-state.js';
import { Removals } from './checkers/removals.js';
import { SessionOrder } from './checkers/session-order.js';
import { SnapshotsBehindLogs } from './checkers/snapshots-behind-logs.js';
import type { StatedConfiguration } from './checkers/stated-configuration.js';
import type { ClusterObserver } from './cluster-observer.js';
import { DurableLog } from './durable-log.js';
import type { NodeWitness } from './simulated-node.js';
import type { StepCounter } from './step-counter.js';
import type { Violations } from './violations.js';

type Hearing<Event extends keyof Checker> = readonly Required<Pick<Checker, Event>>[];

export class ClusterCheckers {
  readonly admitted: AdmittedMembers;
  readonly states: EqualStates;
  readonly #sessions: SessionOrder;
  readonly #nodes = new Map<NodeId, ObservedNode>();
  /** What is on the disk of each node. */
  readonly #memories = new Map<string, DurableLog>();
  readonly #history: LogHistory;
  readonly #violations: Violations;
  /** Those who want to hear of each. */
  readonly #onStepped: Hearing<'stepped'>;
  readonly #onSent: Hearing<'sent'>;
  readonly #onRestarted: Hearing<'restarted'>;
  readonly #steps: StepCounter;
  readonly #observers: ClusterObserver[] = [];
  readonly #commands = new CommittedCommands();

  /**
   * States are compared after every `lookEvery` entries. `founded` is what logs go on from; null: an entry founds the
   * cluster.
   */
  constructor(violations: Violations, steps: StepCounter, lookEvery: number, founded: StatedConfiguration | null) {
    this.#violations = violations;
    this.#steps = steps;
    const report = (promise: string, what: string): void => violations.report(promise, what);
    const history = new LogHistory(report, founded);
    this.#history = history;
    const context: CheckerContext = { nodes: this.#nodes, history, nowMs: () => violations.nowMs(), report };
    const membership = new MembershipSteps(context);
    history.configurations.whenStated((core, stated) => membership.stated(core, stated));
    this.admitted = new AdmittedMembers(context);
    this.states = new EqualStates(report, lookEvery);
    this.#sessions = new SessionOrder(report);
    history.whenCommitted((_node, { log }, { index }) => {
      const { kind, payload } = log.entry(logIndex(index));
      const verdict = this.#sessions.committed(index, kind, payload);
      if (this.#observers.length === 0) return;
      const commands = verdict === 'apply' ? this.#commands.in(payload) : [];
      for (const observer of this.#observers) observer.committed?.({ index, kind, payload, commands });
    });
    watchQuorums(context);
    const checkers: readonly Checker[] = [
      history,
      new NeverDown(context),
      new AdoptedTerms(context),
      new RememberedState(context),
      new FreshReads(context),
      new ConfirmedRounds(context),
      new HeardLeaders(context),
      new PromisedCampaigns(context),
      new ElectionSafety(context),
      new LeaderCompleteness(context),
      new CommitQuorum(context),
      this.admitted,
      new Removals(context, this.admitted),
      new ConfigurationInEffect(context),
      new LeftOut(context),
      new MatchingPeers(context),
      new CountedReplies(context),
      new ComparedAcknowledgements(context),
      new SnapshotsBehindLogs(context),
      new DurableBeforeSent(context),
    ];
    this.#onStepped = hearing('stepped', checkers);
    this.#onSent = hearing('sent', checkers);
    this.#onRestarted = hearing('restarted', checkers);
  }

  /** To be called before there are nodes. */
  observe(observer: ClusterObserver): void {
    this.#observers.push(observer);
  }

  /** A node hands a message to its transport. */
  sent(from: NodeId, to: NodeId, message: NodeMessage): void {
    const node = this.#nodes.get(from);
    if (node === undefined) return;
    this.#steps.sent(from, message);
    for (const checker of this.#onSent) checker.sent(node, to, message);
  }

  /**
   * The witness of a new life of a node, which is called `label` where people read of it, and keeps what it has in
   * `place`.
   */
  witnessOf(label: string, place: NodePlace | null = null): NodeWitness {
    let node: ObservedNode | null = null;
    let opened: Incarnation | null = null;
    let openedAtMs = 0;
    const stepped = (core: Core, message: RaftMessage): void => {
      node ??= this.#begin(core.options.self, place, openedAtMs);
      node.core = core;
      this.#steps.stepped(label, core, message);
      for (const checker of this.#onStepped) checker.stepped(node, core, message);
      for (const observer of this.#observers) observer.stepped?.(label, core);
    };
    let memory: DurableLog | null = null;
    return {
      raft: { stepped },
      machine: {
        applied: (machine, verdict) => {
          this.#steps.applied(verdict);
          this.#sessions.applied(label, machine, verdict);
          if (verdict === null) this.#sessions.look(label, machine);
          this.states.applied(label, machine);
          for (const observer of this.#observers) observer.applied?.(label, machine);
        },
        restored: (machine) => {
          this.states.restored(label, machine);
          for (const observer of this.#observers) observer.restored?.(label, machine);
        },
      },
      opened: (incarnation) => {
        opened = incarnation;
        openedAtMs = this.#violations.nowMs();
      },
      logStore: {
        stored: (request) => memory!.stored(request),
        recovered: (log) => {
          memory = this.#memoryOf(label, opened!);
          const lost = memory.recovered(log);
          if (lost !== null) this.#violations.report('durability', `${label} has started, and ${lost}`);
        },
      },
    };
  }

  /** The node's disk is lost, as its name says. What it had counts as had. */
  lost(id: NodeId): void {
    const node = this.#nodes.get(id);
    const memory = this.#memories.get(id);
    this.#memories.delete(id);
    if (node === undefined) return;
    if (memory !== undefined) node.lost.push(memory);
    node.durable = null;
  }

  /** The incarnation of what is on the disk of a node; null: nothing is. */
  incarnationOf(id: NodeId): Incarnation | null {
    return this.#memories.get(id)?.incarnation ?? null;
  }

  /** The configuration that a node goes by, if that may be cut off again as far as it knows; null: it is committed. */
  openConfigurationOf(id: NodeId): StatedConfiguration | null {
    const core = this.#nodes.get(id)?.core ?? null;
    if (core === null) return null;
    const { configurations } = this.#history;
    const inEffect = configurations.at(core, core.log.lastIndex);
    return inEffect === configurations.at(core, core.commitIndex) ? null : inEffect;
  }

  hasLost(id: NodeId): boolean {
    return (this.#nodes.get(id)?.lost.length ?? 0) > 0;
  }

  #memoryOf(label: string, incarnation: Incarnation): DurableLog {
    const known = this.#memories.get(label);
    if (known?.incarnation === incarnation) return known;
    if (known !== undefined && !known.isEmpty) {
      this.#violations.report('durability', `${label} has started, and has forgotten everything`);
    }
    const memory = new DurableLog(incarnation);
    this.#memories.set(label, memory);
    return memory;
  }

  #begin(id: NodeId, place: NodePlace | null, openedAtMs: number): ObservedNode {
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = { id, core: null, place, openedAtMs, durable: null, lost: [] };
      this.#nodes.set(id, node);
    }
    node.core = null;
    node.place = place;
    node.openedAtMs = openedAtMs;
    node.durable = this.#memories.get(id) ?? null;
    for (const checker of this.#onRestarted) checker.restarted(node);
    return node;
  }
}

function hearing<Event extends keyof Checker>(event: Event, checkers: readonly Checker[]): Hearing<Event> {
  return checkers.filter((each) => each[event] !== undefined) as unknown as Hearing<Event>;
}
