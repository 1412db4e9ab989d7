import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { within } from '../cluster/support/process-end.js';
import type { TrialJob } from './mutations/trial-messages.js';

const END_TIMEOUT_MS = 20_000;
const PROCESS = fileURLToPath(new URL('../../build/test/simulation/mutations/trial-process.js', import.meta.url));
/** Its second history goes on for ever, and lets nothing else happen on its thread. */
const ENDLESS = `data:text/javascript,${encodeURIComponent(`
  let count = 0;
  export async function runSimulation() {
    if (count++ > 0) for (;;);
    return { violation: null };
  }
`)}`;

test('the process of a trial that comes to no end ends with whoever has started it', async () => {
  const child = fork(PROCESS, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.send({ entry: ENDLESS, seeds: [1, 2] } satisfies TrialJob);
  expect(await once(child, 'message')).toEqual([{ seed: 1, violation: null }, undefined]);

  const ended = within(once(child, 'exit'), END_TIMEOUT_MS, () => 'the process of a trial has not ended');
  child.disconnect();

  expect(await ended).toEqual([0, null]);
});
