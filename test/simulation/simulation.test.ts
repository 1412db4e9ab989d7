/**
 * CI's share of the simulation: 500 histories from a fresh base, or as many as two minutes suffice for, and a few calm
 * ones, in which what takes half a minute happens, too. The program prints the base, and the one command that replays
 * whatever it has found.
 */

import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../build/test/simulation/main.js', import.meta.url));
const SEEDS = 500;
const SECONDS = 120;
const TEST_TIMEOUT_MS = (SECONDS + 60) * 1_000;
/** A test that is over leaves no program behind. */
const PROGRAM_TIMEOUT_MS = TEST_TIMEOUT_MS - 20_000;
/** Of minutes of virtual time each. */
const CALM_SEEDS = 5;
/** A machine that does not get so far has not tested anything. */
const SEEDS_MIN = 100;

/** Code and output of the program. */
function simulate(...options: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...options], { timeout: PROGRAM_TIMEOUT_MS }, (error, stdout, stderr) => {
      // One that was killed, for it did not end, has none.
      resolve({ code: error === null ? 0 : Number(error.code ?? NaN), output: stdout + stderr });
    });
  });
}

test(
  'histories keep every promise',
  async () => {
    const { code, output } = await simulate('--seeds', `${SEEDS}`, '--seconds', `${SECONDS}`, '--jobs', '2');

    console.log(output);
    const [, broken, done] = /(\d+) of (\d+) histories have broken a promise/.exec(output) ?? [];
    // Its message is what every reporter shows, and says how to replay what was found.
    assert(broken === '0', output);
    expect(Number(done)).toBeGreaterThanOrEqual(SEEDS_MIN);
    // In fewer, what is rare may never have happened.
    if (Number(done) === SEEDS) expect(output).not.toContain('has never happened');
    expect(code).toBe(0);
  },
  TEST_TIMEOUT_MS,
);

test(
  'calm histories keep every promise',
  async () => {
    const { code, output } = await simulate('--calm', '--seeds', `${CALM_SEEDS}`, '--jobs', '2');

    console.log(output);
    expect(output).toContain(`0 of ${CALM_SEEDS} histories have broken a promise`);
    expect(code).toBe(0);
  },
  TEST_TIMEOUT_MS,
);

test('one history is printed line by line', async () => {
  const { code, output } = await simulate('--seed', '7', '--trace');

  expect(output).toMatch(/ ms {2}a:1 +starts its life 1\n/);
  expect(output).toMatch(/ ms {2}\w:1 +leader in term \d+\n/);
  expect(output).toContain('every promise was kept');
  expect(code).toBe(0);
});

test('what makes no sense is refused', async () => {
  const { code, output } = await simulate('--trace');

  expect(output).toMatch(/^--trace prints one history: say which one by --seed\.\n\nnpm run simulate/);
  expect(code).toBe(1);
});
