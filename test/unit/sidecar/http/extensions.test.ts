/** What clients may ask for that know more than Metaparticle's do, and those who look after a sidecar. */

import { describe, expect, it } from 'vitest';
import { errorOf } from '../../actors/replicated/error-of.js';
import { freePorts } from '../../../../src/testing/free-ports.js';
import { RawClient } from './support/raw-client.js';
import { request, SidecarHost, TTL_MS } from './support/running-sidecar.js';

const as = (client: string): { headers: string } => ({ headers: `X-Sync-Client: ${client}\r\n` });

describe('a sidecar', () => {
  it('shows a fencing token that grows with each holder', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');

    const first = await host.ask(running, request('PUT', '/locks/x', as('a')));
    const refused = await host.ask(running, request('PUT', '/locks/x', as('b')));
    await host.ask(running, request('DELETE', '/locks/x', as('a')));
    const second = await host.ask(running, request('PUT', '/locks/x', as('b')));

    const [one, shown, two] = [first, refused, second].map(({ headers }) => BigInt(headers.get('x-fencing-token')!));
    expect([shown === one, two! > one!]).toEqual([true, true]);
    expect(refused.headers.get('retry-after')).toBe('10');
  });

  it('releases for its owner, and tells others why not', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    const unknown = await host.ask(running, request('DELETE', '/locks/x', as('a')));
    await host.ask(running, request('PUT', '/locks/x', as('a')));

    const theirs = await host.ask(running, request('DELETE', '/locks/x', as('b')));
    const own = await host.ask(running, request('DELETE', '/locks/x', as('a')));

    expect([unknown.status, theirs.status, own.status]).toEqual([404, 409, 200]);
  });

  it('creates a lock once, by its name in the path or in a body', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    const named = request('POST', '/locks', { body: '{"metadata":{"name":"y"}}' });

    const answers = [
      await host.ask(running, request('POST', '/locks/x')),
      await host.ask(running, request('POST', '/locks/x')),
      await host.ask(running, named),
      await host.ask(running, named),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 409, 200, 409]);
    expect(answers[1]!.body).toBe('{"message":"Conflict"}');
  });

  it('waits for a lock, and answers the others meanwhile', async () => {
    await using host = new SidecarHost();
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    await host.ask(one, request('PUT', '/locks/x'));
    const waiting = await host.connect(two);
    waiting.write(request('PUT', `/locks/x?waitMs=${TTL_MS}`));

    const other = await host.ask(two, request('PUT', '/locks/y'));
    await host.ask(one, request('DELETE', '/locks/x'));

    expect(other.status).toBe(200);
    expect((await waiting.answer()).status).toBe(200);
  });

  it('gives its place to the next one when the connection of one who waits is lost', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    await host.ask(running, request('PUT', '/locks/x', as('a')));
    const gone = await host.connect(running);
    gone.write(request('PUT', '/locks/x?waitMs=20000', as('b')));
    await waits(host, running, 1);

    gone.close();
    await waits(host, running, 0);
    await host.ask(running, request('DELETE', '/locks/x', as('a')));

    expect((await host.ask(running, request('PUT', '/locks/x', as('c')))).status).toBe(200);
  });

  it('lists what is held by way of it', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    for (const name of ['x', 'y', 'z']) await host.ask(running, request('PUT', `/locks/${name}`));
    await host.ask(running, request('DELETE', '/locks/y'));

    const { body } = await host.ask(running, request('GET', '/locks'));

    const { items } = JSON.parse(body) as { items: { metadata: { name: string } }[] };
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['x', 'z']);
  });

  it('says whether it lives, whether it can grant, and what it counts', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    await host.ask(running, request('PUT', '/locks/x'));

    const before = [
      await host.ask(running, request('GET', '/healthz')),
      await host.ask(running, request('GET', '/readyz')),
    ];
    running.backend.isCutOff = true;
    const after = [
      await host.ask(running, request('GET', '/healthz')),
      await host.ask(running, request('GET', '/readyz')),
    ];
    const { body } = await host.ask(running, request('GET', '/metrics'));

    expect([...before, ...after].map(({ status }) => status)).toEqual([200, 200, 200, 503]);
    expect(body).toContain('conclave_sidecar_locks_held 1');
    expect(body).toContain('conclave_sidecar_requests_total{route="/locks/:name",method="PUT",status="200"} 1');
  });

  it('says who leads, as the retired leader elector did, and resigns when it ends', async () => {
    await using host = new SidecarHost();
    const [first, second] = (await freePorts(2)) as [number, number];
    const one = await host.start('pod-1', { election: 'boss', electionListen: [`127.0.0.1:${first}`] });
    await leaderAt(first, 'pod-1');
    await host.start('pod-2', { election: 'boss', electionListen: [`127.0.0.1:${second}`] });
    await leaderAt(second, 'pod-1');

    await one.sidecar.stop();

    await leaderAt(second, 'pod-2');
  });

  it('answers on all addresses that it is given, and warns where others reach it', async () => {
    await using host = new SidecarHost();
    const [a, b] = (await freePorts(2)) as [number, number];
    const running = await host.start('pod-1', { listen: [`127.0.0.1:${a}`, `0.0.0.0:${b}`] });

    const statuses = [
      (await host.ask({ ...running, port: a }, request('PUT', '/locks/x'))).status,
      (await host.ask({ ...running, port: b }, request('PUT', '/locks/x'))).status,
    ];

    expect(statuses).toEqual([200, 200]);
    expect(running.sidecar.addresses).toEqual([`127.0.0.1:${a}`, `0.0.0.0:${b}`]);
    expect(running.warnings).toEqual([expect.stringContaining(`0.0.0.0:${b} can be reached from other machines`)]);
  });

  it('does not start where the port is taken, and leaves nothing behind', async () => {
    await using host = new SidecarHost();
    const { port } = await host.start('pod-1');
    const [free] = (await freePorts(1)) as [number];
    const listen = [`127.0.0.1:${free}`, `127.0.0.1:${port}`];

    expect((await errorOf(() => host.start('pod-2', { listen }))).code).toBe('ERR_ADDRESS_UNAVAILABLE');

    expect((await errorOf(() => host.start('', { listen }))).code).toBe('ERR_INVALID_OPTION');
    await host.start('pod-3', { listen: [`127.0.0.1:${free}`] });
  });

  it('does not start with an identity that is longer than an owner may be', async () => {
    await using host = new SidecarHost();
    const running = await host.start('é'.repeat(128));

    const answer = await host.ask(
      running,
      request('PUT', '/locks/x', { headers: `X-Sync-Client: ${'c'.repeat(128)}\r\n` }),
    );

    expect(answer.status).toBe(200);
    // The last one would be the same owner as whoever calls itself `b` behind a sidecar `a`.
    for (const identity of ['é'.repeat(129), '', 'a/b']) {
      expect((await errorOf(() => host.start(identity))).code).toBe('ERR_INVALID_OPTION');
    }
  });

  it('that ends answers whoever waits, gives everything back and listens no more', async () => {
    await using host = new SidecarHost();
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    await host.ask(one, request('PUT', '/locks/x'));
    await host.ask(two, request('PUT', '/locks/y'));
    const waiting = await host.connect(one);
    waiting.write(request('PUT', '/locks/y?waitMs=20000'));
    await waits(host, one, 1);

    await one.sidecar.stop();

    expect((await waiting.answer()).status).toBe(409);
    expect((await host.ask(two, request('PUT', '/locks/x'))).status).toBe(200);
    await expect(RawClient.connect(one.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

async function waits(
  host: SidecarHost,
  running: Awaited<ReturnType<SidecarHost['start']>>,
  count: number,
): Promise<void> {
  const wanted = `conclave_sidecar_waits ${count}\n`;
  while (!(await host.ask(running, request('GET', '/metrics'))).body.includes(wanted));
}

async function leaderAt(port: number, name: string): Promise<void> {
  for (;;) {
    const client = await RawClient.connect(port);
    const { body } = await client.ask(request('GET', '/'));
    client.close();
    if (body === JSON.stringify({ name })) return;
  }
}
