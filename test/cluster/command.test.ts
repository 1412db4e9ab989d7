/** The command as it is installed: a process of its own, against nodes on threads. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Runtime } from 'conclave';
import { ReplCounter } from 'conclave/objects';
import { LocalCluster } from 'conclave/testing';
import { freePorts } from '../../dist/testing/free-ports.js';
import { endOf, within } from './support/process-end.js';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const OBJECTS = { hits: ReplCounter };
/** On a busy machine. */
const START_TIMEOUT_MS = 20_000;
/** Less than a test has. */
const COMMAND_TIMEOUT_MS = 45_000;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function conclave(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { timeout: COMMAND_TIMEOUT_MS }, (error, out, err) => {
      // One that was killed, for it did not end, has none.
      resolve({ code: error === null ? 0 : Number(error.code ?? NaN), out, err });
    });
  });
}

let cluster: LocalCluster<typeof OBJECTS>;

beforeAll(async () => {
  cluster = await LocalCluster.start({ objects: OBJECTS, threads: true });
  await cluster.ready();
});
afterAll(() => cluster.stop());

const addresses = (): string[] => cluster.nodes.map((node) => node.status().self!);

describe('conclave', () => {
  test('ends when nobody reads on what it says again and again', async () => {
    const [node] = addresses() as [string];
    const watching = spawn(process.execPath, [COMMAND, 'status', node, '--json', '--watch', '0.01']);
    const err = text(watching.stderr);
    onTestFinished(() => void watching.kill('SIGKILL'));
    const ended = endOf(watching, () => 'conclave status --watch');
    await within(once(watching.stdout, 'data'), START_TIMEOUT_MS, () => 'conclave status --watch has said nothing');

    watching.stdout.destroy();

    expect(await ended).toBe(0);
    expect(await err).toBe('');
  });

  test('does not say that nothing has changed where what it says cannot be written', async () => {
    const [node] = addresses() as [string];
    // Nothing can be written to what is open for reading only.
    const file = openSync(COMMAND, 'r');
    onTestFinished(() => closeSync(file));
    const compacting = spawn(process.execPath, [COMMAND, 'compact', node], { stdio: ['ignore', file, 'pipe'] });
    onTestFinished(() => void compacting.kill('SIGKILL'));
    const err = text(compacting.stderr!);

    const code = await endOf(compacting, () => 'conclave compact');

    expect(code).toBe(5);
    expect(await err).toMatch(/^What there is to say cannot be written: .*\n$/);
  });

  test('says how each node fares, and ends by itself', async () => {
    const [node] = addresses() as [string];

    const { code, out, err } = await conclave('status', node, '--json');

    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({ self: node, health: 'ok', members: addresses().map((id) => ({ id })) });
  });

  test('adds a node, has it lead, has it compact, and removes it while it is the one that is asked', async () => {
    const [port] = (await freePorts(1)) as [number];
    const newcomer = `127.0.0.1:${port}`;
    await using joining = await Runtime.start({ self: newcomer, peers: [], join: true, objects: OBJECTS });
    const [member] = addresses() as [string];

    const ended = [
      await conclave('add', member, newcomer),
      await conclave('transfer', member, newcomer),
      await conclave('compact', newcomer),
      await conclave('remove', newcomer, newcomer),
    ];

    expect(ended.map(({ code, err }) => ({ code, err }))).toEqual(ended.map(() => ({ code: 0, err: '' })));
    const { out } = await conclave('status', member, '--json');
    expect((JSON.parse(out) as { readonly members: readonly unknown[] }).members).toHaveLength(3);
    await vi.waitUntil(() => joining.status().health === 'stopped', { timeout: 20_000 });
  });

  test.each([
    ['refused', 1, () => ['remove', addresses()[0]!, '127.0.0.1:1']],
    ['usage', 2, () => ['remove', addresses()[0]!]],
    ['unreachable', 3, () => ['status', '127.0.0.1:1']],
    ['stranger', 4, () => ['status', addresses()[0]!, '--cluster', 'another']],
    ['unknown', 5, () => ['add', addresses()[0]!, '127.0.0.1:1', '--timeout', '0.3']],
  ])('ends with the code of what became of it: %s', async (_what, expected, args) => {
    const { code, out, err } = await conclave(...args());

    expect({ code, out }).toEqual({ code: expected, out: '' });
    expect(err).not.toContain('    at ');
  });
});
