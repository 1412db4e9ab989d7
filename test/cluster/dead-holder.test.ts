/**
 * Processes that hold a lock and are gone from one moment to the next, or only seem to be: on a network where machines
 * answer for themselves the lock passes on long before its TTL, and only when the process is gone.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';

/** Nobody waits for the end of this one. */
const LOCK = { name: 'x', ttlMs: 60_000 } as const;
/** An election, and a busy machine; a tenth of the TTL. */
const HAND_OVER_MS_MAX = 6_000;
/** In which a death would long have been noticed. */
const SEEN_MS = 1_000;
/** Three seconds of silence, and a busy machine. */
const UNREACHED_MS_MAX = 10_000;
/** The greatest address: all others dial it, so it is cut off where they reach it. */
const LAST = 2;
const DIRECT = { locks: { directNetwork: true } } as const;

interface Scene {
  readonly cluster: ProcessCluster;
  readonly leader: NodeProcess;
  /** In the order of their addresses. */
  readonly followers: readonly [NodeProcess, NodeProcess];
}

async function start(options: Parameters<typeof ProcessCluster.start>[1]): Promise<Scene> {
  const cluster = await ProcessCluster.start(3, options);
  const leader = await cluster.leader();
  const followers = cluster.nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess];
  return { cluster, leader, followers };
}

test('a lock passes on at once when its holder is killed', { timeout: 60_000 }, async () => {
  const { cluster, followers } = await start(DIRECT);
  const [holder, other] = followers;
  const token = await holder.call('hold', LOCK);
  const waiting = other.call('hold', LOCK, HAND_OVER_MS_MAX);
  await cluster.untilWaiting(LOCK.name, 1);

  await holder.kill();

  expect(BigInt(await waiting)).toBeGreaterThan(BigInt(token));
});

test('a lock passes on without its TTL when its holder was the leader', { timeout: 60_000 }, async () => {
  const { cluster, leader, followers } = await start(DIRECT);
  const token = await leader.call('hold', LOCK);
  const waiting = followers[0].call('hold', LOCK, HAND_OVER_MS_MAX);
  await cluster.untilWaiting(LOCK.name, 1);

  await leader.kill();

  expect(BigInt(await waiting)).toBeGreaterThan(BigInt(token));
});

test('a lock passes on at once when the process of its holder stops in order', { timeout: 60_000 }, async () => {
  const { cluster, followers } = await start({ locks: {} });
  const [holder, other] = followers;
  const token = await holder.call('hold', LOCK);
  const waiting = other.call('hold', LOCK, HAND_OVER_MS_MAX);
  await cluster.untilWaiting(LOCK.name, 1);

  await holder.stop();

  expect(BigInt(await waiting)).toBeGreaterThan(BigInt(token));
});

test.each([
  { fate: 'stands still', hurt: (_: ProcessCluster, holder: NodeProcess) => holder.freeze() },
  { fate: 'is cut off', hurt: (cluster: ProcessCluster) => cluster.relays[LAST]!.shut() },
])('a holder that lives and $fate keeps its lock', { timeout: 60_000 }, async ({ hurt }) => {
  const cluster = await ProcessCluster.start(3, { ...DIRECT, relays: true });
  const holder = cluster.nodes[LAST]!;
  if ((await cluster.leader()) === holder) await holder.call('transferLeadership', null);
  const leader = await cluster.leader();
  const other = cluster.nodes.find((node) => node !== holder && node !== leader)!;
  const token = await holder.call('hold', LOCK);
  const waiting = other.call('hold', LOCK);
  await cluster.untilWaiting(LOCK.name, 1);

  hurt(cluster, holder);
  await cluster.untilUnreached(holder, UNREACHED_MS_MAX);
  await delay(SEEN_MS);
  expect(await leader.call('look', LOCK.name)).toEqual({ token, waiting: 1 });

  await holder.kill();
  // What stands between them answers for it still.
  await delay(SEEN_MS);
  expect(await leader.call('look', LOCK.name)).toEqual({ token, waiting: 1 });
  await cluster.relays[LAST]!.close();
  expect(BigInt(await waiting)).toBeGreaterThan(BigInt(token));
});
