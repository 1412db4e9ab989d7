/**
 * A client of what users would take instead, in a process of its own: etcd by etcd3, Redis by redlock. Both packages
 * are loaded if they are there, and are no dependencies. Started by measure-locks, never by hand.
 */

import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult } from '../load/closed-loop.js';
import { serveParent } from '../processes/calls.js';
import { runHeartbeats, type Beat, type HeartbeatsRequest, type HeartbeatsResult, type Hold } from './heartbeats.js';
import { runPairs, takeTurn, type LockClient, type PairsRequest, type Turn } from './lock-client.js';
import type { Etcd3Module, IoRedisModule, RedlockModule } from './peer-packages.js';

export type PeerOperations = {
  readonly connect: (request: { readonly client: 'etcd3' | 'redlock'; readonly ports: readonly number[] }) => void;
  readonly pairs: (request: PairsRequest) => Promise<LoadResult>;
  /** So many wait for one lock, and have it one after the other. */
  readonly turns: (count: number) => Promise<readonly Turn[]>;
  readonly heartbeats: (request: HeartbeatsRequest) => Promise<HeartbeatsResult>;
};

interface PeerClient extends LockClient {
  readonly hold: Hold;
  /** When the parent is gone. */
  close(): void;
}

const TTL_MS = 60_000;
/** Until all have asked. */
const QUEUE_MS = 3_000;

const load = createRequire(import.meta.url);
let client: PeerClient | null = null;

function etcd(ports: readonly number[]): PeerClient {
  const { Etcd3 } = load('etcd3') as Etcd3Module;
  const etcd3 = new Etcd3({ hosts: ports.map((port) => `http://127.0.0.1:${port}`) });
  return {
    acquire: async (name) => {
      const lock = etcd3.lock(name).ttl(TTL_MS / 1000);
      await lock.acquire();
      return async () => void (await lock.release());
    },
    // Its locks refuse who would have to wait; candidates of an election are elected in their order.
    wait: async (name) => {
      const campaign = await etcd3
        .election(name, TTL_MS / 1000)
        .campaign('')
        .wait();
      return () => campaign.resign();
    },
    // What its locks do by themselves, for a lock is a key of a lease.
    hold: async () => {
      const lease = etcd3.lease(TTL_MS / 1000, { autoKeepAlive: false });
      await lease.grant();
      return () => lease.keepaliveOnce();
    },
    close: () => etcd3.close(),
  };
}

function redis(ports: readonly number[]): PeerClient {
  const Redis = load('ioredis') as IoRedisModule;
  const Redlock = load('redlock') as RedlockModule;
  const clients = ports.map((port) => new Redis(port, '127.0.0.1'));
  const redlock = new Redlock(clients, { retryCount: Number.MAX_SAFE_INTEGER });
  const acquire = async (name: string): Promise<() => Promise<void>> => {
    const lock = await redlock.lock(name, TTL_MS);
    return async () => void (await lock.unlock());
  };
  const hold = async (name: string): Promise<Beat> => {
    const lock = await redlock.lock(name, TTL_MS);
    return () => lock.extend(TTL_MS);
  };
  return { acquire, wait: acquire, hold, close: () => clients.forEach((each) => each.disconnect()) };
}

const operations: PeerOperations = {
  connect: ({ client: name, ports }) => {
    client = name === 'etcd3' ? etcd(ports) : redis(ports);
  },
  pairs: (request) => runPairs(client!, request),
  turns: async (count) => {
    const release = await client!.wait('one');
    const turns = Array.from({ length: count }, (_, place) => takeTurn(client!, 'one', place));
    await delay(QUEUE_MS);
    await release();
    return await Promise.all(turns);
  },
  heartbeats: (request) => runHeartbeats(client!.hold, request),
};

serveParent(operations, async () => client?.close());
