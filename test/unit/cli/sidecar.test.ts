/** `conclave sidecar`, in this process: from its flags to its end. */

import { describe, expect, it } from 'vitest';
import type { EndingSignal } from '../../../src/cli/io.js';
import { freePorts } from '../../../src/testing/free-ports.js';
import { run, type Outcome } from './recorded-io.js';

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

  it.each([
    [['--ttl', '30'], 'It is no length of time'],
    [['--ttl', 'soon'], 'It is no length of time'],
    [['--listen', 'everywhere'], 'It is no HOST:PORT'],
    [['--backend', 'paper'], 'Allowed choices are raft, memory'],
  ])('does not understand %j', async (flags, complaint) => {
    const { code, err } = await run(['sidecar', ...flags]);

    expect(code).toBe(2);
    expect(err).toContain(complaint);
  });

  it.each([
    [[], '--self HOST:PORT'],
    [['--backend', 'memory', '--ttl', '5ms', '--listen', '127.0.0.1:1'], 'ttlMs must be'],
  ])('refuses %j', async (flags, complaint) => {
    const { code, err } = await run(['sidecar', ...flags]);

    expect(code).toBe(1);
    expect(err).toContain(complaint);
  });
});
