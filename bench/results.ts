/** The form of bench/results/*.json: what `npm run bench` writes and `npm run bench:report` reads. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './environment.js';
import type { LoadResult } from './load/closed-loop.js';
import type { PhaseResult } from './load/paced-load.js';
import type {
  CatchUpRow,
  CompactionRow,
  DiskUseRow,
  JoinRow,
  LoadRow,
  LockRow,
  MemoryRow,
  RestartRow,
} from './matrix.js';
import type { ThreadStalls } from './storage/thread-stalls.js';

/**
 * Of what is in a file, and how it is meant. A further kind of rows is nothing new in this: older runs have measured
 * none of them.
 */
export const RESULTS_FORMAT = 2;

export interface LoadOutcome {
  readonly row: LoadRow;
  /** Of all rounds, the one with the median rate. */
  readonly result: LoadResult;
  readonly rounds: readonly LoadResult[];
  /** The same commands with no consensus, measured right after each round; null where there is no such thing. */
  readonly limit: { readonly result: LoadResult; readonly rounds: readonly LoadResult[] } | null;
}

export interface MemoryOutcome {
  readonly row: MemoryRow;
  /** Commands committed between the two looks at memory. */
  readonly commands: number;
  /** By how much each process grew, the leader's first. */
  readonly grownBytes: readonly number[];
  /** Of the process that grew most. */
  readonly bytesPerCommand: number;
}

/** What callers felt in one phase of a paced load. */
export interface FeltResult {
  /** Of the calls that should have started in this phase. */
  readonly calls: PhaseResult;
  /** The calling node's of its caller's thread; of the others, the longest of all nodes. */
  readonly stalls: ThreadStalls;
}

export interface CompactionOutcome {
  readonly row: CompactionRow;
  /** No node takes a snapshot: before each that does, for the stated time. */
  readonly quiet: FeltResult;
  /** A node takes one: all of that time together, and for each node, the leader first. */
  readonly compacting: FeltResult;
  readonly ofNodes: readonly (FeltResult & { readonly role: 'leader' | 'follower'; readonly compactMs: number })[];
  /** The p99 while a node takes a snapshot, over that while none does. */
  readonly p99Ratio: number;
}

export interface RestartOutcome {
  readonly row: RestartRow;
  /** Bytes of the files that were there to be read. */
  readonly logBytes: number;
  readonly snapshotBytes: number;
  /** From `Runtime.start` to `ready()`: the median, and all. */
  readonly readyMs: number;
  readonly rounds: readonly number[];
}

/** Of a row in which nodes that have nothing are given everything. */
export interface NewcomersOutcome {
  /** Of the file that was sent. */
  readonly snapshotBytes: number;
  /** How often a node came. */
  readonly times: number;
  /** The leader's callers, before and while, all times together. */
  readonly before: PhaseResult;
  readonly meanwhile: PhaseResult;
  readonly p99Ratio: number;
}

/** The followers were wiped in turn. */
export interface CatchUpOutcome extends NewcomersOutcome {
  readonly row: CatchUpRow;
  /** From `Runtime.start` of the empty node to `ready()`: the median. */
  readonly readyMs: number;
}

export interface JoinOutcome extends NewcomersOutcome {
  readonly row: JoinRow;
  /** From `members.add` until it was a voter: the median. */
  readonly joinedMs: number;
}

export interface DiskUseOutcome {
  readonly row: DiskUseRow;
  /** Bytes of all keys and values. */
  readonly stateBytes: number;
  readonly writtenBytes: number;
  /** How many snapshots were seen on the node that took the fewest. */
  readonly snapshots: number;
  /** Log and snapshots together at their largest, of the node where they were largest, and what they were then. */
  readonly peakBytes: number;
  readonly logBytes: number;
  readonly snapshotBytes: number;
  /** 3 × the state, and two segments. */
  readonly boundBytes: number;
}

export interface LockResult {
  /** Pairs, hand-overs or heartbeats that finished; null: there was one. */
  readonly perSecond: number | null;
  /** Of a pair, a hand-over or a heartbeat, or from the death to the next one's holding. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Were those who waited served in the order in which they had come? Null: nobody waited. */
  readonly isInOrder: boolean | null;
}

export type ServiceOutcome =
  | {
      readonly service: string;
      /** What runs, and what it has done before it acknowledges. */
      readonly about: string;
      /** Of all rounds, the one with the median p50. */
      readonly result: LockResult;
      readonly rounds: readonly LockResult[];
    }
  | { readonly service: string; readonly skipped: string };

export interface LockOutcome {
  readonly row: LockRow;
  /** Conclave first; in the order in which they were measured, one after the other. */
  readonly services: readonly ServiceOutcome[];
}

/** What was measured, by the kind of row. */
export interface Outcomes {
  readonly load: readonly LoadOutcome[];
  readonly memory: readonly MemoryOutcome[];
  readonly compaction: readonly CompactionOutcome[];
  readonly restart: readonly RestartOutcome[];
  readonly catchUp: readonly CatchUpOutcome[];
  readonly join: readonly JoinOutcome[];
  readonly diskUse: readonly DiskUseOutcome[];
  readonly locks: readonly LockOutcome[];
}

/** Nothing yet. */
export function noOutcomes(): { readonly [Kind in keyof Outcomes]: Outcomes[Kind][number][] } {
  return { load: [], memory: [], compaction: [], restart: [], catchUp: [], join: [], diskUse: [], locks: [] };
}

export interface Results extends Outcomes {
  readonly format: typeof RESULTS_FORMAT;
  readonly environment: Environment;
  /** How long the disk of the durable rows takes to sync 4 KiB; null: no such row was measured. */
  readonly fdatasyncMs: number | null;
  readonly settings: { readonly warmupMs: number; readonly durationMs: number; readonly rounds: number };
}

export async function writeResults(file: string | URL, results: Results): Promise<void> {
  await mkdir(dirname(file instanceof URL ? fileURLToPath(file) : file), { recursive: true });
  await writeFile(file, JSON.stringify(results, null, 2) + '\n');
}

/** Of a kind of rows that the run did not know yet, nothing was measured. */
export async function readResults(file: string | URL): Promise<Results> {
  const { format, ...results } = JSON.parse(await readFile(file, 'utf8')) as Omit<Results, 'format' | keyof Outcomes> &
    Partial<Outcomes> & { format: number };
  if (format !== RESULTS_FORMAT) throw new Error(`${String(file)} has format ${format}, not ${RESULTS_FORMAT}.`);
  return { format, ...noOutcomes(), ...results };
}
