/**
 * Many Leases that are renewed together, in a time that the test owns: what befalls one of them is not the others'
 * loss.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { connect, leaseNameOf, type Held } from '../../../../src/sync/index.js';
import { LeaseApiError, type Lease } from '../../../../src/sync/kubernetes/lease-api.js';
import { LeaseBackend } from '../../../../src/sync/kubernetes/lease-backend.js';
import { LeaseRequests } from '../../../../src/sync/kubernetes/lease-requests.js';
import { InProcessLeaseApi } from './support/in-process-lease-api.js';
import { LeaseScene, type LeaseClient } from './support/lease-scene.js';

const TTL_MS = 15_000;

describe('Leases that are held together', () => {
  let scene: LeaseScene;
  let client: LeaseClient;

  beforeEach(async () => {
    scene = new LeaseScene();
    client = await scene.client('a');
  });

  const hold = (names: readonly string[]): Promise<Held[]> =>
    Promise.all(names.map((name) => client.sync.lock(name, { ttlMs: TTL_MS }).acquire()));
  const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);

  it('are kept where in each round some requests fail', async () => {
    const api = new WatchedApi(scene.server, 'a', client.time);
    const held = await holdBy(api, numbered(10));

    api.failsEvery = 7;
    await scene.time.pass(10 * TTL_MS);

    expect(held.filter((each) => each.held)).toHaveLength(10);
  });

  it('are written once in a round, also where one of them has to be tried again', async () => {
    await hold(numbered(10));
    scene.server.requests.length = 0;
    client.faults.failures.push('429');

    await scene.time.pass(TTL_MS / 2);

    const updates = scene.server.requests.filter((request) => request.startsWith('update'));
    expect([updates.length, new Set(updates).size]).toEqual([10, 10]);
  });

  it('are lost each for itself: one that may not be written any more, before another one can have it', async () => {
    const [x, y, z] = (await hold(['x', 'y', 'z'])) as [Held, Held, Held];
    const other = await scene.client('b', {}, 2);
    const resourceNames = ['y', 'z'].map((name) => leaseNameOf('lock', name));
    let wasHeld: boolean | null = null;
    void other.sync
      .lock('x', { ttlMs: TTL_MS })
      .acquire()
      .then(() => (wasHeld = x.held));
    await scene.time.pass(1_000);

    scene.server.admit('a', [{ verbs: ['get', 'update', 'watch'], resourceNames }]);
    await scene.time.pass(4 * TTL_MS);

    expect([x.held, y.held, z.held]).toEqual([false, true, true]);
    expect(wasHeld).toBe(false);
    expect((await x.lost).code).toBe('ERR_LOCK_LOST');
  });

  it('are lost together, and no earlier than they must be, when the server is in trouble for all of them', async () => {
    const held = await hold(['x', 'y', 'z']);
    client.faults.failures.push(...new Array<'500'>(1_000).fill('500'));

    await scene.time.pass(0.89 * TTL_MS);
    const before = held.map((each) => each.held);
    await scene.time.pass(0.02 * TTL_MS);

    expect([before, held.map((each) => each.held)]).toEqual([
      [true, true, true],
      [false, false, false],
    ]);
  });

  it('do not ask all at once', async () => {
    const api = new WatchedApi(scene.server, 'a', client.time);
    const held = await holdBy(api, numbered(300));

    api.mostAtOnce = 0;
    client.faults.requestMs = 20;
    await scene.time.pass(2 * TTL_MS);

    expect(held.every((each) => each.held)).toBe(true);
    expect(api.mostAtOnce).toBeLessThanOrEqual(64);
  });

  it('do not ask all at once where it is too late for answers', async () => {
    const api = new WatchedApi(scene.server, 'a', client.time);
    await holdBy(api, numbered(300));

    api.mostAtOnce = 0;
    client.faults.requestMs = 4_000;
    await scene.time.pass(2 * TTL_MS);

    expect(api.mostAtOnce).toBeLessThanOrEqual(64);
  });

  async function holdBy(api: WatchedApi, names: readonly string[]): Promise<Held[]> {
    const requests = new LeaseRequests(api, client.time, new SeededRandom(1));
    const sync = await connect(new LeaseBackend(requests, 'a'));
    const held: Held[] = [];
    for (const name of names) held.push(await sync.lock(name, { ttlMs: TTL_MS }).acquire());
    return held;
  }
});

/** Counts what is renewed, and fails some of what is written. */
class WatchedApi extends InProcessLeaseApi {
  mostAtOnce = 0;
  failsEvery = Infinity;
  #count = 0;
  #underWay = 0;

  override async replace(lease: Lease, signal: AbortSignal): Promise<Lease> {
    const isRenewal = lease.spec.holderIdentity !== '';
    if (isRenewal) this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    try {
      if (++this.#count % this.failsEvery === 0) throw LeaseApiError.ofStatus(500, 'in trouble');
      return await super.replace(lease, signal);
    } finally {
      if (isRenewal) this.#underWay--;
    }
  }
}
