/** The process of a trial: simulates one product, broken or not, seed by seed, until it is ended or has no seed left. */

import type * as Testing from 'conclave/testing';
import type { TrialJob, TrialOutcome } from './trial-messages.js';

async function run({ entry, seeds }: TrialJob): Promise<void> {
  const { runSimulation } = (await import(entry)) as typeof Testing;
  for (const seed of seeds) {
    const { violation } = await runSimulation(seed);
    const found = violation === null ? null : { promise: violation.promise, what: violation.what };
    process.send!({ seed, violation: found } satisfies TrialOutcome);
  }
  process.disconnect();
}

process.once('message', (job: TrialJob) => {
  void run(job);
});
