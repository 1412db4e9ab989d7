/**
 * One node of a cluster in a process of its own: starts the runtime when the parent says how, and stops it when the
 * parent lets go or dies. Runs in the child; brings what every such node can be asked, to which programs add their own.
 */

import { Runtime, type ObjectDefinitions } from 'conclave';
import { serveParent, type Operations } from '../processes/calls.js';

export interface NodeSettings {
  readonly self: string;
  readonly peers: readonly string[];
  readonly threads: boolean;
}

export interface NodeReport {
  readonly role: string;
  readonly leader: string | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
}

/** Bytes of the whole process, after a collection where the process was started with `--expose-gc`. */
export interface MemoryReport {
  readonly rss: number;
}

export type NodeOperations = {
  readonly start: (settings: NodeSettings) => Promise<void>;
  readonly status: (argument: null) => NodeReport;
  readonly memory: (argument: null) => MemoryReport;
};

/** Serves the parent with a node that holds `objects`; `operations` are made once the runtime is ready. */
export function serveNode<Objects extends ObjectDefinitions>(
  objects: Objects,
  operations: (runtime: Runtime<Objects>) => Operations,
): void {
  let runtime: Runtime<Objects> | null = null;
  const started = (): Runtime<Objects> => {
    if (runtime === null) throw new Error('The node has not been started.');
    return runtime;
  };

  const node: NodeOperations = {
    start: async (settings) => {
      runtime = await Runtime.start({ ...settings, objects });
      await runtime.ready();
      Object.assign(all, operations(runtime));
    },
    status: () => {
      const { role, leader, commitIndex, appliedIndex } = started().status();
      return { role, leader, commitIndex, appliedIndex };
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
