/**
 * `conclave sidecar` and `conclave lock` as they are installed: processes of their own, which are told to end, and
 * killed.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePorts } from '../../dist/testing/free-ports.js';
import { endOf, within } from './support/process-end.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND = join(ROOT, 'dist/cli/main.js');
const FOREVER = ['--ttl', '1h'];
/** Of three processes that start, elect a leader, and share a busy machine. */
const READY = { timeout: 45_000, interval: 50 } as const;
const END_TIMEOUT_MS = 20_000;

let nodes: string[];
let ports: number[];
const sidecars: ChildProcess[] = [];

beforeAll(async () => {
  const free = await freePorts(6);
  nodes = free.slice(0, 3).map((port) => `127.0.0.1:${port}`);
  ports = free.slice(3);
  for (let i = 0; i < 3; i++) start(i);
  await Promise.all(ports.map((port) => ready(port)));
});

afterAll(async () => {
  await Promise.all(sidecars.map(async (child) => ended(child, 'SIGKILL')));
});

function start(i: number, ...flags: readonly string[]): void {
  const peers = nodes.filter((_, other) => other !== i).join(',');
  const where = ['--self', nodes[i]!, '--peers', peers, '--listen', `127.0.0.1:${ports[i]}`];
  const args = [COMMAND, 'sidecar', ...where, '--identity', `pod-${i}`, ...FOREVER, ...flags];
  sidecars[i] = spawn(process.execPath, args, { stdio: 'ignore' });
}

async function ready(port: number): Promise<void> {
  const status = async (): Promise<number | null> =>
    (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.status ?? null;
  await vi.waitFor(async () => expect(await status(), `the sidecar on port ${port} is ready`).toBe(200), READY);
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    // What it has run for others may live on, and keep its pipes.
    const what = (): string => `${child.spawnargs.join(' ')}, sent ${signal}, has not ended`;
    await within(once(child, 'exit'), END_TIMEOUT_MS, what);
  }
  return child.exitCode;
}

function put(i: number, name: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${ports[i]}/locks/${name}`, { method: 'PUT' });
}

function lock(i: number, name: string, ...command: readonly string[]): ChildProcess {
  const args = [COMMAND, 'lock', name, '--url', `http://127.0.0.1:${ports[i]}`, ...FOREVER, '--', ...command];
  // A command that reads its input goes on until the test has finished.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    child.stdin.destroy();
  });
  return child;
}

describe('conclave sidecar', () => {
  test('that is killed has what it held when it is started again, and nobody else has it', async () => {
    const before = await put(0, 'x');
    const token = BigInt(before.headers.get('x-fencing-token')!);

    await ended(sidecars[0]!, 'SIGKILL');
    const refused = await put(1, 'x');
    start(0);
    await ready(ports[0]!);
    const after = await put(0, 'x');

    expect([before.status, refused.status, after.status]).toEqual([200, 409, 200]);
    expect(BigInt(after.headers.get('x-fencing-token')!)).toBeGreaterThan(token);
  });

  test('that is told to end gives back what it holds, and ends with 0', async () => {
    await put(2, 'y');

    const code = await ended(sidecars[2]!, 'SIGTERM');

    expect(code).toBe(0);
    expect((await put(1, 'y')).status).toBe(200);
    start(2);
    await ready(ports[2]!);
  });
});

describe('conclave sidecar where fastify is not installed', () => {
  test('says what to install', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-bare-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
    await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
    const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object };
    for (const name of Object.keys(dependencies)) {
      await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    }

    const child = spawn(process.execPath, [join(folder, 'dist/cli/main.js'), 'sidecar', '--backend', 'memory']);
    onTestFinished(() => void child.kill('SIGKILL'));
    const said = text(child.stderr);
    const code = await endOf(child, () => 'a sidecar that lacks fastify');

    expect(code).toBe(1);
    expect(await said).toBe('ERR_MISSING_PACKAGE: The sidecar needs fastify: npm install fastify@5.\n');
  });
});

describe('conclave lock', () => {
  test('runs a command with its token, and ends as it does', async () => {
    const child = lock(1, 'z', process.execPath, '-p', 'process.exitCode = 3; process.env.FENCING_TOKEN');
    const said = text(child.stdout!);

    const code = await endOf(child, () => 'conclave lock');

    expect(code).toBe(3);
    expect(BigInt((await said).trim())).toBeGreaterThan(0n);
  });

  test('that is killed leaves the lock to the next one at once', async () => {
    const first = lock(0, 'w', 'cat');
    first.stdout!.resume();
    while ((await put(1, 'w')).status === 200)
      await fetch(`http://127.0.0.1:${ports[1]}/locks/w`, { method: 'DELETE' });
    const next = fetch(`http://127.0.0.1:${ports[1]}/locks/w?waitMs=30000`, { method: 'PUT' });

    await ended(first, 'SIGKILL');

    expect((await next).status).toBe(200);
  });
});

describe('where nobody reads any more what went wrong', () => {
  /** A sidecar that stands alone, once it answers. */
  async function alone(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
    const [port] = (await freePorts(1)) as [number];
    const args = [COMMAND, 'sidecar', '--backend', 'memory', '--listen', `127.0.0.1:${port}`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await ready(port);
    return { child, url: `http://127.0.0.1:${port}` };
  }

  async function unread(child: ChildProcess): Promise<void> {
    child.stderr!.destroy();
    await once(child.stderr!, 'close');
  }

  test('conclave sidecar ends as it does otherwise', async () => {
    const { child } = await alone();
    await unread(child);

    const code = await ended(child, 'SIGTERM');

    expect(code).toBe(0);
  });

  test('conclave lock kills a command that does not end although its lock is lost', async () => {
    const { child: sidecar, url } = await alone();
    const command = `process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => {}, 1e6)`;
    const args = [COMMAND, 'lock', 'x', '--url', url, '--ttl', '2s', '--', process.execPath, '-e', command];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [said] = (await within(once(child.stdout, 'data'), END_TIMEOUT_MS, () => 'the command does not run')) as [
      Buffer,
    ];
    onTestFinished(() => {
      if (isAlive(Number(said))) process.kill(Number(said), 'SIGKILL');
    });
    await unread(child);
    const over = once(child, 'exit');

    await ended(sidecar, 'SIGTERM');

    expect(await within(over, END_TIMEOUT_MS, () => 'conclave lock has not ended')).toEqual([128 + 9, null]);
    expect(isAlive(Number(said))).toBe(false);
  });

  function isAlive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
});

// Last, for it puts others in the place of those that all tests share.
describe('conclave sidecar with --data-dir', () => {
  test('knows what was held, and what was there, after all of them were killed', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-sidecars-'));
    const begin = async (): Promise<void> => {
      await Promise.all(sidecars.map((child) => ended(child, 'SIGKILL')));
      for (let i = 0; i < 3; i++) start(i, '--data-dir', join(folder, `${i}`));
      await Promise.all(ports.map((port) => ready(port)));
    };
    onTestFinished(async () => {
      await Promise.all(sidecars.map((child) => ended(child, 'SIGKILL')));
      await rm(folder, { recursive: true });
    });
    const look = async (name: string): Promise<unknown> => {
      const response = await fetch(`http://127.0.0.1:${ports[1]}/locks/${name}`);
      const { spec } = (await response.json()) as { spec?: { owner: string } };
      return [response.status, spec?.owner];
    };
    await begin();
    const before = await put(0, 'held');
    await put(1, 'freed');
    await fetch(`http://127.0.0.1:${ports[1]}/locks/freed`, { method: 'DELETE' });

    await begin();

    expect(await Promise.all(['held', 'freed', 'never'].map(look))).toEqual([
      [200, 'pod-0'],
      [200, ''],
      [404, undefined],
    ]);
    expect((await put(1, 'held')).status).toBe(409);
    const after = await put(0, 'held');
    expect(after.status).toBe(200);
    const [old, young] = [before, after].map(({ headers }) => BigInt(headers.get('x-fencing-token')!));
    expect(young).toBeGreaterThan(old!);
  });
});
