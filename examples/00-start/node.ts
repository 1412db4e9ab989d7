/** One of the three servers: holds the objects, and makes calls on them when the main program says so. */

import { createHash } from 'node:crypto';
import { ReplCounter, ReplMap } from 'conclave/objects';
import { serveNode } from '../../bench/cluster/node-operations.js';
import { runClosedLoop, type LoadResult, type LoadSettings } from '../../bench/load/closed-loop.js';
import { Account } from './account.js';

/** What a server holds, as it says itself. */
export interface Holdings {
  readonly hits: number;
  readonly balance: number;
  readonly visitors: number;
  /** Of every key and value of the map, in order. */
  readonly digest: string;
}

export type StartOperations = {
  readonly load: (settings: LoadSettings) => Promise<LoadResult>;
  /** How many calls have been made so far. */
  readonly calls: (argument: null) => number;
  /** Read from this server alone, whatever the others say. */
  readonly holdings: (argument: null) => Promise<Holdings>;
};

/** Visitors come back: the map holds this many keys. */
const VISITORS = 1000;

serveNode({ hits: ReplCounter, account: Account, visitors: ReplMap<string, number> }, (runtime): StartOperations => {
  const { hits, account, visitors } = runtime.objects;
  const local = { consistency: 'local' } as const;
  let calls = 0;
  const call = (): Promise<unknown> => {
    const number = calls++;
    switch (number % 3) {
      case 0:
        return hits.inc();
      case 1:
        return account.deposit(5);
      default:
        return visitors.set(`visitor-${number % VISITORS}`, number);
    }
  };

  return {
    load: (settings) => runClosedLoop(call, settings),
    calls: () => calls,
    holdings: async () => {
      const entries = await visitors.with(local).entries();
      return {
        hits: await hits.with(local).get(),
        balance: await account.with(local).get(),
        visitors: entries.length,
        digest: createHash('sha256').update(JSON.stringify(entries)).digest('hex'),
      };
    },
  };
});
