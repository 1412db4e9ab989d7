/**
 * One node of a cluster in a process of its own: starts the runtime when the parent says how, and stops it when the
 * parent lets go or dies. Runs in the child; brings what every such node can be asked, to which programs add their own.
 */

import { Runtime, type ObjectDefinitions, type RuntimeOptions } from 'conclave';
import { serveParent, type Operations } from '../processes/calls.js';

/** Of the runtime's own options, those that a program may wish to set for all nodes. */
export type NodeOptions = Pick<RuntimeOptions, 'fsync' | 'snapshot' | 'limits'>;

export interface NodeSettings extends NodeOptions {
  readonly self: string;
  readonly peers: readonly string[];
  readonly threads: boolean;
  readonly dataDir?: string;
  /** It waits to be added, and is not ready before. */
  readonly join?: boolean;
}

export interface StartReport {
  /**
   * From `Runtime.start` to `ready()`: loaded what was stored, and caught up with the leader; of one that waits to be
   * added only the start.
   */
  readonly readyMs: number;
}

export interface NodeReport {
  readonly role: string;
  readonly leader: string | null;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly snapshotIndex: number;
}

/** Bytes of the whole process, after a collection where the process was started with `--expose-gc`. */
export interface MemoryReport {
  readonly rss: number;
}

export type NodeOperations = {
  readonly start: (settings: NodeSettings) => Promise<StartReport>;
  readonly status: (argument: null) => NodeReport;
  readonly memory: (argument: null) => MemoryReport;
};

/**
 * Serves the parent with a node that holds `objects`; `operations` are made once the runtime is ready. `own` are
 * options that cannot be sent from another process.
 */
export function serveNode<Objects extends ObjectDefinitions>(
  objects: Objects,
  operations: (runtime: Runtime<Objects>) => Operations,
  own: Pick<RuntimeOptions, 'workerUrl' | 'classes'> = {},
): void {
  let runtime: Runtime<Objects> | null = null;
  const started = (): Runtime<Objects> => {
    if (runtime === null) throw new Error('The node has not been started.');
    return runtime;
  };

  const node: NodeOperations = {
    start: async (settings) => {
      const startedAt = performance.now();
      runtime = await Runtime.start({ ...settings, ...own, objects });
      if (settings.join !== true) await runtime.ready();
      const readyMs = performance.now() - startedAt;
      Object.assign(all, operations(runtime));
      return { readyMs };
    },
    status: () => {
      const { role, leader, lastIndex, commitIndex, appliedIndex, snapshotIndex } = started().status();
      return { role, leader, lastIndex, commitIndex, appliedIndex, snapshotIndex };
    },
    memory: () => {
      globalThis.gc?.();
      return { rss: process.memoryUsage.rss() };
    },
  };
  const all: Operations = { ...node };
  serveParent(all, async () => {
    await runtime?.stop();
  });
}
