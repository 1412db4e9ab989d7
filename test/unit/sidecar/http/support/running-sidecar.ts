/** Sidecars that answer on a port of their own, over one back end whose time the test owns. */

import type { Registry } from 'prom-client';
import { CONNECTION_LIMITS, type ConnectionLimits } from '../../../../../src/sidecar/listeners.js';
import type { OpenedBackend } from '../../../../../src/sidecar/opened-backend.js';
import { Sidecar, type SidecarOptions } from '../../../../../src/sidecar/sidecar.js';
import type { SightedBackend } from '../../../../../src/sync/backend.js';
import { memory } from '../../../../../src/sync/memory.js';
import { freePorts } from '../../../../../src/testing/free-ports.js';
import { CutOffBackend } from '../../../sync/support/cut-off-backend.js';
import { ManualTime } from '../../../sync/support/manual-time.js';
import { RawClient, type RawAnswer } from './raw-client.js';

export const TTL_MS = 30_000;
export const HEARTBEAT_MS = 10_000;

/** What several sidecars share, each of which can be cut off from it. */
export class SidecarHost implements AsyncDisposable {
  readonly time = new ManualTime();
  readonly shared: SightedBackend = memory(this.time);
  readonly #running: RunningSidecar[] = [];
  readonly #clients: RawClient[] = [];

  async start(
    identity: string,
    { limits, ...options }: Partial<Omit<SidecarOptions, 'limits'>> & { limits?: Partial<ConnectionLimits> } = {},
  ): Promise<RunningSidecar> {
    const backend = new CutOffBackend(this.shared);
    const [port] = (await freePorts(1)) as [number];
    const warnings: string[] = [];
    const sidecar = await Sidecar.start({
      opened: openedBackend(backend),
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
  readonly backend: CutOffBackend;
  readonly port: number;
  readonly warnings: readonly string[];
}

function openedBackend(backend: CutOffBackend): OpenedBackend {
  return {
    backend,
    isReady: () => !backend.isCutOff,
    hasFailed: () => false,
    register: (_registry: Registry) => {},
    close: async () => {},
  };
}

/** A request of no client in particular. */
export function request(method: string, path: string, { headers = '', body = '' } = {}): string {
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}${length}\r\n${body}`;
}
