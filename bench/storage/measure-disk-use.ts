/** Measures what log and snapshots take at most while a state is overwritten again and again. Runs in the parent. */

import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import type { DiskUseRow } from '../matrix.js';
import type { DiskUseOutcome } from '../results.js';
import {
  agreedTable,
  CALL_TIMEOUT_MS,
  IN_FLIGHT_MAX,
  withStorageCluster,
  WORK_TIMEOUT_MS,
  type StorageCluster,
} from './storage-cluster.js';
import { storedBytes, type StoredBytes } from './stored-bytes.js';
import { keyOf } from './table.js';

const ALL = 'all';
const LOOK_EVERY_MS = 50;
/** By then, each has dropped log several times over. */
const SNAPSHOTS = 4;
const SNAPSHOTS_TIMEOUT_MS = 60_000;

export function measureDiskUse(row: DiskUseRow): Promise<DiskUseOutcome> {
  const { nodes, entries, valueBytes, callsPerSecond, segmentBytes } = row;
  const values = { kind: row.values, bytes: valueBytes };
  const options = { limits: { segmentBytes }, snapshot: { bytes: segmentBytes } };
  return withStorageCluster({ nodes, durable: true, options }, async (cluster) => {
    const { leader } = await cluster.roles();
    const caller = cluster.nodes[leader]!;
    await caller.call('fill', { entries, values }, WORK_TIMEOUT_MS);
    const watch = new DiskWatch(cluster);
    const load = { callsPerSecond, inFlightMax: IN_FLIGHT_MAX, firstKey: 0, keys: entries, values };
    await caller.call('startLoad', { ...load, firstPhase: ALL }, CALL_TIMEOUT_MS);
    await watch.untilSnapshots(SNAPSHOTS);
    const { calls } = (await caller.call('finishLoad', {}, WORK_TIMEOUT_MS))[ALL]!;
    await agreedTable(cluster, calls);

    const entryBytes = keyOf(0).length + valueBytes;
    const stateBytes = entries * entryBytes;
    const { log, snapshots } = watch.peak;
    return {
      row,
      stateBytes,
      writtenBytes: calls * entryBytes,
      snapshots: watch.snapshots,
      peakBytes: log + snapshots,
      logBytes: log,
      snapshotBytes: snapshots,
      boundBytes: 3 * stateBytes + 2 * segmentBytes,
    };
  });
}

class DiskWatch {
  peak: StoredBytes = { log: 0, snapshots: 0 };
  readonly #cluster: StorageCluster;
  /** For each node, up to where the snapshots reached that were seen. */
  readonly #seen: readonly Set<number>[];

  constructor(cluster: StorageCluster) {
    this.#cluster = cluster;
    this.#seen = cluster.nodes.map(() => new Set());
  }

  /** How many were seen on the node with the fewest. */
  get snapshots(): number {
    return Math.min(...this.#seen.map(({ size }) => size));
  }

  /** Looks again and again until each node has been seen to have taken that many. */
  async untilSnapshots(count: number): Promise<void> {
    const deadline = performance.now() + SNAPSHOTS_TIMEOUT_MS;
    while (this.snapshots < count) {
      assert(performance.now() < deadline, `A node took ${this.snapshots} snapshots only.`);
      await Promise.all(this.#cluster.nodes.map((_, index) => this.#look(index)));
      await delay(LOOK_EVERY_MS);
    }
  }

  async #look(index: number): Promise<void> {
    const [bytes, { snapshotIndex }] = await Promise.all([
      storedBytes(this.#cluster.dataDirs![index]!),
      this.#cluster.nodes[index]!.call('status', null, CALL_TIMEOUT_MS),
    ]);
    if (snapshotIndex > 0) this.#seen[index]!.add(snapshotIndex);
    if (bytes.log + bytes.snapshots > this.peak.log + this.peak.snapshots) this.peak = bytes;
  }
}
