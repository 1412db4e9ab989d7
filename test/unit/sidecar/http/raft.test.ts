/** Sidecars that are the nodes of a cluster: three of them, on one event loop. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRaftBackend } from '../../../../src/sidecar/raft-backend.js';
import { Sidecar } from '../../../../src/sidecar/sidecar.js';
import { freePorts } from '../../../../src/testing/free-ports.js';

describe('three sidecars by Raft', () => {
  const sidecars: Sidecar[] = [];
  const urls: string[] = [];

  beforeAll(async () => {
    const ports = await freePorts(6);
    const nodes = ports.slice(0, 3).map((port) => `127.0.0.1:${port}`);
    for (const [i, self] of nodes.entries()) {
      const listen = `127.0.0.1:${ports[3 + i]}`;
      const opened = await openRaftBackend({
        self,
        peers: nodes.filter((node) => node !== self),
        threads: false,
        electionTimeoutMs: [150, 300],
        heartbeatMs: 30,
      });
      sidecars.push(await Sidecar.start({ opened, listen: [listen], identity: `pod-${i}`, warn: () => {} }));
      urls.push(`http://${listen}`);
    }
    for (const url of urls) while ((await fetch(`${url}/readyz`)).status !== 200) await fetch(`${url}/healthz`);
  });

  afterAll(() => Promise.all(sidecars.map((sidecar) => sidecar.stop())));

  it('hand a lock from one to the next, which waits, with a greater token', async () => {
    const [first, second, third] = urls as [string, string, string];
    const held = await fetch(`${first}/locks/x`, { method: 'PUT' });
    const waiting = fetch(`${second}/locks/x?waitMs=20000`, { method: 'PUT' });
    const refused = await fetch(`${third}/locks/x`, { method: 'PUT' });

    await fetch(`${first}/locks/x`, { method: 'DELETE' });
    const next = await waiting;

    expect([held.status, refused.status, next.status]).toEqual([200, 409, 200]);
    expect(await refused.json()).toMatchObject({ spec: { owner: 'pod-0' } });
    expect(tokenOf(next)).toBeGreaterThan(tokenOf(held));
  });

  it('count what their nodes count', async () => {
    const text = await (await fetch(`${urls[0]!}/metrics`)).text();

    expect(text).toMatch(/^conclave_sidecar_ready 1$/m);
    expect(text).toMatch(/^conclave_health\{health="ok"\} 1$/m);
  });

  it('hand over at once what one holds that ends', async () => {
    const [first, , third] = urls as [string, string, string];
    await fetch(`${third}/locks/y`, { method: 'PUT' });

    await sidecars[2]!.stop();

    expect((await fetch(`${first}/locks/y?waitMs=5000`, { method: 'PUT' })).status).toBe(200);
  });
});

function tokenOf({ headers }: Response): bigint {
  return BigInt(headers.get('x-fencing-token')!);
}
