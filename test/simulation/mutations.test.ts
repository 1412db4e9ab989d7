/**
 * CI's share of the mutations: some of them, others each time, are found, and the product as it is breaks no promise
 * where they are. `npm run mutations -- --check` looks at all.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../build/test/simulation/mutations/main.js', import.meta.url));
const SECONDS = 400;
/** A test that is over leaves no program behind. */
const PROGRAM_TIMEOUT_MS = (SECONDS - 20) * 1_000;
/** In less than half a minute. */
const SOME = 12;

/** Code and output of the program. */
function mutations(...options: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...options], { timeout: PROGRAM_TIMEOUT_MS }, (error, stdout, stderr) => {
      // One that was killed, for it did not end, has none.
      resolve({ code: error === null ? 0 : Number(error.code ?? NaN), output: stdout + stderr });
    });
  });
}

test(
  'broken products are found',
  async () => {
    const { code, output } = await mutations('--check', '--some', `${SOME}`, '--jobs', '2');

    expect(output).toMatch(/^all \d+ broken products are found\n$/);
    expect(code).toBe(0);
  },
  SECONDS * 1_000,
);
