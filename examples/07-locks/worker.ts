/**
 * One server, which takes the lock. What it writes while it holds it goes to its output, with its token; how it fares,
 * too. Ends with its input.
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
/** By the first holder, before it stands still. */
const WRITES = 25;
const stopping = new AbortController();
const { signal } = stopping;

/**
 * Writes until the lock is lost, and looks each time whether it is: that is not enough, for the process may stand still
 * between the look and the write. The first holder does, in the middle of its work, until somebody lets it go on.
 */
async function work(held: Held): Promise<void> {
  console.log(`holds ${held.token}`);
  for (let i = 1; !signal.aborted; i++) {
    if (!held.held) return console.log(`lost ${held.token}`);
    if (held.token === 1n && i === WRITES) {
      console.log(`stands ${held.token}`);
      process.kill(process.pid, 'SIGSTOP');
    }
    console.log(`write ${held.token}`);
    await delay(10);
  }
}

async function takeLock(): Promise<void> {
  const lock = sync.lock('ledger', { ttlMs: 3_000 });
  while (!signal.aborted) {
    try {
      await lock.withLock(work, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

console.log('ready');
const working = takeLock();
await once(process.stdin.resume(), 'end');
stopping.abort();
await working;
await runtime.stop();
