/**
 * A cluster whose nodes crash all the time, over and over and several at once, with loss of power, and at times of a
 * disk: nothing acknowledged is lost or doubled, and all agree in the end. `NODE_CLUSTER_SEEDS=n` looks at as many
 * histories, `NODE_CLUSTER_SEED=n` replays one.
 */

import { expect, test } from 'vitest';
import { CrashingCluster } from './support/crashing-cluster.js';

const TIMEOUT_MS = 3_600_000;
/** Of virtual time. */
const DURATION_MS = 4_000;
const only = process.env['NODE_CLUSTER_SEED'];
const count = only === undefined ? Number(process.env['NODE_CLUSTER_SEEDS'] ?? 3) : 1;
const first = only === undefined ? 1 : Number(only);

test.each(Array.from({ length: count }, (_, i) => first + i))(
  'nothing is lost or doubled (NODE_CLUSTER_SEED=%i)',
  async (seed) => {
    const { deaths, acknowledged } = await new CrashingCluster(seed).run(DURATION_MS);

    expect(deaths).toBeGreaterThan(5);
    expect(acknowledged).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);
