/**
 * What every log store must do, as cases that throw when it does not: run each on a store of its own, whatever the test
 * runner. The cases know the store by its requests and by what it gives back after it was opened again, and compare
 * that with a model.
 */

import { assert } from '../assert.js';
import { groupId, nodeId, term, type GroupId, type LastIncluded, type LogIndex } from '../ids.js';
import { randomBelow, SeededRandom, type Random } from '../runtime/random.js';
import type { HardState } from '../actors/raft/effects.js';
import type { RecoveredLog } from '../actors/log-store/log-store-messages.js';
import {
  afterRequest,
  appendRequest,
  behindSnapshots,
  describeState,
  EMPTY_LOG,
  modelEntry,
  modelSnapshot,
  recoveredState,
  type LogRequest,
  type LogState,
} from './log-store-model.js';

/** A log store that is open. */
export interface OpenLogStore {
  /** Called once for each group, before its first request. */
  recover(group: GroupId, snapshots: readonly LastIncluded[]): Promise<RecoveredLog>;
  store(group: GroupId, request: LogRequest): void;
  drop(group: GroupId, index: LogIndex): void;
  /** Resolves when every request has been acknowledged; with how many times each of the group's was, in that order. */
  acknowledged(group: GroupId): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** What the suite is run on. */
export interface LogStoreSubject {
  /** Opens the store, at the first call on nothing, later on what it left. */
  open(): Promise<OpenLogStore>;
}

export interface LogStoreCase {
  readonly name: string;
  /** Does the case open the store again? Then it is only for stores that outlive their process. */
  readonly needsDurability: boolean;
  /** Rejects when the store does not do what it must. */
  run(subject: LogStoreSubject): Promise<void>;
}

const GROUP = groupId(0);

/** A store with a model of each of its groups beside it. */
class Comparison {
  readonly #subject: LogStoreSubject;
  #store: OpenLogStore;
  readonly #states = new Map<GroupId, LogState>();
  /** The snapshots that are kept of each group, newest first. */
  readonly #snapshots = new Map<GroupId, readonly LastIncluded[]>();
  /** How many requests each group has made since the store was opened. */
  #requests = new Map<GroupId, number>();

  private constructor(subject: LogStoreSubject, store: OpenLogStore) {
    this.#subject = subject;
    this.#store = store;
  }

  static async open(subject: LogStoreSubject, groups: readonly GroupId[] = [GROUP]): Promise<Comparison> {
    const comparison = new Comparison(subject, await subject.open());
    for (const group of groups) comparison.#states.set(group, EMPTY_LOG);
    await comparison.#recover();
    return comparison;
  }

  stateOf(group: GroupId): LogState {
    return this.#states.get(group)!;
  }

  lastIndexOf(group: GroupId): number {
    const { base, entries } = this.stateOf(group);
    return base.index + entries.length;
  }

  store(request: LogRequest, group: GroupId = GROUP): void {
    this.#states.set(group, afterRequest(this.stateOf(group), request));
    this.#requests.set(group, (this.#requests.get(group) ?? 0) + 1);
    this.#store.store(group, request);
  }

  append(count: number, entryTerm: number, payloadBytes = 10, group: GroupId = GROUP): void {
    this.overwrite(this.lastIndexOf(group) + 1, count, entryTerm, payloadBytes, group);
  }

  overwrite(firstIndex: number, count: number, entryTerm: number, payloadBytes = 10, group: GroupId = GROUP): void {
    const entries = Array.from({ length: count }, (_, i) => modelEntry(firstIndex + i, entryTerm, payloadBytes));
    this.store(appendRequest(firstIndex, entries), group);
  }

  /** A snapshot up to this entry is there; behind the one before it, the log is kept. */
  snapshot(index: number, entryTerm: number, group: GroupId = GROUP): void {
    this.#keepSnapshot(index, entryTerm, group);
    this.#store.drop(group, this.#snapshots.get(group)!.at(-1)!.index);
  }

  /** A snapshot takes the place of the log. */
  reset(index: number, entryTerm: number, append: LogRequest['append'] = null, group: GroupId = GROUP): void {
    this.#keepSnapshot(index, entryTerm, group);
    this.store({ hardState: null, reset: modelSnapshot(index, entryTerm), append }, group);
  }

  #keepSnapshot(index: number, entryTerm: number, group: GroupId): void {
    const [newest] = this.#snapshots.get(group) ?? [];
    this.#snapshots.set(group, [modelSnapshot(index, entryTerm), ...(newest === undefined ? [] : [newest])]);
  }

  /** Every request of this opening must have been acknowledged once, in order. */
  async settle(): Promise<void> {
    for (const [group, count] of this.#requests) {
      const acknowledged = await this.#store.acknowledged(group);
      const expected = Array.from({ length: count }, (_, i) => i + 1);
      assert(
        acknowledged.join() === expected.join(),
        `requests 1 to ${count} of group ${group} are acknowledged in order, once each, not ${acknowledged.join()}`,
      );
    }
  }

  /** Closes the store, opens it, and compares. */
  async reopen(): Promise<void> {
    await this.settle();
    await this.close();
    this.#requests = new Map();
    this.#store = await this.#subject.open();
    await this.#recover();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #recover(): Promise<void> {
    for (const [group, state] of this.#states) {
      const snapshots = this.#snapshots.get(group) ?? [];
      const expected = behindSnapshots(state, snapshots);
      const found = describeState(
        behindSnapshots(recoveredState(await this.#store.recover(group, snapshots)), snapshots),
      );
      assert(found === describeState(expected), `group ${group} is ${describeState(expected)}; not ${found}`);
      this.#states.set(group, expected);
    }
  }
}

function hardState(inTerm: number, votedFor: string | null = null): HardState {
  return { term: term(inTerm), votedFor: votedFor === null ? null : nodeId(votedFor) };
}

function hardStateRequest(state: HardState): LogRequest {
  return { hardState: state, reset: null, append: null };
}

/** What the case does between opening and closing the store. */
type Body = (log: Comparison) => Promise<void> | void;

function durable(name: string, body: Body, groups?: readonly GroupId[]): LogStoreCase {
  const run = async (subject: LogStoreSubject): Promise<void> => {
    const log = await Comparison.open(subject, groups);
    await body(log);
    // Whatever a case has done, it is there when the store is opened again, and again when nothing was written.
    await log.reopen();
    await log.reopen();
    await log.close();
  };
  return { name, needsDurability: true, run };
}

export const LOG_STORE_CASES: readonly LogStoreCase[] = [
  {
    name: 'requests are acknowledged in order, once each',
    needsDurability: false,
    run: async (subject) => {
      const log = await Comparison.open(subject);
      for (let i = 1; i <= 50; i++) {
        log.append(1 + (i % 3), i);
        if (i % 5 === 0) log.store(hardStateRequest(hardState(i)));
        if (i % 16 === 0) await log.settle();
      }
      log.overwrite(3, 2, 51);
      await log.settle();
      await log.close();
    },
  },
  durable('of a log that nothing was stored in, nothing is found', () => {}),
  durable('entries are found as they were stored, empty payloads and large ones', (log) => {
    log.append(1, 1, 0);
    log.append(3, 1, 1);
    log.append(2, 2, 70_000);
    log.append(100, 2, 37);
  }),
  durable('a hard state is the last one stored, with a vote or without', async (log) => {
    log.store(hardStateRequest(hardState(1, 'a:1')));
    log.store(hardStateRequest(hardState(2)));
    await log.reopen();
    log.store(hardStateRequest(hardState(2, 'node-with-a-name-as-long-as-they-get.example.com:65535')));
    log.append(1, 2);
    log.store({ ...appendRequest(2, [modelEntry(2, 3, 5)]), hardState: hardState(3, 'b:1') });
  }),
  durable('appending to an earlier index replaces what was there and behind', async (log) => {
    log.append(10, 1);
    log.overwrite(7, 2, 2);
    await log.reopen();
    log.overwrite(7, 1, 3);
    log.append(4, 3);
    log.overwrite(8, 1, 4);
    await log.reopen();
    log.overwrite(1, 3, 5);
  }),
  durable('a log begins anew behind a snapshot that has taken its place', async (log) => {
    log.store(hardStateRequest(hardState(1, 'a:1')));
    log.append(5, 1);
    log.reset(20, 3);
    log.append(2, 3);
    await log.reopen();
    log.reset(40, 3, appendRequest(41, [modelEntry(41, 3, 8), modelEntry(42, 3, 8)]).append);
    await log.reopen();
    log.reset(41, 4);
  }),
  durable('entries up to the oldest snapshot are dropped, those behind it are kept', async (log) => {
    log.store(hardStateRequest(hardState(1, 'a:1')));
    for (let i = 0; i < 30; i++) log.append(2, 1, 100);
    log.snapshot(20, 1);
    await log.reopen();
    for (let i = 0; i < 30; i++) log.append(2, 1, 100);
    log.snapshot(100, 1);
    log.snapshot(120, 1);
    await log.reopen();
    log.append(1, 2);
  }),
  durable('a snapshot that is ahead of the log takes its place when it is opened', async (log) => {
    log.append(5, 1);
    log.snapshot(5, 1);
    await log.reopen();
    log.reset(9, 2);
    log.append(1, 2);
  }),
  durable(
    'each of many groups has a log of its own, whatever the others drop and store',
    async (log) => {
      const random = new SeededRandom(7);
      for (let round = 0; round < 4; round++) {
        for (let i = 1; i <= 60; i++) changeAnyGroup(log, random, round * 60 + i);
        await log.reopen();
      }
    },
    Array.from({ length: 7 }, (_, id) => groupId(id)),
  ),
  durable('a group that was silent keeps its log and hard state while others go round', silentGroup, [
    groupId(1),
    groupId(2),
  ]),
];

async function silentGroup(log: Comparison): Promise<void> {
  const [silent, busy] = [groupId(1), groupId(2)];
  log.store(hardStateRequest(hardState(4, 'a:1')), silent);
  log.append(3, 4, 10, silent);
  for (let round = 1; round <= 20; round++) {
    for (let i = 0; i < 5; i++) log.append(4, round, 200, busy);
    log.snapshot(log.lastIndexOf(busy) - 4, round, busy);
    if (round % 7 === 0) await log.reopen();
  }
}

function changeAnyGroup(log: Comparison, random: Random, inTerm: number): void {
  const group = groupId(randomBelow(random, 7));
  const lastIndex = log.lastIndexOf(group);
  const { base } = log.stateOf(group);
  switch (randomBelow(random, 8)) {
    case 0:
      return log.store(hardStateRequest(hardState(inTerm, randomBelow(random, 2) === 0 ? 'a:1' : null)), group);
    case 1:
      return log.overwrite(base.index + 1, 1, inTerm, 20, group);
    case 2:
      return log.reset(lastIndex + 5, inTerm, null, group);
    default:
      return log.append(1 + randomBelow(random, 4), inTerm, randomBelow(random, 300), group);
  }
}
