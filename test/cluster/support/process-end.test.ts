import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { endOf, within } from './process-end.js';

test('the end of a process comes with its exit code', async () => {
  const child = spawn(process.execPath, ['-e', 'process.exitCode = 3']);

  expect(await endOf(child, () => 'it')).toBe(3);
});

test('who waits in vain for the end of a process is told for what', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  onTestFinished(() => void child.kill('SIGKILL'));

  await expect(endOf(child, () => 'one that waits for more', 50)).rejects.toThrow(
    'After 50 ms, one that waits for more has not ended.',
  );
});

test('what fails in time fails as it did', async () => {
  await expect(within(Promise.reject(new Error('as it did')), 50, () => 'too late')).rejects.toThrow('as it did');
});
