/** The thread of a trial: simulates one product seed by seed, until it is ended or has no seed left. */

import { parentPort, workerData } from 'node:worker_threads';
import type * as Testing from 'conclave/testing';
import type { TrialJob, TrialOutcome } from './trial-messages.js';

const { entry, seeds } = workerData as TrialJob;
const { runSimulation } = (await import(entry)) as typeof Testing;
for (const seed of seeds) {
  const { violation } = await runSimulation(seed);
  const found = violation === null ? null : { promise: violation.promise, what: violation.what };
  parentPort!.postMessage({ seed, violation: found } satisfies TrialOutcome);
}
