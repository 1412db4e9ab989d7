/** Sidecars that answer on a port of their own, over one back end whose time the test owns. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { CONNECTION_LIMITS, type ConnectionLimits } from '../../../../../src/sidecar/listeners.js';
import { Sidecar, type SidecarOptions } from '../../../../../src/sidecar/sidecar.js';
import { freePorts } from '../../../../../src/testing/free-ports.js';
import { RawClient, type RawAnswer } from './raw-client.js';
import { MemoryWorld, type SidecarWorld, type WayToBackend } from './sidecar-world.js';

export const TTL_MS = 30_000;
export const HEARTBEAT_MS = 10_000;
/** Of the event loop: within these, what waits for no timer is answered. */
const TURNS_OF_A_REQUEST = 50;
const PASS_MS = 100;

/** What several sidecars share, each of which can be cut off from it. */
export class SidecarHost implements AsyncDisposable {
  readonly world: SidecarWorld;
  readonly #running: RunningSidecar[] = [];
  readonly #clients: RawClient[] = [];

  constructor(world: SidecarWorld = new MemoryWorld()) {
    this.world = world;
  }

  get time(): SidecarWorld['time'] {
    return this.world.time;
  }

  async start(
    identity: string,
    { limits, ...options }: Partial<Omit<SidecarOptions, 'limits'>> & { limits?: Partial<ConnectionLimits> } = {},
  ): Promise<RunningSidecar> {
    const backend = await this.world.enter(identity);
    const [port] = (await freePorts(1)) as [number];
    const warnings: string[] = [];
    const sidecar = await Sidecar.start({
      opened: backend.opened,
      identity,
      listen: [`127.0.0.1:${port}`],
      warn: (message) => warnings.push(message),
      limits: { ...CONNECTION_LIMITS, ...limits },
      ...options,
    });
    const running = { sidecar, backend, port, warnings };
    this.#running.push(running);
    return running;
  }

  async connect({ port }: RunningSidecar): Promise<RawClient> {
    const client = await RawClient.connect(port);
    this.#clients.push(client);
    return client;
  }

  /** One request, on a connection of its own. */
  async ask(running: RunningSidecar, bytes: string): Promise<RawAnswer> {
    const client = await this.connect(running);
    try {
      return await client.ask(bytes);
    } finally {
      client.close();
    }
  }

  /** Lets time pass for as long as it takes, which is none where nobody waits for a timer. */
  async during<Result>(action: Promise<Result>): Promise<Result> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    action.then(over, over);
    for (let turn = 0; !isOver; turn++) {
      await nextTurn();
      if (turn >= TURNS_OF_A_REQUEST) await this.time.pass(PASS_MS);
    }
    return action;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    const stopped = this.#running.map(({ sidecar }) => sidecar.stop());
    // What cannot be given back is waited for, for a TTL.
    await this.time.pass(2 * TTL_MS);
    await Promise.all(stopped);
  }
}

export interface RunningSidecar {
  readonly sidecar: Sidecar;
  readonly backend: WayToBackend;
  readonly port: number;
  readonly warnings: readonly string[];
}

/** A request of no client in particular. */
export function request(method: string, path: string, { headers = '', body = '' } = {}): string {
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}${length}\r\n${body}`;
}
