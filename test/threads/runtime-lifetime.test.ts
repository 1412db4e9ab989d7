import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./fixtures/lifetime.mjs', import.meta.url));

describe('a process', () => {
  it.each([
    ['waits for the timers of a running actor system, but not for cancelled ones', 'timer', 'due'],
    ['is not kept alive by an actor system that has stopped', 'stopped', 'rejected'],
    ['is not kept alive by a thread that has stopped', 'thread', 'answered'],
  ])('%s', async (_what, scenario, output) => {
    const ended = await promisify(execFile)(process.execPath, [program, scenario], { timeout: 20_000 });

    expect(ended.stdout.trim()).toBe(output);
    expect(ended.stderr).toBe('');
  });
});
