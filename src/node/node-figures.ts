/**
 * Everything that there is to count of a node, gathered from its threads when somebody asks, and at no other time. On
 * the thread that started the node. What has ended, or is too busy to answer, is missing; asking never fails.
 */

import type { Caller, CallerFigures } from '../actors/replicated/caller.js';
import type { MachineFigures } from '../actors/replicated/machine-messages.js';
import type { LogStoreFigures } from '../actors/log-store/log-store-messages.js';
import type { RaftFigures } from '../actors/raft/raft-actor-messages.js';
import type { SnapshotFigures } from '../actors/snapshotter/snapshotter-messages.js';
import type { ActorAddress } from '../runtime/actor.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import type { Placement } from './placement.js';
import type { RuntimeStatus } from './status.js';

/** Counted since the node was started, unless it says otherwise. */
export interface NodeFigures extends CallerFigures {
  readonly status: RuntimeStatus;
  /** By name; null: it has ended, or has not answered. */
  readonly threads: ReadonlyMap<string, ThreadFigures | null>;
  readonly raft: RaftFigures | null;
  readonly objects: MachineFigures | null;
  readonly snapshots: SnapshotFigures | null;
  /** Null as well where the log is in memory only. */
  readonly log: LogStoreFigures | null;
}

/** A thread that is busy for longer is reported as one that does not answer. */
const MEASURE_TIMEOUT_MS = 1_000;

export async function gatherFigures(
  placement: Placement,
  caller: Caller,
  status: RuntimeStatus,
  hasLogStore: boolean,
): Promise<NodeFigures> {
  const { main, addresses } = placement;
  const ask = <Figures>(address: ActorAddress): Promise<Figures | null> =>
    main
      .ref<{ readonly type: 'measure' }>(address)
      .ask<Figures>({ type: 'measure' }, { timeoutMs: MEASURE_TIMEOUT_MS })
      .catch(() => null);
  const [threads, raft, objects, snapshots, log] = await Promise.all([
    placement.measure(MEASURE_TIMEOUT_MS),
    ask<RaftFigures>(addresses.raft),
    ask<MachineFigures>(addresses.machine),
    ask<SnapshotFigures>(addresses.snapshotter),
    hasLogStore ? ask<LogStoreFigures>(addresses.logStore) : null,
  ]);
  return { ...caller.figures(), status, threads, raft, objects, snapshots, log };
}
