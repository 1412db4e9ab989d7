/** What is measured: one row per question, each with all of its settings. Data only; bench/README.md says what for. */

import type { Operation } from './node-process.js';
import { OBJECT_OPERATIONS, type ObjectOperation } from './objects/object-operation.js';

export interface LoadRow {
  readonly kind: 'load';
  readonly name: string;
  readonly operation: Operation | ObjectOperation;
  readonly nodes: number;
  readonly caller: 'leader' | 'follower';
  readonly window: number;
  readonly commandBytes: number;
  /** Actors on threads of their own, or all of them on the caller's event loop. */
  readonly threads: boolean;
  /** Log on disk, with an fdatasync before every acknowledgement; otherwise in memory. */
  readonly durable: boolean;
}

export interface MemoryRow {
  readonly kind: 'memory';
  readonly name: string;
  readonly nodes: number;
  readonly window: number;
  readonly commandBytes: number;
  readonly durable: false;
}

/** What callers feel of it when a node takes a snapshot; of each node, one after the other. */
export interface CompactionRow {
  readonly kind: 'compaction';
  readonly name: string;
  readonly nodes: number;
  /** Entries of a map, each a key and a value of ten characters. */
  readonly entries: number;
  /** Calls that overwrite one entry each. */
  readonly callsPerSecond: number;
  readonly durable: boolean;
}

/** How long a node of its own takes to be ready again. */
export interface RestartRow {
  readonly kind: 'restart';
  readonly name: string;
  /** `log`: nothing but entries of one 10 B command each; `snapshot`: a map, as for compaction, and nothing else. */
  readonly from: 'log' | 'snapshot';
  readonly entries: number;
  readonly durable: true;
}

/** A node that has nothing is given everything while callers go on. */
export interface NewcomersRow {
  readonly name: string;
  /** Before it comes. */
  readonly nodes: number;
  /** Entries of a map, each a key of ten characters and bytes that cannot be compressed. */
  readonly entries: number;
  readonly valueBytes: number;
  /** Calls that overwrite a small entry each, beside those. */
  readonly callsPerSecond: number;
  readonly durable: true;
}

/** It is one that has lost its disk and comes back. */
export interface CatchUpRow extends NewcomersRow {
  readonly kind: 'catchUp';
}

/** It is one more member. */
export interface JoinRow extends NewcomersRow {
  readonly kind: 'join';
}

/** What log and snapshots take while a map is overwritten again and again. */
export interface DiskUseRow {
  readonly kind: 'diskUse';
  readonly name: string;
  readonly nodes: number;
  readonly entries: number;
  /** Records in JSON, or what cannot be compressed. */
  readonly values: 'record' | 'noise';
  readonly valueBytes: number;
  /** Calls that overwrite one value each. */
  readonly callsPerSecond: number;
  /** `limits.segmentBytes` and `snapshot.bytes`, as by default in proportion. */
  readonly segmentBytes: number;
  readonly durable: true;
}

/** Locks, beside what users would take instead. */
export interface LockRow {
  readonly kind: 'lock';
  readonly name: string;
  /**
   * `pairs`: acquire and release, of names that nobody else wants; `turns`: so many wait for one lock, and have it one
   * after the other; `death`: the holder's process is killed; `heartbeats`: what is held is renewed, by way of a
   * sidecar.
   */
  readonly load: 'pairs' | 'turns' | 'death' | 'heartbeats';
  readonly nodes: number;
  /** Calls in flight at most, or so many who wait. */
  readonly window: number;
  /** Calls that are due, whatever becomes of those before; null: each that finishes starts the next one. */
  readonly callsPerSecond: number | null;
  readonly durable: true;
}

export type Row = LoadRow | MemoryRow | CompactionRow | RestartRow | CatchUpRow | JoinRow | DiskUseRow | LockRow;

const SMALL_BYTES = 10;
const WINDOWS = [1, 100, 1000, 5000] as const;
/** Larger commands, each with a window of about 4 MB in flight, or of 5000 commands. */
const SIZES = [
  { commandBytes: 200, window: 5000 },
  { commandBytes: 2048, window: 2000 },
  { commandBytes: 20_480, window: 200 },
] as const;

const MEMORY: MemoryRow = {
  kind: 'memory',
  name: 'memory 10 B ×1000, 3 nodes',
  nodes: 3,
  window: 1000,
  commandBytes: SMALL_BYTES,
  durable: false,
};
const CALLS_PER_SECOND = 50_000;
/** What `--quick` divides the sizes of states and logs by. */
const QUICK_DIVISOR = 10;

export function rowsOf({ isQuick }: { readonly isQuick: boolean }): readonly Row[] {
  const million = 1_000_000 / (isQuick ? QUICK_DIVISOR : 1);
  return [
    ...WINDOWS.map((window) => load('write', { window })),
    ...SIZES.map((size) => load('write', size)),
    ...[5, 7].map((nodes) => load('write', { nodes })),
    ...[1, 5000].map((window) => load('write', { window, caller: 'follower' })),
    ...[1, 5000].map((window) => load('write', { window, threads: false })),
    ...[1, 5000].map((window) => load('readLinearizable', { window })),
    load('readLinearizable', { caller: 'follower' }),
    load('readLease', {}),
    load('readLocal', {}),
    ...OBJECT_OPERATIONS.map((operation) => load(operation, {})),
    MEMORY,
    ...[1, 5000].map((window) => load('write', { window, durable: true })),
    load('write', { window: 1, threads: false, durable: true }),
    compaction({ entries: million, durable: true }),
    compaction({ entries: million, durable: false }),
    restart({ from: 'log', entries: million }),
    restart({ from: 'snapshot', entries: million }),
    catchUp({ entries: million / 5 }),
    join({ entries: million / 20 }),
    diskUse({ entries: million / 50, values: 'record', rewrittenEverySeconds: 2 }),
    ...(['record', 'noise'] as const).map((values) =>
      diskUse({ entries: million / 50, values, rewrittenEverySeconds: 10 }),
    ),
    lock('acquire and release ×1', { load: 'pairs', window: 1 }),
    lock('acquire and release ×1000', { load: 'pairs', window: 1000 }),
    lock('1,000 wait for one lock', { load: 'turns', window: 1000 }),
    lock('a holder is killed', { load: 'death', window: 1 }),
    lock('10,000 heartbeats/s', { load: 'heartbeats', window: 1000, callsPerSecond: 10_000 }),
    lock('heartbeats ×100', { load: 'heartbeats', window: 100 }),
  ];
}

function load(operation: LoadRow['operation'], settings: Partial<LoadRow>): LoadRow {
  const row = {
    kind: 'load',
    operation,
    nodes: 3,
    caller: 'leader',
    window: 5000,
    commandBytes: operation === 'write' ? SMALL_BYTES : 0,
    threads: true,
    durable: false,
    ...settings,
  } as const;
  return { ...row, name: nameOf(row) };
}

/** Names say every setting, so that `--only` can pick by any of them. */
function nameOf({ operation, commandBytes, window, nodes, caller, threads, durable }: Omit<LoadRow, 'name'>): string {
  const what = operation === 'write' ? `write ${bytesText(commandBytes)}` : operation;
  return `${what} ×${window}, ${nodes} nodes, from the ${caller}${threads ? '' : ', inline'}${placeOf(durable)}`;
}

function compaction({ entries, durable }: Pick<CompactionRow, 'entries' | 'durable'>): CompactionRow {
  const row = { kind: 'compaction', nodes: 3, callsPerSecond: CALLS_PER_SECOND, entries, durable } as const;
  return { ...row, name: `compaction of ${countText(entries)} entries, 3 nodes${placeOf(durable)}` };
}

function restart({ from, entries }: Pick<RestartRow, 'from' | 'entries'>): RestartRow {
  const what =
    from === 'log' ? `a log of ${countText(entries)} entries` : `a snapshot of ${countText(entries)} entries`;
  return { kind: 'restart', name: `restart from ${what}${placeOf(true)}`, from, entries, durable: true };
}

function catchUp({ entries }: Pick<CatchUpRow, 'entries'>): CatchUpRow {
  const row = {
    kind: 'catchUp',
    nodes: 3,
    callsPerSecond: CALLS_PER_SECOND,
    entries,
    valueBytes: 1000,
    durable: true,
  } as const;
  return { ...row, name: `catching up on ${(entries * row.valueBytes) / 1e6} MB, 3 nodes${placeOf(true)}` };
}

function join({ entries }: Pick<JoinRow, 'entries'>): JoinRow {
  const row = {
    kind: 'join',
    nodes: 3,
    callsPerSecond: CALLS_PER_SECOND,
    entries,
    valueBytes: 1000,
    durable: true,
  } as const;
  return { ...row, name: `adding a member to ${(entries * row.valueBytes) / 1e6} MB, 3 nodes${placeOf(true)}` };
}

interface DiskUseSettings extends Pick<DiskUseRow, 'entries' | 'values'> {
  readonly rewrittenEverySeconds: number;
}

function diskUse({ entries, values, rewrittenEverySeconds }: DiskUseSettings): DiskUseRow {
  const row = {
    kind: 'diskUse',
    nodes: 3,
    entries,
    values,
    valueBytes: 1000,
    callsPerSecond: entries / rewrittenEverySeconds,
    durable: true,
  } as const;
  // In proportion to a state of 256 MB with the defaults.
  const segmentBytes = (row.entries * row.valueBytes) / 4;
  return {
    ...row,
    segmentBytes,
    name: `disk use of ${countText(entries)} ${values} entries, all rewritten in ${rewrittenEverySeconds} s, 3 nodes${placeOf(true)}`,
  };
}

function lock(what: string, settings: Pick<LockRow, 'load' | 'window'> & Partial<LockRow>): LockRow {
  const name = `locks: ${what}, 3 nodes${placeOf(true)}`;
  return { kind: 'lock', name, nodes: 3, durable: true, callsPerSecond: null, ...settings };
}

function placeOf(durable: boolean): string {
  return durable ? ', on disk' : '';
}

/** 10 B, 200 B, 2 KiB, 20 KiB. */
export function bytesText(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;
}

/** 1,000,000. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}
