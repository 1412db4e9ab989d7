/**
 * One server, which takes the lock again and again. What it writes while it holds it goes to its output, with its token; how it
 * fares, too. Ends with its input.
 *
 *     node worker.js SELF PEER PEER
 */

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Runtime } from 'conclave';
import { ReplLockManager } from 'conclave/objects';
import { connect, raft, type Held } from 'conclave/sync';

const [self = '', ...peers] = process.argv.slice(2);
const runtime = await Runtime.start({ self, peers, objects: { locks: ReplLockManager } });
await runtime.ready({ signal: AbortSignal.timeout(60_000) });
const sync = await connect(raft(runtime));
const stopping = new AbortController();
const { signal } = stopping;

/** Writes for half a second, and looks at the lock now and then: whenever one looks, a write may come later. */
async function work(held: Held): Promise<void> {
  console.log(`holds ${held.token}`);
  for (let i = 1; i <= 50 && !signal.aborted; i++) {
    console.log(`write ${held.token}`);
    await delay(10);
    if (i % 10 === 0 && !held.held) return console.log(`lost ${held.token}`);
  }
}

async function takeTurns(): Promise<void> {
  const lock = sync.lock('ledger', { ttlMs: 1_500 });
  while (!signal.aborted) {
    try {
      await lock.withLock(work, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

console.log('ready');
const working = takeTurns();
await once(process.stdin.resume(), 'end');
stopping.abort();
await working;
await runtime.stop();
