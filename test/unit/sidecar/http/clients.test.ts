/** The clients of Metaparticle, in all six languages: what they write, and what they have to be answered. */

import { describe, expect, it } from 'vitest';
import type { RawAnswer, RawClient } from './support/raw-client.js';
import { METAPARTICLE_CLIENTS, type MetaparticleClient } from './support/metaparticle-clients.js';
import { HEARTBEAT_MS, SidecarHost, type RunningSidecar } from './support/running-sidecar.js';

describe.each(METAPARTICLE_CLIENTS)('a client in $language', (client) => {
  it('holds a lock that was never there', async () => {
    await using host = new SidecarHost();
    const app = new App(host, await host.start('pod-1'), client);

    const statuses = [await app.get(), await app.put()].map(({ status }) => status);

    expect(statuses).toEqual([404, 200]);
  });

  it('holds on by its heartbeats', async () => {
    await using host = new SidecarHost();
    const app = new App(host, await host.start('pod-1'), client);
    await app.acquire();

    const statuses = await app.beats(6);

    expect(statuses).toEqual(new Array(6).fill(200));
  });

  it('is told that another one has it, as often as it asks, and has it once that one has fallen silent', async () => {
    await using host = new SidecarHost();
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    await new App(host, one, client).acquire();
    const waiting = new App(host, two, client);

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
    await using host = new SidecarHost();
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    await new App(host, one, client).acquire();
    const waiting = new App(host, two, client);
    expect((await waiting.put()).status).toBe(409);

    await one.sidecar.stop();

    expect((await waiting.put()).status).toBe(200);
  });

  it('is told of a loss', async () => {
    await using host = new SidecarHost();
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    const app = new App(host, one, client);
    await app.acquire();
    await host.time.pass(4 * HEARTBEAT_MS);
    await new App(host, two, client).acquire();

    expect(await app.beat()).toBe(409);
  });

  it('goes on after its sidecar has begun anew', async () => {
    await using host = new SidecarHost();
    const before = await host.start('pod-1');
    await new App(host, before, client).acquire();
    // It dies without a word.
    before.backend.isCutOff = true;
    const after = new App(host, await host.start('pod-1'), client);

    const statuses = await after.beats(3);

    expect(statuses).toEqual([200, 200, 200]);
  });

  it('holds on while the back end is out until the lease is over, is then told 409, and nothing else', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    const app = new App(host, running, client);
    await app.acquire();
    running.backend.isCutOff = true;

    const statuses = await app.beats(4);

    expect(statuses).toEqual([200, 200, 409, 409]);
    expect((await app.get()).status).toBe(200);
  });

  it('is told 409, and nothing else, of a lock that it wants while the back end is out', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    running.backend.isCutOff = true;
    const app = new App(host, running, client);

    const statuses = [await app.get(), await app.put()].map(({ status }) => status);

    expect(statuses).toEqual([200, 409]);
  });

  it('reads JSON in every answer, and the lock in those that are about one', async () => {
    await using host = new SidecarHost();
    const [one, two] = [await host.start('pod-1'), await host.start('pod-2')];
    const app = new App(host, one, client);

    const missing = await app.get();
    const held = await app.put();
    const refused = await new App(host, two, client).put();

    expect(JSON.parse(missing.body)).toEqual({ message: 'Not found.' });
    for (const { body } of [held, refused]) {
      expect(JSON.parse(body)).toEqual({
        metadata: { name: 'x', namespace: 'default', resourceVersion: expect.stringMatching(/^\d+$/) },
        kind: 'Lock',
        apiVersion: 'metaparticle.io/v1',
        spec: { owner: 'pod-1', expiry: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) },
      });
    }
  });
});

/** An application that runs one of the clients. */
class App {
  readonly #host: SidecarHost;
  readonly #running: RunningSidecar;
  readonly #client: MetaparticleClient;
  #connection: RawClient | null = null;

  constructor(host: SidecarHost, running: RunningSidecar, client: MetaparticleClient) {
    this.#host = host;
    this.#running = running;
    this.#client = client;
  }

  get(): Promise<RawAnswer> {
    return this.#ask(this.#client.get('x'));
  }

  put(): Promise<RawAnswer> {
    return this.#ask(this.#client.put('x'));
  }

  async acquire(): Promise<void> {
    await this.get();
    expect((await this.put()).status).toBe(200);
  }

  async beats(times: number): Promise<number[]> {
    const statuses: number[] = [];
    for (let i = 0; i < times; i++) {
      await this.#host.time.pass(HEARTBEAT_MS);
      statuses.push(await this.beat());
    }
    return statuses;
  }

  /** What it goes by. */
  async beat(): Promise<number> {
    const looked = this.#client.looksFirst ? (await this.get()).status : 200;
    return looked === 200 ? (await this.put()).status : looked;
  }

  async #ask(bytes: string): Promise<RawAnswer> {
    const connection = this.#connection ?? (await this.#host.connect(this.#running));
    this.#connection = this.#client.connections === 'keeps' ? connection : null;
    const answer = await connection.ask(bytes);
    if (this.#client.connections === 'closes') await connection.ended();
    return answer;
  }
}
