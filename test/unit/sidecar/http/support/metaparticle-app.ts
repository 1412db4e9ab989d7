/** What an application does that uses one of Metaparticle's clients, and what it is answered. */

import { expect } from 'vitest';
import type { MetaparticleClient } from './metaparticle-clients.js';
import type { RawAnswer, RawClient } from './raw-client.js';
import { HEARTBEAT_MS, type RunningSidecar, type SidecarHost } from './running-sidecar.js';

export class MetaparticleApp {
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
    const answer = await this.#host.during(connection.ask(bytes));
    if (this.#client.connections === 'closes') await connection.ended();
    return answer;
  }
}
