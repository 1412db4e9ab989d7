import { LocalCluster } from 'conclave/testing';
import { describeCalls, type CallObjects } from '../unit/node/calls-contract.js';
import type * as Fixtures from './fixtures/ledger.js';

// Compiled, for a worker cannot load TypeScript.
const ledger = new URL('../../build/test/threads/fixtures/ledger.js', import.meta.url).href;
const { Ledger } = (await import(ledger)) as typeof Fixtures;

describeCalls('runs on threads', async () => {
  const cluster = await LocalCluster.start({ objects: { book: Ledger }, threads: true });
  // The same class, but to the compiler, to which private fields are those of one declaration.
  return { cluster: cluster as unknown as LocalCluster<CallObjects> };
});
