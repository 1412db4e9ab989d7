/** The cluster of the rows about logs and snapshots, and what they all do with it. Runs in the parent. */

import { withCluster, type Cluster, type ClusterSettings } from '../cluster/cluster.js';
import type { NodeOperations } from '../cluster/node-operations.js';
import type { StorageOperations, Values } from './storage-process.js';
import type { TableDigest } from './table.js';

const SCRIPT = new URL('./storage-process.js', import.meta.url);
/** Filling, compacting and comparing large states. */
export const WORK_TIMEOUT_MS = 120_000;
export const CALL_TIMEOUT_MS = 20_000;

/** Ten characters. */
export const TEXTS: Values = { kind: 'text', bytes: 10 };
/** More than the calls of any stall that a cluster lives through; a node takes 100,000. */
export const IN_FLIGHT_MAX = 50_000;

export type StorageCluster = Cluster<NodeOperations & StorageOperations>;

export function withStorageCluster<Result>(
  settings: Omit<ClusterSettings, 'threads'>,
  use: (cluster: StorageCluster) => Promise<Result>,
): Promise<Result> {
  return withCluster(SCRIPT, { threads: true, ...settings }, use);
}

/** Every node holds the same table, with no fewer changes than were counted. */
export function agreedTable(cluster: StorageCluster, changesMin: number): Promise<TableDigest> {
  return cluster.agreedState(
    (node) => node.call('digest', null, WORK_TIMEOUT_MS),
    ({ changes }) => changes >= changesMin,
  );
}

/** All nodes take a snapshot, one after the other. */
export async function compactAll(cluster: StorageCluster): Promise<void> {
  for (const node of cluster.nodes) await node.call('compact', null, WORK_TIMEOUT_MS);
}

/** The positions of all nodes but this one. */
export function othersThan(position: number, { nodes }: StorageCluster): number[] {
  return [...nodes.keys()].filter((other) => other !== position);
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}
