/**
 * Leases in a pod: by the service account that it is given, over HTTPS, with nothing said about where the cluster is.
 */

import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemTimekeeper } from '../../../../src/runtime/timekeeper.js';
import { connect, kubernetes, leaseNameOf } from '../../../../src/sync/index.js';
import { ClientNodeLeaseApi } from '../../../../src/sync/kubernetes/client-node-lease-api.js';
import { errorOf } from '../../actors/replicated/error-of.js';
import { SERVER_CERTIFICATE, SERVER_KEY, STRANGE_CERTIFICATE } from '../kubernetes/support/certificates.js';
import { FakeApiServer } from '../kubernetes/support/fake-api-server.js';
import { HttpApiServer } from '../kubernetes/support/http-api-server.js';
import { ServiceAccountFolder } from '../kubernetes/support/service-account.js';

// The first of them loads the official client, which is large.
vi.setConfig({ testTimeout: 30_000 });

const ACCOUNT = { token: 'first token', namespace: 'test', 'ca.crt': SERVER_CERTIFICATE } as const;
const waiting = new AbortController().signal;

/** Until the test has finished. */
function inPod(...given: ConstructorParameters<typeof ServiceAccountFolder>): ServiceAccountFolder {
  const folder = new ServiceAccountFolder(...given);
  onTestFinished(() => folder.remove());
  return folder;
}

describe('in a pod', () => {
  let fake: FakeApiServer;
  let http: HttpApiServer;

  beforeEach(async () => {
    fake = new FakeApiServer(systemTimekeeper);
    fake.admit(ACCOUNT.token);
    http = await HttpApiServer.start(fake, { key: SERVER_KEY, cert: SERVER_CERTIFICATE });
  });

  afterEach(async () => {
    vi.useRealTimers();
    await http.stop();
  });

  it('the service account says who this is, and in which namespace the Leases are', async () => {
    inPod(ACCOUNT, http.url);
    await using sync = await connect(kubernetes());

    await using held = await sync.lock('x').acquire();

    expect(held.token).toBe(BigInt(fake.store.get(leaseNameOf('lock', 'x')).metadata!.resourceVersion!));
  });

  it('what is said goes before the namespace of the service account', async () => {
    inPod({ ...ACCOUNT, namespace: 'another' }, http.url);
    await using sync = await connect(kubernetes({ namespace: 'test' }));

    expect((await sync.lock('x').tryAcquire())?.held).toBe(true);
  });

  it('a token that the kubelet has exchanged is read again', async () => {
    const folder = inPod(ACCOUNT, http.url);
    const api = await ClientNodeLeaseApi.open({}, 'test');
    await api.ping(waiting);

    folder.write('token', 'second token');
    fake.admit('second token');
    fake.dismiss(ACCOUNT.token);
    // The client reads it once in a minute.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });

    await api.ping(waiting);
    await api.create({ metadata: { name: 'x' }, spec: { holderIdentity: 'a' } }, waiting);
    expect(fake.store.get('x').spec!.holderIdentity).toBe('a');
  });

  it('nothing is told to a server that the authority of the cluster does not vouch for', async () => {
    inPod({ ...ACCOUNT, 'ca.crt': STRANGE_CERTIFICATE }, http.url);
    const api = await ClientNodeLeaseApi.open({}, 'test');

    const failures: unknown[] = [
      await api.ping(waiting).catch((error: unknown) => error),
      await api.read('x', waiting).catch((error: unknown) => error),
      await new Promise((resolve) => api.watch('x', null, () => {}, resolve)),
    ];

    for (const error of failures)
      expect(error).toMatchObject({ failure: 'unanswered', message: expect.stringMatching(/certificate/) });
    expect(fake.requests).toEqual([]);
  });

  it.each([
    ['where the API server is', ACCOUNT, 'kubeconfig'],
    ['a namespace', { ...ACCOUNT, namespace: 'Not One' }, 'namespace'],
  ])('says what is missing: %s', async (_, account, option) => {
    inPod(account, option === 'kubeconfig' ? null : http.url);

    expect(await errorOf(() => kubernetes())).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option } });
  });
});
