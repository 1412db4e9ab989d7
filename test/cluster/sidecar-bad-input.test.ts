/**
 * What `conclave sidecar` as a process is asked by mistake, or by somebody who means harm: clear answers, and whoever
 * holds goes on holding. Its heap is small, so that what is kept without bound would end it. Each answer by itself is
 * tested in test/unit/sidecar.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connect, sidecar, type Held, type Sync } from '../../dist/sync/index.js';
import { freePorts } from '../../dist/testing/free-ports.js';
import { MessageStream } from '../../dist/sync/sidecar/message-stream.js';
import type { Command } from '../../dist/sync/sidecar/messages.js';
import { RawClient } from '../unit/sidecar/http/support/raw-client.js';
import { endOf, within } from './support/process-end.js';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const HEAP = ['--max-old-space-size=64'];
const START_MS = 30_000;
/** Of an answer, on a machine that has much else to do. */
const ANSWER_MS = 10_000;

interface Process {
  readonly child: ChildProcess;
  readonly said: () => string;
}

function run(...flags: readonly string[]): Process {
  const args = [...HEAP, COMMAND, 'sidecar', '--backend', 'memory', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  return { child, said: () => said };
}

async function start(...flags: readonly string[]): Promise<Process> {
  const started = run(...flags);
  await vi.waitFor(() => expect(started.said()).toContain('Answers for locks on'), { timeout: START_MS, interval: 20 });
  return started;
}

let port: number;
let running: Process;

beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  running = await start('--listen', `127.0.0.1:${port}`, '--identity', 'pod', '--ttl', '1h');
});

afterAll(async () => {
  running.child.kill('SIGTERM');
  expect(await endOf(running.child, () => 'a sidecar that was misused')).toBe(0);
});

/** Asks on a connection of its own. */
async function ask(bytes: string): Promise<{ readonly status: number; readonly body: string }> {
  const client = await RawClient.connect(port);
  try {
    return await within(client.ask(bytes), ANSWER_MS, () => `there is no answer to ${bytes.slice(0, 80)}`);
  } finally {
    client.close();
  }
}

function request(method: string, path: string, body = '', ...headers: readonly string[]): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

async function connections(): Promise<number> {
  const { body } = await ask(request('GET', '/metrics'));
  return Number(/^conclave_sidecar_connections (\d+)$/m.exec(body)![1]);
}

describe('conclave sidecar, misused', () => {
  let sync: Sync;
  let held: Held;

  beforeEach(async () => {
    sync = await connect(sidecar(`http://127.0.0.1:${port}`));
    held = await sync.lock('held', { ttlMs: 3_600_000 }).acquire();
    expect((await ask(request('PUT', '/locks/beaten'))).status).toBe(200);
  });

  /** Others are unharmed: what was held is held, and what is free can be had. */
  afterEach(async () => {
    expect((await ask(request('PUT', '/locks/beaten'))).status).toBe(200);
    expect(held.held).toBe(true);
    await held.release();
    expect((await sync.lock('held').tryAcquire())?.held).toBe(true);
    await sync.close();
  });

  test.each([
    ['a body that is not JSON', request('PUT', '/locks/x', '{"oops'), 400],
    ['an unknown path', request('GET', '/no/such'), 404],
    ['an unknown verb', request('PATCH', '/locks/x'), 405],
    ['what is no HTTP', '\u0000\u0001\u0002\r\n\r\n', 400],
    ['a name of 512 bytes of any kind', request('PUT', `/locks/${'%FF'.repeat(512)}`), 200],
    ['a name of 513 bytes', request('PUT', `/locks/${'n'.repeat(513)}`), 400],
    ['the release of a lock that never was', request('DELETE', '/locks/never'), 404],
    ['the release of what another one holds', request('DELETE', '/locks/beaten', '', 'X-Sync-Client: other'), 409],
    ['a time to wait that is negative', request('PUT', '/locks/x?waitMs=-1'), 400],
    ['a body that is too long', request('PUT', '/locks/x', ' '.repeat(70_000)), 413],
  ])('answers %s', async (_, bytes, status) => {
    expect((await ask(bytes)).status).toBe(status);
  });

  test.each([
    ['--ttl', '99ms'],
    ['--ttl', '25h'],
  ])('does not start with %s %s', async (...flags) => {
    const { child, said } = run('--listen', `127.0.0.1:${(await freePorts(1))[0]}`, ...flags);

    expect(await endOf(child, () => 'a sidecar with a TTL that is none')).toBe(1);
    expect(said()).toMatch(/^ERR_INVALID_OPTION: ttlMs must be a whole number from 100 to 86400000/);
  });

  test('listens where it is told to, and warns where others can reach it', async () => {
    const [one, other] = (await freePorts(2)) as [number, number];
    const open = await start('--listen', `0.0.0.0:${one},127.0.0.1:${other}`);
    onTestFinished(() => void open.child.kill('SIGKILL'));

    expect(open.said().match(/can be reached from other machines/g)).toHaveLength(1);
    expect(open.said()).toContain(`0.0.0.0:${one} can be reached from other machines`);
    expect(running.said()).not.toContain('can be reached');
  });

  const terms = { name: 'lock/x', of: 4, permits: 1, isWaiting: false, value: null };
  const claim = (change: object): Command => ({
    type: 'claim',
    session: 1,
    request: 1,
    terms: { ...terms, ...change },
  });

  test.each([
    ['negative permits', claim({ permits: -1 })],
    ['no permits', claim({ permits: 0 })],
    ['half a permit', claim({ permits: 0.5 })],
    ['more permits than there are', claim({ permits: 5 })],
    ['fewer permits than none', claim({ of: -4 })],
    ['a name that is longer than any', claim({ name: `lock/${'n'.repeat(600)}` })],
    ['a TTL below the floor', { type: 'openSession', session: 2, ttlMs: 99 }],
  ] as [string, Command][])('ends the connection of who claims %s', async (_, command) => {
    const { tell, ended } = await speak();
    tell({ type: 'openSession', session: 1, ttlMs: 1_000 });

    tell(command);

    await within(ended, ANSWER_MS, () => 'the connection goes on');
  });

  test('has nothing to say against one who gives up what it does not hold', async () => {
    const { tell, answers } = await speak();
    tell({ type: 'openSession', session: 1, ttlMs: 1_000 });

    tell({ type: 'giveUp', session: 1, request: 77 });
    tell({ type: 'giveUp', session: 9, request: 1 });

    await vi.waitFor(() => expect(answers).toHaveLength(3), { timeout: ANSWER_MS });
    // What two sessions ask for is answered in any order.
    const done = [1, 2, 3].map((id) => ({ type: 'done', id, result: null }));
    expect(answers).toEqual(expect.arrayContaining(done));
  });

  test('bears thousands of connections that say nothing, and ends those of them that are one too many', async () => {
    const idle: Socket[] = [];
    onTestFinished(() => idle.forEach((socket) => socket.destroy()));
    for (let i = 0; i < 5_500; i += 100) {
      const opened = Array.from({ length: 100 }, () => connectTo({ port, host: '127.0.0.1' }).on('error', () => {}));
      await Promise.all(opened.map((socket) => once(socket, 'connect')));
      idle.push(...opened);
      if (i % 1_000 === 0) expect((await ask(request('PUT', '/locks/meanwhile'))).status).toBe(200);
    }

    expect(await connections()).toBeLessThanOrEqual(5_000);
    await vi.waitFor(() => expect(idle.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(500), {
      timeout: ANSWER_MS,
    });
  });

  test('ends those who send their requests byte by byte, and answers others meanwhile', async () => {
    const slow = await Promise.all(Array.from({ length: 300 }, () => RawClient.connect(port)));
    const drip = setInterval(() => slow.forEach((client) => client.socket.writable && client.write('a')), 100);
    onTestFinished(() => {
      clearInterval(drip);
      slow.forEach((client) => client.close());
    });
    for (const client of slow) client.write('PUT /locks/slow HTTP/1.1\r\nX-Slow: ');
    let isOver = false;
    const ended = Promise.all(slow.map((client) => client.ended())).then(() => (isOver = true));

    const statuses = new Set<number>();
    while (!isOver) statuses.add((await ask(request('PUT', '/locks/meanwhile'))).status);

    await ended;
    expect([...statuses]).toEqual([200]);
    expect((await ask(request('GET', '/locks/slow'))).status).toBe(404);
  });

  test('reads no more from one who asks and asks, and reads no answers', async () => {
    const deaf = connectTo({ port, host: '127.0.0.1' }).on('error', () => {});
    onTestFinished(() => void deaf.destroy());
    await once(deaf, 'connect');
    deaf.pause();
    const many = request('GET', '/locks/beaten').repeat(1_000);

    // 600 MB of answers, if they were all kept.
    for (let i = 0; i < 1_000 && deaf.writableLength < 4 * many.length; i++) {
      deaf.write(many);
      await ask(request('GET', '/healthz'));
    }

    expect(deaf.writableLength).toBeGreaterThan(0);
    expect(running.child.exitCode).toBeNull();
  });
});

/** A connection as `sidecar(url)` has one, to say on it what no client says. */
async function speak(): Promise<{
  readonly tell: (command: Command) => void;
  readonly answers: readonly unknown[];
  readonly ended: Promise<void>;
}> {
  const socket = connectTo({ port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.write('CONNECT conclave-sync:1 HTTP/1.1\r\nHost: conclave-sync:1\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  expect(head.toString()).toBe('HTTP/1.1 200 OK\r\n\r\n');
  const answers: unknown[] = [];
  let stream: MessageStream | null = null;
  const ended = new Promise<void>((resolve) => {
    const onMessage = (message: unknown): void => void answers.push(message);
    stream = new MessageStream({ socket, head: new Uint8Array(), onMessage, onEnd: () => resolve() });
  });
  let id = 0;
  return { tell: (command) => stream!.send({ id: ++id, command }), answers, ended };
}
