/** A sidecar over Leases: what is its own about it. What clients are answered is tested for all back ends alike. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leaseNameOf } from '../../../../src/sync/index.js';
import { freePorts } from '../../../../src/testing/free-ports.js';
import { HEARTBEAT_MS, request, SidecarHost, TTL_MS, type RunningSidecar } from './support/running-sidecar.js';
import { LeaseWorld } from './support/sidecar-world.js';

/** By then it is known whether the API server is there. */
const NOTICED_MS = 15_000;

describe('a sidecar over Leases', () => {
  let world: LeaseWorld;
  let host: SidecarHost;

  beforeEach(() => {
    world = new LeaseWorld();
    host = new SidecarHost(world);
  });

  afterEach(() => host[Symbol.asyncDispose]());

  async function status(running: RunningSidecar, method: string, path: string): Promise<number> {
    return (await host.during(host.ask(running, request(method, path)))).status;
  }

  it('is ready for as long as the API server answers, also while nobody asks for anything', async () => {
    const running = await host.start('pod-1');
    const seen: [number, number][] = [];
    const look = async (): Promise<void> => {
      await world.time.pass(NOTICED_MS);
      seen.push([await status(running, 'GET', '/readyz'), await status(running, 'GET', '/healthz')]);
    };

    await look();
    running.backend.isCutOff = true;
    await look();
    running.backend.isCutOff = false;
    await look();

    expect(seen).toEqual([
      [200, 200],
      [503, 200],
      [200, 200],
    ]);
  });

  it('is not ready because of one question that is not answered', async () => {
    const running = await host.start('pod-1');
    await world.time.pass(NOTICED_MS);
    world.scene.server.faultsOf('process-1').failures.push('500');

    for (let i = 0; i < 12; i++) {
      expect(await status(running, 'GET', '/readyz')).toBe(200);
      await world.time.pass(1_000);
    }
  });

  it('tells who runs it why a lock cannot be had, and a client of old no more than that', async () => {
    const running = await host.start('pod-1');
    const rules = [
      { verbs: ['create'] },
      { verbs: ['get', 'update', 'watch'], resourceNames: [leaseNameOf('lock', 'y')] },
    ];
    world.scene.server.admit('process-1', rules);

    const statuses = [
      await status(running, 'GET', '/locks/x'),
      await status(running, 'PUT', '/locks/x'),
      await status(running, 'PUT', '/locks/x?waitMs=1000'),
      await status(running, 'PUT', '/locks/y'),
    ];

    expect(statuses).toEqual([200, 409, 409, 200]);
    expect(running.warnings).toEqual([expect.stringMatching(/^ERR_FORBIDDEN: .*lock-x-[0-9a-f]{20}/)]);
  });

  it('stands in its election again when it may, and says why it could not', async () => {
    const [port] = (await freePorts(1)) as [number];
    const leader = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${port}`)).json();
    const { warnings } = await host.start('pod-1', { election: 'boss', electionListen: [`127.0.0.1:${port}`] });
    await world.time.pass(NOTICED_MS);
    const before = await leader();

    world.scene.server.admit('process-1', []);
    await world.time.pass(3 * TTL_MS);
    const [forbidden] = warnings;
    const holder = world.scene.lease('boss', 'election').spec!.holderIdentity;
    world.scene.server.admit('process-1');
    await world.time.pass(3 * TTL_MS);

    expect([before, await leader()]).toEqual([{ name: 'pod-1' }, { name: 'pod-1' }]);
    expect(forbidden).toMatch(/^ERR_FORBIDDEN: .*election-boss-[0-9a-f]{20}/);
    expect(world.scene.lease('boss', 'election').spec!.holderIdentity).not.toBe(holder);
  });

  it('asks nothing any more once it has ended', async () => {
    const { sidecar } = await host.start('pod-1');
    await sidecar.stop();
    const asked = world.scene.server.requests.length;

    await world.time.pass(NOTICED_MS);

    expect(world.scene.server.requests).toHaveLength(asked);
  });

  it('holds a Lease for each lock, in the name of its identity, and gives it back when it is told to end', async () => {
    const running = await host.start('pod-1');
    await status(running, 'PUT', '/locks/x');
    await world.time.pass(HEARTBEAT_MS);
    const held = world.scene.lease('x');

    await host.during(running.sidecar.stop());

    expect(held.spec).toMatchObject({ leaseDurationSeconds: 30, holderIdentity: expect.stringMatching(/^pod-1_/) });
    expect(held.metadata!.annotations).toMatchObject({ 'conclave/owner': 'pod-1' });
    expect(world.scene.lease('x').spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  });

  it('lets one who waits have what another one gives up', async () => {
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    await status(one, 'PUT', '/locks/x');
    const waiting = host.ask(two, request('PUT', '/locks/x?waitMs=20000'));
    await world.time.pass(1_000);

    expect(await status(one, 'DELETE', '/locks/x')).toBe(200);

    expect((await host.during(waiting)).status).toBe(200);
  });

  it('has back what it held before it began anew also where others wait behind it', async () => {
    const put = (running: RunningSidecar, client: string, query = ''): Promise<{ readonly status: number }> =>
      host.ask(running, request('PUT', `/locks/x${query}`, { headers: `X-Sync-Client: ${client}\r\n` }));
    const before = await host.start('pod-1');
    await host.during(put(before, 'a'));
    before.backend.isCutOff = true;
    const after = await host.start('pod-1');
    const waiting = put(after, 'b', '?waitMs=5000');
    await world.time.pass(1_000);

    const again = await host.during(put(after, 'a'));

    expect([again.status, (await host.during(waiting)).status]).toEqual([200, 409]);
  });

  it('has in the same lock whoever holds the Lease by another program', async () => {
    const running = await host.start('pod-1');
    await status(running, 'PUT', '/locks/x');
    await status(running, 'DELETE', '/locks/x');
    world.scene.patch('x', { holderIdentity: 'client-go', leaseDurationSeconds: 60 });

    const answer = await host.during(host.ask(running, request('PUT', '/locks/x')));

    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.body)).toMatchObject({ spec: { owner: 'client-go' } });
  });
});
