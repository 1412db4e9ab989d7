/** `conclave sidecar`, in this process: from its flags to its end. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { logLine } from '../../../src/cli/sidecar-backends.js';
import { ConclaveError } from '../../../src/errors.js';
import type { EndingSignal } from '../../../src/cli/io.js';
import { systemTimekeeper } from '../../../src/runtime/timekeeper.js';
import { leaseNameOf } from '../../../src/sync/index.js';
import { freePorts } from '../../../src/testing/free-ports.js';
import { FakeApiServer } from '../sync/kubernetes/support/fake-api-server.js';
import { HttpApiServer } from '../sync/kubernetes/support/http-api-server.js';
import { kubeconfigOf } from '../sync/kubernetes/support/kubeconfig.js';
import { run, type Outcome } from './recorded-io.js';

// The first of them loads all that a sidecar needs.
vi.setConfig({ testTimeout: 30_000 });

interface Started {
  readonly url: string;
  readonly said: () => string;
  readonly end: (signal: EndingSignal) => Promise<Outcome>;
}

async function start(...flags: readonly string[]): Promise<Started> {
  const [port] = (await freePorts(1)) as [number];
  let said = '';
  let send: (signal: EndingSignal) => void = () => {};
  let ended: Promise<Outcome> = Promise.reject(new Error('not started'));
  ended.catch(() => {});
  await new Promise<void>((resolve, reject) => {
    const onErr = (text: string): void => {
      said += text;
      if (said.includes('Answers for locks on')) resolve();
    };
    const listen = ['--listen', `127.0.0.1:${port}`];
    ended = run(['sidecar', ...listen, ...flags], { onErr, onSignals: (listener) => (send = listener) });
    ended.then(({ err }) => reject(new Error(err)), reject);
  });
  const end = (signal: EndingSignal): Promise<Outcome> => {
    send(signal);
    return ended;
  };
  return { url: `http://127.0.0.1:${port}`, said: () => said, end };
}

describe('conclave sidecar', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('answers until it is told to end, by %s', async (signal) => {
    const { url, end } = await start('--backend', 'memory', '--identity', 'me', '--ttl', '45s', '--namespace', 'shop');

    const response = await fetch(`${url}/locks/x`, { method: 'PUT' });
    const { code, out } = await end(signal);

    expect(await response.json()).toMatchObject({ metadata: { namespace: 'shop' }, spec: { owner: 'me' } });
    expect({ code, out }).toEqual({ code: 0, out: '' });
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('ends in order when it is told to while it starts', async () => {
    const [port] = (await freePorts(1)) as [number];

    const { code, err } = await run(['sidecar', '--backend', 'memory', '--listen', `127.0.0.1:${port}`], {
      onSignals: (send) => queueMicrotask(() => send('SIGTERM')),
    });

    expect({ code, err }).toEqual({ code: 0, err: '' });
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed');
  });

  it.each([
    ['that it is given', ['--namespace', 'test']],
    ['of its cluster', []],
  ])('keeps its locks in the Leases of the namespace %s', async (_, flags) => {
    const api = new FakeApiServer(systemTimekeeper);
    api.admit('pod');
    const server = await HttpApiServer.start(api);
    const folder = mkdtempSync(join(tmpdir(), 'conclave-sidecar-'));
    writeFileSync(join(folder, 'config'), kubeconfigOf(server.url, 'pod'));
    vi.stubEnv('KUBECONFIG', join(folder, 'config'));
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
      await server.stop();
    });
    const { url, end } = await start('--backend', 'kubernetes', ...flags, '--identity', 'pod-1');

    const response = await fetch(`${url}/locks/x`, { method: 'PUT' });
    const held = api.store.get(leaseNameOf('lock', 'x'));
    await vi.waitUntil(async () => (await fetch(`${url}/readyz`)).ok, { timeout: 10_000, interval: 20 });
    const { code } = await end('SIGTERM');

    expect(await response.json()).toMatchObject({ metadata: { namespace: 'test' }, spec: { owner: 'pod-1' } });
    expect(response.headers.get('x-fencing-token')).toBe(held.metadata!.resourceVersion);
    expect(held.spec!.holderIdentity).toMatch(/^pod-1_/);
    expect(code).toBe(0);
    expect(api.store.get(leaseNameOf('lock', 'x')).spec!.holderIdentity).toBe('');
  });

  it.each([
    [['--ttl', '30'], 'It is no length of time'],
    [['--ttl', 'soon'], 'It is no length of time'],
    [['--listen', 'everywhere'], 'It is no HOST:PORT'],
    [['--backend', 'paper'], 'Allowed choices are raft, kubernetes, memory'],
    [[], '--backend raft needs --self HOST:PORT'],
    [['--backend', 'kubernetes', '--data-dir', '/data'], '--data-dir is for --backend raft'],
    [['--backend', 'kubernetes', '--self', 'a:1'], 'means nothing with --backend kubernetes'],
    [['--backend', 'memory', '--join'], '--join is for --backend raft'],
    [['--backend', 'memory', '--peers', 'a:1,b:1'], '--peers is for --backend raft'],
  ])('does not understand %j', async (flags, complaint) => {
    const { code, err } = await run(['sidecar', ...flags]);

    expect(code).toBe(2);
    expect(err).toContain(complaint);
  });

  it.each([
    [['--backend', 'kubernetes', '--namespace', 'No Namespace'], 'namespace must be the name of a namespace'],
    [['--backend', 'kubernetes', '--identity', 'x'.repeat(129)], 'identity must be a string of up to 128 bytes'],
    [['--backend', 'memory', '--ttl', '5ms', '--listen', '127.0.0.1:1'], 'ttlMs must be'],
  ])('refuses %j', async (flags, complaint) => {
    const { code, err } = await run(['sidecar', ...flags]);

    expect(code).toBe(1);
    expect(err).toContain(complaint);
  });
});

it('what a node logs of an error has what it says, and why', () => {
  const cause = Object.assign(new Error('write EIO'), { code: 'EIO' });

  const line = logLine(
    'error',
    { node: 'a:1', err: new ConclaveError('ERR_STORAGE', 'It refuses.', { cause }) },
    'it ends',
  );

  expect(line).toBe(
    'error: it ends {"node":"a:1","err":{"said":"ERR_STORAGE: It refuses.","cause":"Error: write EIO"}}',
  );
});
