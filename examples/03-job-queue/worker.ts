/**
 * One of three that share a queue of jobs: takes jobs and notes who has done them. Give it its own address and those of
 * the others. Lines of its input are jobs for the queue; it stops when its input ends (Ctrl-D).
 */

import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { object, Runtime } from 'conclave';
import { ReplMap, ReplQueue } from 'conclave/objects';

const [self = '', ...peers] = process.argv.slice(2);

const runtime = await Runtime.start({
  self,
  peers,
  objects: { jobs: object(ReplQueue<string>, { capacity: 1_000 }), done: object(ReplMap<string, string>) },
});
await runtime.ready({ signal: AbortSignal.timeout(60_000) });
const { jobs, done } = runtime.objects;
console.log('ready');

const stop = new AbortController();

async function work(): Promise<void> {
  while (!stop.signal.aborted) {
    // Waits until there is one. Taking is a command: whoever else asks at the same time gets another job.
    const job = await jobs.take({ signal: stop.signal });
    await delay(5); // the work
    // Of two that had done the same job, the first would be kept, and the second told.
    const doneBy = await done.getOrInsert(job, self);
    console.log(doneBy === self ? `done ${job}` : `twice ${job}`);
  }
}

/** Who stops does not wait for an answer, which too few servers may be left to give. */
function unlessStopped(error: unknown): void {
  if (!stop.signal.aborted) throw error;
}

const working = work().catch(unlessStopped);
for await (const job of createInterface(process.stdin)) {
  // With a signal, it waits while the queue is full.
  await jobs.put(job, { signal: stop.signal });
}
stop.abort();
await working;
await runtime.stop();
