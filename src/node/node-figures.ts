/**
 * Everything that there is to count of a node, gathered from its threads when somebody asks, and at no other time. On
 * the thread that started the node. What has ended, is too busy to answer, or is not ticked is missing; asking never
 * fails, and takes no longer than a second.
 */

import type { Caller, CallerFigures } from '../actors/replicated/caller.js';
import type { MachineFigures } from '../actors/replicated/machine-messages.js';
import type { LogStoreFigures } from '../actors/log-store/log-store-messages.js';
import type { RaftFigures } from '../actors/raft/raft-actor-messages.js';
import type { SnapshotFigures } from '../actors/snapshotter/snapshotter-messages.js';
import type { ActorAddress } from '../runtime/actor.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import type { NodeHost } from './node-host.js';
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
  host: Pick<NodeHost, 'after'>,
): Promise<NodeFigures> {
  const { main, addresses } = placement;
  const ask = <Figures>(address: ActorAddress): Promise<Figures | null> =>
    inTime(
      main
        .ref<{ readonly type: 'measure' }>(address)
        .ask<Figures>({ type: 'measure' }, { timeoutMs: MEASURE_TIMEOUT_MS }),
      host,
    );
  const [threads, raft, objects, snapshots, log] = await Promise.all([
    placement.measure(MEASURE_TIMEOUT_MS),
    ask<RaftFigures>(addresses.raft),
    Promise.all(addresses.machines.map((machine) => ask<MachineFigures>(machine))).then(together),
    ask<SnapshotFigures>(addresses.snapshotter),
    hasLogStore ? ask<LogStoreFigures>(addresses.logStore) : null,
  ]);
  return { ...caller.figures(), status, threads, raft, objects, snapshots, log };
}

/** Null where one has not answered: what is counted must not go down for that. */
function together(machines: readonly (MachineFigures | null)[]): MachineFigures | null {
  return machines.reduce((sum, machine) => {
    if (sum === null || machine === null) return null;
    return {
      commandsApplied: sum.commandsApplied + machine.commandsApplied,
      commandsThrew: sum.commandsThrew + machine.commandsThrew,
    };
  });
}

/**
 * The answer, or null once the time is over: by the host's clock, for the deadline of an ask is looked at in a tick,
 * and nobody may be ticking.
 */
function inTime<Figures>(answer: Promise<Figures>, host: Pick<NodeHost, 'after'>): Promise<Figures | null> {
  return new Promise((resolve) => {
    const cancel = host.after(MEASURE_TIMEOUT_MS, () => resolve(null));
    const end = (figures: Figures | null): void => {
      cancel();
      resolve(figures);
    };
    answer.then(end, () => end(null));
  });
}
