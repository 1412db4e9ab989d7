/**
 * One node of the benchmark's cluster, in a process of its own. Runs the load on the thread that a user's code would
 * run on, through the same handle. Started by bench/cluster, never by hand.
 */

import { serveNode } from './cluster/node-operations.js';
import { runClosedLoop, type LoadResult, type LoadSettings } from './load/closed-loop.js';
import { payloadsOf, Sink, type SinkState } from './sink.js';

export type Operation = 'write' | 'readLinearizable' | 'readLease' | 'readLocal';

export interface LoadRequest extends LoadSettings {
  readonly operation: Operation;
  readonly commandBytes: number;
}

export type BenchOperations = {
  readonly load: (request: LoadRequest) => Promise<LoadResult>;
  readonly state: (argument: null) => Promise<SinkState>;
};

serveNode({ sink: Sink }, (runtime): BenchOperations => {
  const { sink } = runtime.objects;
  const lease = sink.with({ consistency: 'lease' });
  const local = sink.with({ consistency: 'local' });

  const callOf = ({ operation, commandBytes }: LoadRequest): (() => Promise<unknown>) => {
    switch (operation) {
      case 'write': {
        const payloads = payloadsOf(commandBytes);
        let next = 0;
        return () => sink.put(payloads[next++ % payloads.length]!);
      }
      case 'readLinearizable':
        return () => sink.size();
      case 'readLease':
        return () => lease.size();
      case 'readLocal':
        return () => local.size();
    }
  };

  return {
    load: (request) => runClosedLoop(callOf(request), request),
    state: () => local.state(),
  };
});
