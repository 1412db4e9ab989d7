/** Nodes that are told to stop under load leave nothing behind: no call that hangs, no process, no port. */

import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { parseAddress } from '../../src/net/address.js';
import type { NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';

const LOAD = { window: 200, burst: 10, everyMs: 2, timeoutMs: 6_000 };
const RECOVERY_MS_MAX = 5_000;
/** Far less than the calls' own time limit: stopping is what settles them. */
const SETTLE_TIMEOUT_MS = 1_000;

test.each([
  { placement: 'threads', threads: true },
  { placement: 'one thread', threads: false },
])('each node in turn is stopped under load, the leader first ($placement)', async ({ threads }) => {
  const cluster = await ProcessCluster.start(3, { threads });
  await cluster.startLoad(LOAD);
  await cluster.untilAppended(500, RECOVERY_MS_MAX);

  await stop(await cluster.leader());
  await cluster.leader();
  await cluster.untilAppended(500, RECOVERY_MS_MAX);
  // What is left of the load ends here: without a majority there is nothing to be compared any more.
  await cluster.stopLoad(RECOVERY_MS_MAX);
  expect(await cluster.complaints()).toEqual([]);
  for (const node of cluster.living) await stop(node);

  const codes = new Set(cluster.history.failures.map(({ code }) => code));
  expect([...codes]).toEqual(['ERR_STOPPED']);
});

async function stop(node: NodeProcess): Promise<void> {
  await node.call('stop', null);
  await node.call('stopLoad', null, SETTLE_TIMEOUT_MS);
  expect(await canListen(node.address)).toBe(true);
  expect(await node.stop()).toEqual({ code: 0, signal: null });
  expect(node.stderr).toBe('');
  expect(() => process.kill(node.pid, 0)).toThrow('ESRCH');
}

function canListen(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ ...parseAddress(address, 'address'), exclusive: true }, () => server.close(() => resolve(true)));
  });
}
