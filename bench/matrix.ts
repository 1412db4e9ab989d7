/** What is measured: one row per question, each with all of its settings. Data only; bench/README.md says what for. */

import type { Operation } from './node-process.js';

export interface LoadRow {
  readonly kind: 'load';
  readonly name: string;
  readonly operation: Operation;
  readonly nodes: number;
  readonly caller: 'leader' | 'follower';
  readonly window: number;
  readonly commandBytes: number;
  /** Actors on threads of their own, or all of them on the caller's event loop. */
  readonly threads: boolean;
}

export interface MemoryRow {
  readonly kind: 'memory';
  readonly name: string;
  readonly nodes: number;
  readonly window: number;
  readonly commandBytes: number;
}

export type Row = LoadRow | MemoryRow;

const SMALL_BYTES = 10;
const WINDOWS = [1, 100, 1000, 5000] as const;
/** Larger commands, each with a window of about 4 MB in flight, or of 5000 commands. */
const SIZES = [
  { commandBytes: 200, window: 5000 },
  { commandBytes: 2048, window: 2000 },
  { commandBytes: 20_480, window: 200 },
] as const;

export const ROWS: readonly Row[] = [
  ...WINDOWS.map((window) => load('write', { window })),
  ...SIZES.map((size) => load('write', size)),
  ...[5, 7].map((nodes) => load('write', { nodes })),
  ...[1, 5000].map((window) => load('write', { window, caller: 'follower' })),
  ...[1, 5000].map((window) => load('write', { window, threads: false })),
  ...[1, 5000].map((window) => load('readLinearizable', { window })),
  load('readLinearizable', { caller: 'follower' }),
  load('readLease', {}),
  load('readLocal', {}),
  { kind: 'memory', name: 'memory 10 B ×1000, 3 nodes', nodes: 3, window: 1000, commandBytes: SMALL_BYTES },
];

function load(operation: Operation, settings: Partial<LoadRow>): LoadRow {
  const row = {
    kind: 'load',
    operation,
    nodes: 3,
    caller: 'leader',
    window: 5000,
    commandBytes: operation === 'write' ? SMALL_BYTES : 0,
    threads: true,
    ...settings,
  } as const;
  return { ...row, name: nameOf(row) };
}

/** Says every setting, so that `--only` can pick by any of them. */
function nameOf({ operation, commandBytes, window, nodes, caller, threads }: Omit<LoadRow, 'name'>): string {
  const what = operation === 'write' ? `write ${bytesText(commandBytes)}` : operation;
  return `${what} ×${window}, ${nodes} nodes, from the ${caller}${threads ? '' : ', inline'}`;
}

/** 10 B, 200 B, 2 KiB, 20 KiB. */
export function bytesText(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;
}
