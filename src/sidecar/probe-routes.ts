/** The routes by which others look after a sidecar: whether it lives, whether it can grant, and what it counts. */

import type { Routes } from './http-app.js';
import type { SidecarMetrics } from './sidecar-metrics.js';

export interface ProbeRoutesOptions {
  readonly isReady: () => boolean;
  readonly hasFailed: () => boolean;
  /** Null: there are none. */
  readonly metrics: SidecarMetrics | null;
}

export function probeRoutes({ isReady, hasFailed, metrics }: ProbeRoutesOptions): Routes {
  return (app) => {
    app.addHook('onResponse', async ({ method, routeOptions }, { statusCode }) => {
      metrics?.count(routeOptions.url ?? 'none', method, statusCode);
    });
    app.get('/healthz', async (_request, reply) => {
      return reply.code(hasFailed() ? 503 : 200).send({ status: hasFailed() ? 'failed' : 'ok' });
    });
    app.get('/readyz', async (_request, reply) => {
      const isNow = isReady();
      return reply.code(isNow ? 200 : 503).send({ status: isNow ? 'ok' : 'not ready' });
    });
    app.get('/metrics', async (_request, reply) => {
      if (metrics !== null) return reply.type(metrics.contentType).send(await metrics.text());
      return reply.code(501).send({ message: 'Metrics need prom-client: npm install prom-client@15.' });
    });
  };
}
