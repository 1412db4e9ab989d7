/** Leases by way of the official client, on sockets: what it sends, and what is made of each answer and of none. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemTimekeeper } from '../../../../src/runtime/timekeeper.js';
import { connect, kubernetes } from '../../../../src/sync/index.js';
import { ClientNodeLeaseApi } from '../../../../src/sync/kubernetes/client-node-lease-api.js';
import { LeaseApiError, type Lease, type LeaseEvent } from '../../../../src/sync/kubernetes/lease-api.js';
import { errorOf } from '../../actors/replicated/error-of.js';
import { FakeApiServer } from '../kubernetes/support/fake-api-server.js';
import { HttpApiServer } from '../kubernetes/support/http-api-server.js';
import { kubeconfigOf } from '../kubernetes/support/kubeconfig.js';

const TIME = '2026-01-02T03:04:05.678901Z';
const waiting = new AbortController().signal;

async function failureOf(action: Promise<unknown>): Promise<LeaseApiError> {
  const error = await action.catch((thrown: unknown) => thrown);
  if (error instanceof LeaseApiError) return error;
  throw new Error('it has not failed as a request fails', { cause: error });
}

describe('the official client', () => {
  let fake: FakeApiServer;
  let http: HttpApiServer;
  let api: ClientNodeLeaseApi;

  beforeEach(async () => {
    fake = new FakeApiServer(systemTimekeeper);
    fake.admit('me');
    http = await HttpApiServer.start(fake);
    api = await ClientNodeLeaseApi.open({ kubeconfig: kubeconfigOf(http.url, 'me') }, 'test');
  });

  afterEach(() => http.stop());

  const lease = (spec: Lease['spec']): Lease => ({ metadata: { name: 'x' }, spec });

  it('writes times with six digits, and keeps those of others to the last one', async () => {
    const created = await api.create(lease({ holderIdentity: 'a', acquireTime: TIME, renewTime: TIME }), waiting);
    const read = await api.read('x', waiting);
    const replaced = await api.replace({ ...read, spec: { ...read.spec, holderIdentity: 'b' } }, waiting);

    expect([created, read, replaced].map(({ spec }) => spec.renewTime)).toEqual([TIME, TIME, TIME]);
    expect(fake.store.get('x').spec!.acquireTime).toBe(TIME);
  });

  it('tells what was not done from what may have been', async () => {
    const faults = fake.faultsOf('me');
    const missing = await failureOf(api.read('x', waiting));
    await api.create(lease({}), waiting);
    const twice = await failureOf(api.create(lease({}), waiting));
    const stale = await api.read('x', waiting);
    fake.store.replace('x', { ...fake.store.get('x'), spec: { holderIdentity: 'b' } });
    const late = await failureOf(api.replace(stale, waiting));
    faults.failures.push('429', '500');
    const busy = await failureOf(api.read('x', waiting));
    const troubled = await failureOf(api.read('x', waiting));
    faults.dropAfterCommit = 1;
    const dropped = await failureOf(api.replace(await api.read('x', waiting), waiting));
    const bad = await failureOf(api.create({ metadata: { name: 'y' }, spec: { leaseDurationSeconds: 0 } }, waiting));

    expect([missing, twice, late, busy, troubled, dropped, bad].map(({ failure }) => failure)).toEqual([
      'not found',
      'conflict',
      'conflict',
      'busy',
      'unanswered',
      'unanswered',
      'refused',
    ]);
    expect(busy.retryAfterMs).toBe(1_000);
    expect(late.message).toContain('the object has been modified');
  });

  it('asks whether the server is there, and knows who asks', async () => {
    await api.ping(waiting);
    const faults = fake.faultsOf('me');
    faults.failures.push('500');
    const troubled = await failureOf(api.ping(waiting));
    const stranger = await ClientNodeLeaseApi.open({ kubeconfig: kubeconfigOf(http.url, 'nobody') }, 'test');
    const unknown = await failureOf(stranger.ping(waiting));

    expect([troubled, unknown].map(({ failure, status }) => [failure, status])).toEqual([
      ['unanswered', 500],
      ['refused', 401],
    ]);
  });

  it('waits no longer than it is told to', async () => {
    fake.faultsOf('me').isPartitioned = true;
    const aborting = new AbortController();
    const reading = failureOf(api.read('x', aborting.signal));

    aborting.abort();

    expect((await reading).failure).toBe('unanswered');
  });

  it('tells what happens, from a version on', async () => {
    const { metadata } = await api.create(lease({ holderIdentity: 'a', renewTime: TIME }), waiting);
    const events: LeaseEvent[] = [];
    let ended: LeaseApiError | null | undefined;
    api.watch(
      'x',
      metadata.resourceVersion!,
      (event) => events.push(event),
      (error) => (ended = error),
    );
    await vi.waitFor(() => expect(fake.requests).toContain('watch x'));

    fake.store.replace('x', { ...fake.store.get('x'), spec: { holderIdentity: 'b' } });
    fake.bookmark();
    fake.store.delete('x');
    await vi.waitFor(() => expect(events).toHaveLength(3));
    fake.endWatches();
    await vi.waitFor(() => expect(ended).toBeNull());

    expect(events.map(({ type }) => type)).toEqual(['kept', 'bookmark', 'deleted']);
    expect(events[0]).toMatchObject({ lease: { spec: { holderIdentity: 'b' } } });
  });

  it.each([true, false])('tells that it cannot go on from there (refused at once: %s)', async (refuses) => {
    const { metadata } = await api.create(lease({}), waiting);
    fake.refusesExpiredWatches = refuses;
    fake.store.writeElsewhere();
    fake.store.compact();

    const error = await new Promise<LeaseApiError | null>((resolve) => {
      api.watch('x', metadata.resourceVersion!, () => {}, resolve);
    });

    expect(error?.failure).toBe('expired');
  });

  it('tells that watching is refused', async () => {
    fake.faultsOf('me').isWatchRefused = true;

    const error = await new Promise<LeaseApiError | null>((resolve) => api.watch('x', null, () => {}, resolve));

    expect(error).toMatchObject({ failure: 'refused', status: 405 });
  });

  it('finds its cluster by KUBECONFIG', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-'));
    const file = join(folder, 'config');
    await writeFile(file, kubeconfigOf(http.url, 'me'));
    vi.stubEnv('KUBECONFIG', file);
    try {
      const sync = await connect(kubernetes());
      expect((await sync.lock('x').tryAcquire())?.held).toBe(true);
      await sync.close();
    } finally {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
    }
  });
});

describe('a watch that is not answered', () => {
  let server: Server;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('leaves no connection behind when it is ended', async () => {
    const { port } = server.address() as { port: number };
    const api = await ClientNodeLeaseApi.open({ kubeconfig: kubeconfigOf(`http://127.0.0.1:${port}`, 'me') }, 'test');
    const stop = api.watch(
      'x',
      null,
      () => {},
      () => {},
    );
    await vi.waitFor(() => expect(sockets.size).toBe(1));

    stop();

    await vi.waitFor(() => expect(sockets.size).toBe(0));
  });
});

describe('kubernetes()', () => {
  const kubeconfig = kubeconfigOf('http://127.0.0.1:1', 'me');

  it.each([
    ['namespace', { namespace: 'Not_One' }],
    ['namespace', { namespace: '' }],
    ['identity', { namespace: 'test', identity: '' }],
    ['identity', { namespace: 'test', identity: 'x'.repeat(129) }],
    ['kubeconfig', { namespace: 'test', kubeconfig: 'no: config' }],
    ['kubeconfig', { namespace: 'test', kubeconfig, context: 'no such' }],
    ['kubeconfig', { namespace: 'test', kubeconfig: kubeconfig.replace('true', 'false') }],
    ['leaseMs', { namespace: 'test', leaseMs: 5 }],
  ])('refuses %s that is none', async (option, options) => {
    const error = await errorOf(() => kubernetes({ kubeconfig, ...options }));

    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option } });
  });

  it('says what to install', async () => {
    vi.resetModules();
    vi.doMock('@kubernetes/client-node', () => {
      throw new Error('Cannot find package');
    });
    try {
      const fresh = await import('../../../../src/sync/kubernetes/kubernetes.js');
      const error: unknown = await fresh.kubernetes({ namespace: 'test' }).catch((thrown: unknown) => thrown);

      expect(error).toMatchObject({ code: 'ERR_MISSING_PACKAGE', data: { package: '@kubernetes/client-node' } });
      expect((error as Error).message).toContain('npm install @kubernetes/client-node@^1.4.0');
    } finally {
      vi.doUnmock('@kubernetes/client-node');
    }
  });
});
