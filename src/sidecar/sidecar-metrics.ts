/**
 * What a sidecar counts, for Prometheus: in a registry of prom-client's, which is loaded here if it is installed. On
 * the caller's thread.
 */

import type { Counter, Gauge, Registry } from 'prom-client';
import type { OpenedBackend } from './opened-backend.js';
import type { LockService } from './lock-service.js';

/** What it looks at when it is scraped. */
export interface Measured {
  readonly opened: OpenedBackend;
  readonly service: LockService;
  readonly connections: () => number;
}

export class SidecarMetrics {
  readonly #registry: Registry;
  readonly #requests: Counter;

  private constructor(registry: Registry, requests: Counter) {
    this.#registry = registry;
    this.#requests = requests;
  }

  /** Null: prom-client is not installed. */
  static async load({ opened, service, connections }: Measured): Promise<SidecarMetrics | null> {
    const client = await import('prom-client').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_MODULE_NOT_FOUND') return null;
      throw error;
    });
    if (client === null) return null;
    const registry = new client.Registry();
    const gauge = (name: string, help: string, value: () => number): void => {
      const registered: Gauge = new client.Gauge({
        name,
        help,
        registers: [],
        collect: (): void => registered.set(value()),
      });
      registry.registerMetric(registered);
    };
    gauge('conclave_sidecar_locks_held', 'Locks that are held by way of this sidecar.', () => service.held().length);
    gauge('conclave_sidecar_waits', 'Requests that wait for a lock.', () => service.waits);
    gauge('conclave_sidecar_connections', 'Open connections.', connections);
    gauge('conclave_sidecar_ready', 'Can a lock be granted?', () => Number(opened.isReady()));
    const requests = new client.Counter({
      name: 'conclave_sidecar_requests_total',
      help: 'Requests that were answered, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers: [registry],
    });
    opened.register(registry);
    return new SidecarMetrics(registry, requests);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  count(route: string, method: string, status: number): void {
    this.#requests.inc({ route, method, status });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
