/**
 * A node's worker thread with a watch on its event loop: what `workerUrl` points to where stalls are measured. Starts
 * the watch, then becomes the thread that Conclave would have started without it.
 */

import { BroadcastChannel, workerData } from 'node:worker_threads';
import { LoopWatch } from './loop-watch.js';
import { STALLS_CHANNEL, STALLS_QUESTION, type StallAnswer } from './thread-stalls.js';

const { name } = workerData as { readonly name: string };
const watch = new LoopWatch();
const channel = new BroadcastChannel(STALLS_CHANNEL);
channel.unref();
channel.addEventListener('message', (event) => {
  // Other threads' answers come by here as well.
  if ((event as MessageEvent).data !== STALLS_QUESTION) return;
  channel.postMessage({ thread: name, longestMs: watch.takeLongestMs() } satisfies StallAnswer);
});

await import(new URL('./runtime/threads/thread-entry.js', import.meta.resolve('conclave')).href);
