/** Runs seeds, one after the other, and tells what has come of each. In the program's thread or one of its own. */

import { parentPort } from 'node:worker_threads';
import { runSimulation, type FaultName } from 'conclave/testing';
import type { Job, Outcome } from './job-messages.js';

export async function runSeed(seed: number, nodes: number | null): Promise<Outcome> {
  const { violation, virtualMs, coverage, faults } = await runSimulation(seed, nodes === null ? {} : { nodes });
  return {
    seed,
    violation: violation === null ? null : { promise: violation.promise, what: violation.what, atMs: violation.atMs },
    virtualMs,
    coverage: [...coverage],
    faults: (Object.keys(faults) as FaultName[]).filter((name) => faults[name] > 0),
  };
}

const port = parentPort;
if (port !== null) {
  port.on('message', ({ seeds, nodes }: Job) => {
    void (async () => {
      for (const seed of seeds) port.postMessage(await runSeed(seed, nodes));
    })();
  });
}
