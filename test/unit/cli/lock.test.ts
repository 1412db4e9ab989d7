/** `conclave lock`, in this process: the commands that it runs are processes. */

import { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EndingSignal } from '../../../src/cli/io.js';
import { openMemoryBackend } from '../../../src/sidecar/memory-backend.js';
import { Sidecar } from '../../../src/sidecar/sidecar.js';
import { connect, sidecar } from '../../../src/sync/index.js';
import { freePorts } from '../../../src/testing/free-ports.js';
import { run, type Outcome, type RecordedOptions } from './recorded-io.js';

const PATIENCE = { timeout: 10_000, interval: 5 };

describe('conclave lock', () => {
  let folder: string;
  let url: string;
  let running: Sidecar;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'conclave-lock-'));
    const [port] = (await freePorts(1)) as [number];
    url = `http://127.0.0.1:${port}`;
    running = await Sidecar.start({ opened: openMemoryBackend(), listen: [`127.0.0.1:${port}`], warn: () => {} });
  });

  afterEach(async () => {
    await running.stop();
    rmSync(folder, { recursive: true });
  });

  /** A program that says in a file that it runs, with its token, and then does as it is told. */
  function program(name: string, then: string): readonly string[] {
    const file = JSON.stringify(join(folder, name));
    const says = `require('fs').writeFileSync(${file} + '~', process.env.FENCING_TOKEN)`;
    return [process.execPath, '-e', `${then};${says};require('fs').renameSync(${file} + '~', ${file})`];
  }

  async function runs(name: string): Promise<bigint> {
    const file = join(folder, name);
    await vi.waitUntil(() => existsSync(file), PATIENCE);
    return BigInt(readFileSync(file, 'utf8'));
  }

  interface Started {
    readonly ended: Promise<Outcome>;
    /** Resolves once it is told of signals. */
    readonly listens: Promise<void>;
    readonly send: (signal: EndingSignal) => void;
  }

  function lock(command: readonly string[], ...flags: readonly string[]): Started {
    return lockAt({}, command, ...flags);
  }

  function lockAt(io: RecordedOptions, command: readonly string[], ...flags: readonly string[]): Started {
    let send: (signal: EndingSignal) => void = () => {};
    let onListens: () => void = () => {};
    const listens = new Promise<void>((resolve) => (onListens = resolve));
    const ended = run(['lock', 'x', '--url', url, ...flags, '--', ...command], {
      ...io,
      onSignals: (listener) => {
        send = listener;
        onListens();
      },
    });
    return { ended, listens, send: (signal) => send(signal) };
  }

  async function isFree(): Promise<boolean> {
    const sync = await connect(sidecar(url));
    const held = await sync.lock('x').tryAcquire();
    await sync.close();
    return held !== null;
  }

  it('runs a command while it holds the lock, with its token, and ends as it does', async () => {
    const first = await lock(program('first', 'process.exitCode = 7')).ended;
    const second = await lock(program('second', '')).ended;

    expect([first.code, second.code, await isFree()]).toEqual([7, 0, true]);
    expect(await runs('second')).toBeGreaterThan(await runs('first'));
  });

  it('has the next one wait', async () => {
    const first = lock(program('first', `process.on('SIGTERM', () => process.exit()); setInterval(() => {}, 1e6)`));
    await runs('first');
    const second = lock(program('second', ''));
    expect(await isFree()).toBe(false);
    expect(existsSync(join(folder, 'second'))).toBe(false);

    first.send('SIGTERM');

    expect([(await first.ended).code, (await second.ended).code]).toEqual([0, 0]);
  });

  it('lets those who share run together', async () => {
    const command = (name: string): readonly string[] => program(name, 'setInterval(() => {}, 1e6)');
    const [first, second] = [lock(command('first'), '--shared'), lock(command('second'), '--shared')];

    await Promise.all([runs('first'), runs('second')]);

    first.send('SIGTERM');
    second.send('SIGINT');
    expect([(await first.ended).code, (await second.ended).code]).toEqual([128 + 15, 128 + 2]);
  });

  it('passes on a signal, and ends as the command makes of it', async () => {
    const { ended, send } = lock(
      program('first', `process.on('SIGHUP', () => process.exit(42)); setInterval(() => {}, 1e6)`),
    );
    await runs('first');

    send('SIGHUP');

    expect((await ended).code).toBe(42);
  });

  it('does not pass on what a terminal has sent to the command already, wherever its output goes', async () => {
    const io = { isAtTerminal: true, isTerminal: false };
    const command = `for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => process.exit(name === 'SIGINT' ? 2 : 3))`;
    const { ended, send } = lockAt(io, program('first', `${command}; setInterval(() => {}, 1e6)`));
    await runs('first');

    send('SIGINT');
    send('SIGTERM');

    expect((await ended).code).toBe(3);
  });

  it.each([
    ['is told to end', '', '1h', 128 + 15],
    ['and does not end by itself is killed', `process.on('SIGTERM', () => {});`, '2s', 128 + 9],
    [
      'and says that all is well has not done what it was to do',
      `process.on('SIGTERM', () => process.exit(0));`,
      '1h',
      5,
    ],
  ])('whose lock is lost %s', async (_, then, ttl, status) => {
    const { ended } = lock(program('first', `${then} setInterval(() => {}, 1e6)`), '--ttl', ttl);
    await runs('first');

    await running.stop();

    expect(await ended).toMatchObject({ code: status, err: 'The lock is lost: the command is told to end.\n' });
  });

  it('runs for as long as a command that it may not send signals to, and holds the lock', async () => {
    const { ended, send } = lock(
      program('first', `process.on('SIGHUP', () => process.exit(42)); setInterval(() => {}, 1e6)`),
    );
    await runs('first');
    // As of a command that another user runs, by sudo for instance.
    const kill = vi.spyOn(ChildProcess.prototype, 'kill').mockImplementation(function (this: ChildProcess) {
      this.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM' }));
      return false;
    });

    send('SIGTERM');
    send('SIGTERM');
    kill.mockRestore();
    expect(await isFree()).toBe(false);
    send('SIGHUP');

    expect(await ended).toMatchObject({ code: 42, err: expect.stringContaining('kill EPERM') as string });
  });

  it('does not say that all is well where nobody has noticed yet that the lock is lost', async () => {
    const { ended, send } = lock(
      program('first', `process.on('SIGHUP', () => process.exit(0)); setInterval(() => {}, 1e6)`),
    );
    await runs('first');
    // The machine is suspended meanwhile, which no timer knows of.
    const wall = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    onTestFinished(() => wall.mockRestore());

    send('SIGHUP');

    expect((await ended).code).toBe(5);
  });

  it('does not wait for longer than it is told', async () => {
    const held = await (await connect(sidecar(url))).lock('x').acquire();

    const { code, err } = await lock(program('first', ''), '--timeout', '50ms').ended;

    expect(code).toBe(1);
    expect(err).toContain('ERR_TIMEOUT');
    expect(existsSync(join(folder, 'first'))).toBe(false);
    await held.release();
  });

  it('ends by a signal while it waits', async () => {
    const sync = await connect(sidecar(url));
    await sync.lock('x').acquire();
    const { ended, listens, send } = lock(program('first', ''));
    await listens;

    send('SIGTERM');

    expect((await ended).code).toBe(128 + 15);
    await sync.close();
    expect(await isFree()).toBe(true);
  });

  it.each([
    ['is empty', ['']],
    ['has arguments that are too long', [process.execPath, 'x'.repeat(4 * 1024 * 1024)]],
  ])('says that a command cannot be run that %s, and holds nothing', async (_, command) => {
    const { code, err } = await lock(command).ended;

    expect([code, err]).toEqual([126, expect.stringMatching(/./)]);
    expect(await isFree()).toBe(true);
  });

  it('says where the command comes, if its flags are taken for flags of the lock', async () => {
    const { code, err } = await run(['lock', 'x', '--url', url, process.execPath, '-e', '']);

    expect([code, err]).toEqual([2, expect.stringContaining('what to run comes after --')]);
  });

  it('says that there is no such command, and holds nothing', async () => {
    const { code, err } = await lock(['/there/is/no/such/command']).ended;

    expect(code).toBe(127);
    expect(err).toContain('The command /there/is/no/such/command could not be found');
    expect(await isFree()).toBe(true);
  });

  it('says that nobody answers', async () => {
    await running.stop();

    const { code, err } = await lock(program('first', '')).ended;

    expect(code).toBe(3);
    expect(err).toContain('ERR_UNREACHABLE');
  });
});
