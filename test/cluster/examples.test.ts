import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { endOf } from './support/process-end.js';

const EXAMPLES = new URL('../../build/examples/', import.meta.url);
const WAIT = { timeout: 20_000, interval: 20 };

interface Program {
  readonly process: ChildProcess;
  /** All that it has written so far. */
  output(): string;
  /** Resolves with its exit code when it has ended. */
  ended(): Promise<number | null>;
}

function run(script: string, ...options: readonly string[]): Program {
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, EXAMPLES)), ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  onTestFinished(() => void child.kill('SIGKILL'));
  const what = (): string => `${script}, which wrote:\n${output}\n`;
  return { process: child, output: () => output, ended: () => endOf(child, what) };
}

/** The process ids that `npm start` has printed. */
function serversOf(program: Program): number[] {
  return [...program.output().matchAll(/process (\d+)/g)].map((match) => Number(match[1]));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('npm start', () => {
  test('drives three servers, shows a table, proves that they agree, and leaves nothing running', async () => {
    const program = run('00-start/main.js', '--duration-ms', '300');

    const code = await program.ended();

    expect(program.output()).toMatch(/in flight\s+commands\/s\s+p50\s+p99/);
    expect(program.output()).toContain('All 3 servers hold the same');
    expect(code).toBe(0);
    expect(serversOf(program)).toHaveLength(3);
    expect(serversOf(program).filter(isAlive)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('leaves nothing running after %s', async (signal) => {
    const program = run('00-start/main.js', '--duration-ms', '60000');
    await vi.waitUntil(() => serversOf(program).length === 3, WAIT);
    const servers = serversOf(program);
    expect(servers.filter(isAlive)).toEqual(servers);

    program.process.kill(signal);

    await vi.waitUntil(() => !servers.some(isAlive), WAIT);
  });

  test('says what is wrong and exits with 1 when a server dies', async () => {
    const program = run('00-start/main.js', '--duration-ms', '60000');
    await vi.waitUntil(() => serversOf(program).length === 3, WAIT);
    const leader = Number(/process (\d+) {2}elected leader/.exec(program.output())![1]);

    process.kill(leader, 'SIGKILL');
    const code = await program.ended();

    expect(code).toBe(1);
    expect(program.output()).toContain('It did not work');
    expect(serversOf(program).filter(isAlive)).toEqual([]);
  });
});

test('01-counter: three servers count together, and no number comes twice', async () => {
  const program = run('01-counter/main.js');

  const code = await program.ended();

  const visits = [...program.output().matchAll(/visit number (\d+)/g)].map((match) => Number(match[1]));
  expect(code).toBe(0);
  expect(visits.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
});

test('02-kv-store: what one server is told over HTTP another answers, and the leader may die', async () => {
  const program = run('02-kv-store/main.js');

  const code = await program.ended();

  expect(program.output()).toContain('Written by one server, read by another: tea = Darjeeling');
  expect(program.output()).toContain('The two others go on: tea = Assam');
  expect(code).toBe(0);
});

test('03-job-queue: three workers do each job once', async () => {
  const program = run('03-job-queue/main.js');

  const code = await program.ended();

  expect(program.output()).toContain('All 60 jobs are done, each of them once.');
  expect(code).toBe(0);
});

test('04-custom-object: what snapshot() says is what restore() brings back', async () => {
  const program = run('04-custom-object/main.js');

  const code = await program.ended();

  expect(program.output()).toContain('It is the same.');
  expect(code).toBe(0);
});

test('06-durable: three servers are killed, and have every note when they are back', async () => {
  const program = run('06-durable/main.js');

  const code = await program.ended();

  expect(program.output()).toContain('Every note that was acknowledged is there.');
  expect(code).toBe(0);
});

test('07-locks: what a holder that stood still writes too late is refused', async () => {
  const program = run('07-locks/main.js');

  const code = await program.ended();

  expect(program.output()).toContain('Another one holds the lock, with token 2.');
  expect(program.output()).toMatch(/; [1-9]\d* came too late, and were refused\./);
  expect(code).toBe(0);
});

test('08-sidecar: two clients that know nothing but HTTP take turns, and none counts over the other', async () => {
  const program = run('08-sidecar/main.js');

  const code = await program.ended();

  const turns = [...program.output().matchAll(/The (first|second) client had token (\d+)/g)];
  expect(new Set(turns.map(([, who]) => who))).toEqual(new Set(['first', 'second']));
  expect(turns).toHaveLength(10);
  expect(program.output()).toContain('The file says 40, of 40');
  expect(code).toBe(0);
});

test('05-upgrade: three servers are upgraded one by one while they vote, and agree', async () => {
  const program = run('05-upgrade/main.js');

  const code = await program.ended();

  expect(program.output()).toContain('The new code came into force at the same vote everywhere.');
  // Before, "Ada" and "ada" were two; from then on nobody votes for "Ada" any more.
  const [, ada, lower] = /\["Ada",(\d+)\],\["ada",(\d+)\]/.exec(program.output())!;
  expect(Number(lower)).toBeGreaterThan(Number(ada));
  expect(code).toBe(0);
});
