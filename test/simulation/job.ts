/** Runs seeds, one after the other, and tells what has come of each. In the program's thread or one of its own. */

import { parentPort } from 'node:worker_threads';
import { runSimulation, type FaultName } from 'conclave/testing';
import type { HistoryOptions, Job, Outcome } from './job-messages.js';

export async function runSeed(seed: number, { nodes, isCalm }: HistoryOptions): Promise<Outcome> {
  const options = { isCalm, ...(nodes === null ? {} : { nodes }) };
  const { stackTraceLimit } = Error;
  // Nobody reads the stacks of histories by the hundred, and making them takes a twentieth of the time.
  Error.stackTraceLimit = 0;
  try {
    const { violation, virtualMs, coverage, faults } = await runSimulation(seed, options);
    return {
      seed,
      violation: violation === null ? null : { promise: violation.promise, what: violation.what, atMs: violation.atMs },
      virtualMs,
      coverage: [...coverage],
      faults: (Object.keys(faults) as FaultName[]).filter((name) => faults[name] > 0),
    };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const port = parentPort;
if (port !== null) {
  port.on('message', ({ seeds, like }: Job) => {
    void (async () => {
      for (const seed of seeds) port.postMessage(await runSeed(seed, like));
    })();
  });
}
