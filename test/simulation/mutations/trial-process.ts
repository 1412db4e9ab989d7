/**
 * The process of a trial: has a thread simulate one product, broken or not, and tells what comes of it. Ends with
 * whoever has started it, for a broken product may never let go of its thread.
 */

import { Worker } from 'node:worker_threads';
import type { TrialJob, TrialOutcome } from './trial-messages.js';

process.once('disconnect', () => process.exit());
process.once('message', (job: TrialJob) => {
  // An error that ends the thread ends the process.
  const thread = new Worker(new URL('trial-thread.js', import.meta.url), { workerData: job });
  thread.on('message', (outcome: TrialOutcome) => process.send!(outcome));
  thread.on('exit', () => process.disconnect());
});
