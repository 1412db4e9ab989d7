/**
 * Knows what was asked of a log store and what it has acknowledged, and so what may be found after a crash: at least
 * what was acknowledged, and of what was asked for after that a beginning. A request is made of up to three changes,
 * each of which happens as a whole: the hard state, the reset, the entries.
 */

import assert from 'node:assert/strict';
import type { GroupId, LastIncluded } from '../../../../../src/ids.js';
import {
  afterRequest,
  behindSnapshots,
  describeState,
  EMPTY_LOG,
  recoveredState,
  type LogRequest,
  type LogState,
} from '../../../../../src/testing/log-store-model.js';
import type { DrivenLogStore } from './driven-log-store.js';

interface GroupHistory {
  /** Those that are kept, newest first. */
  snapshots: readonly LastIncluded[];
  /** What was certain when the store was opened, and what each change since then has made of it. */
  states: LogState[];
  /** How many of `states` there are once each request is done; the first number is that of no request. */
  statesAfter: number[];
  /** The last request that was acknowledged since the store was opened; 0: none. */
  acknowledged: number;
}

export class Witness {
  readonly #groups: Map<GroupId, GroupHistory>;

  constructor(groups: readonly GroupId[]) {
    this.#groups = new Map(groups.map((group) => [group, newHistory([], EMPTY_LOG)]));
  }

  get groups(): readonly GroupId[] {
    return [...this.#groups.keys()];
  }

  /** What the group's log is when all that was asked for is done. */
  stateOf(group: GroupId): LogState {
    return this.#history(group).states.at(-1)!;
  }

  /** The snapshots that are kept, newest first. */
  snapshotsOf(group: GroupId): readonly LastIncluded[] {
    return this.#history(group).snapshots;
  }

  /** A snapshot up to this entry is durable; the newest one before it may be kept, others are not. */
  onSnapshot(group: GroupId, snapshot: LastIncluded, keepsOlder: boolean): void {
    const history = this.#history(group);
    history.snapshots = [snapshot, ...(keepsOlder ? history.snapshots.slice(0, 1) : [])];
  }

  /** This is asked of the store. */
  onRequest(group: GroupId, request: LogRequest): void {
    const { states, statesAfter } = this.#history(group);
    for (const part of ['hardState', 'reset', 'append'] as const) {
      if (request[part] === null) continue;
      const change: LogRequest = { hardState: null, reset: null, append: null, [part]: request[part] };
      states.push(afterRequest(states.at(-1)!, change));
    }
    statesAfter.push(states.length);
  }

  /** The store says that this request is durable. */
  onAcknowledged(group: GroupId, request: number): void {
    this.#history(group).acknowledged = request;
  }

  /** The last request that was acknowledged; 0: none. */
  acknowledgedOf(group: GroupId): number {
    return this.#history(group).acknowledged;
  }

  /** Has everything that was asked for been acknowledged? */
  isSettled(group: GroupId): boolean {
    const { statesAfter, acknowledged } = this.#history(group);
    return acknowledged === statesAfter.length - 1;
  }

  /** Recovers every group from a store that was just opened, and fails unless it found what it may. */
  recover(store: DrivenLogStore): void {
    for (const [group, { snapshots, states, statesAfter, acknowledged }] of this.#groups) {
      const mayBe = states.slice(statesAfter[acknowledged]! - 1).map((state) => behindSnapshots(state, snapshots));
      const state = recoveredState(store.recover(group, snapshots));
      const found = describeState(behindSnapshots(state, snapshots));
      assert(
        mayBe.some((each) => describeState(each) === found),
        `group ${group} was found as\n  ${found}\nand may be\n  ${mayBe.map(describeState).join('\n  ')}`,
      );
      this.#groups.set(group, newHistory(snapshots, state));
    }
  }

  /** The same knowledge, to go on with in another future. */
  clone(): Witness {
    const copy = new Witness(this.groups);
    for (const [group, history] of this.#groups) {
      const { states, statesAfter } = history;
      copy.#groups.set(group, { ...history, states: [...states], statesAfter: [...statesAfter] });
    }
    return copy;
  }

  #history(group: GroupId): GroupHistory {
    return this.#groups.get(group)!;
  }
}

function newHistory(snapshots: readonly LastIncluded[], state: LogState): GroupHistory {
  return { snapshots, states: [state], statesAfter: [1], acknowledged: 0 };
}
