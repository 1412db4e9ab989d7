/** The clients of Metaparticle, in all six languages: what they write, and what they have to be answered. */

import { describe, expect, it } from 'vitest';
import { MetaparticleApp } from './support/metaparticle-app.js';
import { METAPARTICLE_CLIENTS } from './support/metaparticle-clients.js';
import { HEARTBEAT_MS, SidecarHost } from './support/running-sidecar.js';
import { LeaseWorld, MemoryWorld, type SidecarWorld } from './support/sidecar-world.js';

const WORLDS: readonly (readonly [string, () => SidecarWorld])[] = [
  ['memory', () => new MemoryWorld()],
  ['Leases', () => new LeaseWorld()],
];
const CASES = WORLDS.flatMap(([name, makeWorld]) =>
  METAPARTICLE_CLIENTS.map((client) => ({ name, makeWorld, client })),
);

describe.each(CASES)('over $name, a client in $client.language', ({ makeWorld, client }) => {
  it('holds a lock that was never there', async () => {
    await using host = new SidecarHost(makeWorld());
    const app = new MetaparticleApp(host, await host.start('pod-1'), client);

    const statuses = [await app.get(), await app.put()].map(({ status }) => status);

    expect(statuses).toEqual([404, 200]);
  });

  it('holds on by its heartbeats', async () => {
    await using host = new SidecarHost(makeWorld());
    const app = new MetaparticleApp(host, await host.start('pod-1'), client);
    await app.acquire();

    const statuses = await app.beats(6);

    expect(statuses).toEqual(new Array(6).fill(200));
  });

  it('is told that another one has it, as often as it asks, and has it once that one has fallen silent', async () => {
    await using host = new SidecarHost(makeWorld());
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    await new MetaparticleApp(host, one, client).acquire();
    const waiting = new MetaparticleApp(host, two, client);

    const statuses: number[][] = [];
    for (let i = 0; i < 4; i++) {
      statuses.push([(await waiting.get()).status, (await waiting.put()).status]);
      await host.time.pass(HEARTBEAT_MS);
    }

    expect(statuses).toEqual([
      [200, 409],
      [200, 409],
      [200, 409],
      [200, 200],
    ]);
  });

  it('has it when the holder gives it up', async () => {
    await using host = new SidecarHost(makeWorld());
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    await new MetaparticleApp(host, one, client).acquire();
    const waiting = new MetaparticleApp(host, two, client);
    expect((await waiting.put()).status).toBe(409);

    await host.during(one.sidecar.stop());

    expect((await waiting.put()).status).toBe(200);
  });

  it('is told of a loss', async () => {
    await using host = new SidecarHost(makeWorld());
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    const app = new MetaparticleApp(host, one, client);
    await app.acquire();
    await host.time.pass(4 * HEARTBEAT_MS);
    await new MetaparticleApp(host, two, client).acquire();

    expect(await app.beat()).toBe(409);
  });

  it('goes on after its sidecar has begun anew', async () => {
    await using host = new SidecarHost(makeWorld());
    const before = await host.start('pod-1');
    await new MetaparticleApp(host, before, client).acquire();
    // It dies without a word.
    before.backend.isCutOff = true;
    const after = new MetaparticleApp(host, await host.start('pod-1'), client);

    const statuses = await after.beats(3);

    expect(statuses).toEqual([200, 200, 200]);
  });

  it('holds on while the back end is out until the lease is over, is then told 409, and nothing else', async () => {
    await using host = new SidecarHost(makeWorld());
    const running = await host.start('pod-1');
    const app = new MetaparticleApp(host, running, client);
    await app.acquire();
    running.backend.isCutOff = true;

    const statuses = await app.beats(4);

    expect(statuses).toEqual([200, 200, 409, 409]);
    expect((await app.get()).status).toBe(200);
  });

  it('is told 409, and nothing else, of a lock that it wants while the back end is out', async () => {
    await using host = new SidecarHost(makeWorld());
    const running = await host.start('pod-1');
    running.backend.isCutOff = true;
    const app = new MetaparticleApp(host, running, client);

    const statuses = [await app.get(), await app.put()].map(({ status }) => status);

    expect(statuses).toEqual([200, 409]);
  });

  it('is promised that its connection is kept until its next heartbeat, or it is closed as it says', async () => {
    await using host = new SidecarHost(makeWorld());
    const app = new MetaparticleApp(host, await host.start('pod-1'), client);

    const { headers } = await app.put();

    if (client.connections === 'closes') return expect(headers.get('connection')).toBe('close');
    const [, seconds] = /^timeout=(\d+)$/.exec(headers.get('keep-alive')!)!;
    expect(Number(seconds)).toBeGreaterThan(15);
  });

  it('reads JSON in every answer, and the lock in those that are about one', async () => {
    await using host = new SidecarHost(makeWorld());
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    const app = new MetaparticleApp(host, one, client);

    const missing = await app.get();
    const held = await app.put();
    const refused = await new MetaparticleApp(host, two, client).put();

    expect(JSON.parse(missing.body)).toEqual({ message: 'Not found.' });
    for (const { body } of [held, refused]) {
      expect(JSON.parse(body)).toEqual({
        metadata: { name: 'x', namespace: host.world.namespace, resourceVersion: expect.stringMatching(/^\d+$/) },
        kind: 'Lock',
        apiVersion: 'metaparticle.io/v1',
        spec: { owner: 'pod-1', expiry: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) },
      });
    }
  });
});
