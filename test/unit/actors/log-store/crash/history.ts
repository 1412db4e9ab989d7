/**
 * A short history of a log store that has everything in it: two groups, hard states, suffixes that are replaced,
 * resets, drops, segments that are filled, and openings in between. It can be run to its end, or to a crash anywhere in
 * it.
 */

import assert from 'node:assert/strict';
import type { HardState } from '../../../../../src/actors/raft/effects.js';
import { ConclaveError } from '../../../../../src/errors.js';
import { groupId, nodeId, term, type GroupId, type LastIncluded } from '../../../../../src/ids.js';
import type { Disk } from '../../../../../src/storage/disk.js';
import {
  appendRequest,
  holds,
  modelEntry,
  modelSnapshot,
  type LogRequest,
} from '../../../../../src/testing/log-store-model.js';
import { DrivenLogStore } from './driven-log-store.js';
import type { Witness } from './witness.js';

export const A = groupId(0);
export const B = groupId(3);
export const GROUPS = [A, B] as const;
/** So small that a few entries fill one. */
export const SEGMENT_BYTES = 4096;

/** What happens: a request, a snapshot, a drop up to the oldest of them, the end of a batch, or closing and opening. */
export type Step =
  | { readonly type: 'store'; readonly group: GroupId; readonly request: LogRequest }
  | {
      readonly type: 'snapshot';
      readonly group: GroupId;
      readonly lastIncluded: LastIncluded;
      /** Is the one before it kept, too? */
      readonly keepsOlder: boolean;
    }
  | { readonly type: 'drop'; readonly group: GroupId }
  | { readonly type: 'turn' }
  | { readonly type: 'reopen' };

export const TURN: Step = { type: 'turn' };
export const REOPEN: Step = { type: 'reopen' };

export function append(group: GroupId, first: number, last: number, inTerm: number, payloadBytes = 20): Step {
  const entries = [];
  for (let index = first; index <= last; index++) entries.push(modelEntry(index, inTerm, payloadBytes));
  return { type: 'store', group, request: appendRequest(first, entries) };
}

export function hardState(group: GroupId, inTerm: number, votedFor: string | null, and?: Step): Step {
  const state: HardState = { term: term(inTerm), votedFor: votedFor === null ? null : nodeId(votedFor) };
  const request = and?.type === 'store' ? and.request : { hardState: null, reset: null, append: null };
  return { type: 'store', group, request: { ...request, hardState: state } };
}

/** A snapshot is installed, beside the one that was there or alone, and then takes the place of the log. */
export function reset(group: GroupId, index: number, inTerm: number, keepsOlder: boolean, and?: Step): Step[] {
  const request = and?.type === 'store' ? and.request : { hardState: null, reset: null, append: null };
  const lastIncluded = modelSnapshot(index, inTerm);
  return [
    { type: 'snapshot', group, lastIncluded, keepsOlder },
    { type: 'store', group, request: { ...request, reset: lastIncluded } },
  ];
}

/** A snapshot was taken, and the log up to the oldest one is dropped. */
export function compact(group: GroupId, index: number, inTerm: number, keepsOlder = false): Step[] {
  return [
    { type: 'snapshot', group, lastIncluded: modelSnapshot(index, inTerm), keepsOlder },
    { type: 'drop', group },
  ];
}

export const HISTORY: readonly Step[] = [
  hardState(A, 1, 'a:1', append(A, 1, 3, 1)),
  append(B, 1, 2, 1, 0),
  TURN,
  append(A, 4, 6, 1, 300),
  append(A, 7, 7, 1),
  hardState(B, 1, null),
  TURN,
  hardState(A, 2, 'b:1', append(A, 5, 6, 2)),
  TURN,
  append(A, 7, 12, 2, 400),
  append(B, 3, 3, 1, 700),
  TURN,
  append(A, 13, 13, 2, 6000),
  append(A, 14, 15, 2, 200),
  TURN,
  ...compact(A, 6, 2),
  append(A, 16, 16, 2),
  TURN,
  REOPEN,
  append(B, 2, 3, 2, 50),
  TURN,
  ...reset(A, 30, 3, true, append(A, 31, 32, 3, 100)),
  TURN,
  append(A, 33, 38, 3, 500),
  TURN,
  append(A, 36, 36, 4, 900),
  append(A, 37, 37, 4, 900),
  TURN,
  ...compact(A, 34, 3, true),
  ...compact(B, 2, 2),
  TURN,
  hardState(B, 5, 'c:1'),
  REOPEN,
  ...reset(B, 9, 5, false),
  append(B, 10, 11, 5),
  append(A, 38, 41, 4, 800),
  TURN,
  append(A, 42, 43, 4, 800),
  TURN,
  // Many segments go at once, one after the other.
  ...compact(A, 42, 4),
  ...compact(B, 11, 5),
  TURN,
  append(A, 44, 44, 4),
  TURN,
];

/**
 * What consensus does first of all in each life: where the objects stand on an installed snapshot that the log knows
 * nothing of, for a crash came before the reset, the log begins anew behind it.
 */
export function* beginning(witness: Witness): Generator<Step> {
  for (const group of witness.groups) {
    const newest = witness.snapshotsOf(group)[0];
    if (newest === undefined || holds(witness.stateOf(group), newest)) continue;
    yield { type: 'store', group, request: { hardState: null, reset: newest, append: null } };
  }
}

/** How a store goes on after a crash, wherever its groups stand: it must be fit for use, not only for reading. */
export function* afterlife(witness: Witness): Generator<Step> {
  yield* beginning(witness);
  for (let round = 0; round < 3; round++) {
    for (const group of witness.groups) {
      const { base, entries, hardState: voted } = witness.stateOf(group);
      const inTerm = Math.max(voted?.term ?? 0, 5) + 1;
      const last = base.index + entries.length;
      // The second round replaces what the first one has appended.
      const first = round === 1 ? last : last + 1;
      yield hardState(group, inTerm, 'd:1', append(group, first, first + 2, inTerm, 400));
      yield TURN;
    }
  }
  for (const group of witness.groups) {
    const { base, entries, hardState: voted } = witness.stateOf(group);
    yield* compact(group, base.index + entries.length - 1, voted!.term);
  }
  yield TURN;
}

export interface HistoryRunOptions {
  readonly directory?: string;
  readonly segmentBytes?: number;
}

/** Runs steps on a store that it opens on this disk; a crash ends it with what it throws. */
export class HistoryRun {
  readonly #disk: Disk;
  readonly #witness: Witness;
  /** Null: the last one is closed, and the next one not open yet. */
  #store: DrivenLogStore | null;

  readonly #directory: string;
  readonly #segmentBytes: number;

  /** Opens the store and recovers every group, which must be as the witness says. */
  constructor(
    disk: Disk,
    witness: Witness,
    { directory = '/data/log', segmentBytes = SEGMENT_BYTES }: HistoryRunOptions = {},
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#witness = witness;
    this.#store = this.#open();
  }

  run(steps: Iterable<Step>): void {
    for (const step of steps) this.#carryOut(step);
  }

  /** Closes the store in order, when all that was asked for is acknowledged. */
  close(): void {
    const store = this.#store!;
    store.turn();
    for (const group of this.#witness.groups) assert(this.#witness.isSettled(group), `group ${group} is settled`);
    this.#store = null;
    store.close();
  }

  /** Ends a store as its runtime does that has caught what it has thrown: without another word to the disk. */
  abandon(): void {
    this.#store?.abandon();
  }

  /** Ends a store that the disk has refused something; until then it refuses whatever is asked of it. */
  abandonFailed(): void {
    const store = this.#store;
    if (store === null) return;
    for (const group of this.#witness.groups) {
      const settled = this.#witness.acknowledgedOf(group);
      assert.throws(() => {
        store.store(group, { hardState: { term: term(1000), votedFor: null }, reset: null, append: null });
        store.turn();
      }, isStorageError);
      assert.equal(this.#witness.acknowledgedOf(group), settled, 'nothing is acknowledged after a failure');
    }
    store.abandon();
  }

  #carryOut(step: Step): void {
    const witness = this.#witness;
    switch (step.type) {
      case 'store':
        witness.onRequest(step.group, step.request);
        this.#store!.store(step.group, step.request);
        break;
      case 'snapshot':
        witness.onSnapshot(step.group, step.lastIncluded, step.keepsOlder);
        break;
      case 'drop':
        this.#store!.drop(step.group, witness.snapshotsOf(step.group).at(-1)!.index);
        break;
      case 'turn':
        this.#store!.turn();
        break;
      case 'reopen':
        this.close();
        this.#store = this.#open();
    }
  }

  #open(): DrivenLogStore {
    const store = new DrivenLogStore({
      disk: this.#disk,
      directory: this.#directory,
      segmentBytes: this.#segmentBytes,
      onAcknowledged: (group, request) => this.#witness.onAcknowledged(group, request),
    });
    try {
      this.#witness.recover(store);
    } catch (error) {
      store.abandon();
      throw error;
    }
    return store;
  }
}

function isStorageError(error: unknown): boolean {
  return error instanceof ConclaveError && error.code === 'ERR_STORAGE';
}
