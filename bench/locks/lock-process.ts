/**
 * One node of a cluster that keeps locks, in a process of its own, and a client of it. Started by bench/cluster, never
 * by hand.
 */

import { object } from 'conclave';
import { ReplLockManager } from 'conclave/objects';
import { connect, raft, type Held } from 'conclave/sync';
import { serveNode } from '../cluster/node-operations.js';
import type { LoadResult } from '../load/closed-loop.js';
import { nowUs, runPairs, takeTurn, type LockClient, type PairsRequest, type Turn } from './lock-client.js';

export type LockBenchOperations = {
  readonly pairs: (request: PairsRequest) => Promise<LoadResult>;
  /** Holds a lock from now on. */
  readonly hold: (name: string) => Promise<void>;
  /** Gives it back. Resolves with when it began to. */
  readonly release: (argument: null) => Promise<number>;
  /** Waits for a lock at these places, one after the other. Resolves when so many wait in all. */
  readonly queue: (request: {
    readonly name: string;
    readonly places: readonly number[];
    readonly waiting: number;
  }) => Promise<void>;
  /** Resolves when all of its own have had their turn. */
  readonly turns: (argument: null) => Promise<readonly Turn[]>;
  /** Resolves with when it holds it. */
  readonly grantedAt: (name: string) => Promise<number>;
  /** How many hold or wait, by this node. */
  readonly state: (name: string) => Promise<{ readonly holders: number; readonly waiting: number }>;
};

/** Longer than any load. */
const TTL_MS = 60_000;

serveNode({ locks: object(ReplLockManager, { directNetwork: true }) }, (runtime): LockBenchOperations => {
  const { locks } = runtime.objects;
  const connecting = connect(raft(runtime));
  const take = async (name: string): Promise<Held> => (await connecting).lock(name, { ttlMs: TTL_MS }).acquire();
  const client: LockClient = {
    acquire: async (name) => {
      const held = await take(name);
      return () => held.release();
    },
    wait: (name) => client.acquire(name),
  };
  const turns: Promise<Turn>[] = [];
  let held: Held | null = null;

  const state: LockBenchOperations['state'] = async (name) => {
    const view = await locks.look(`lock/${name}`);
    return { holders: view?.holdersCount ?? 0, waiting: view?.waitingCount ?? 0 };
  };
  return {
    pairs: (request) => runPairs(client, request),
    hold: async (name) => {
      held = await take(name);
    },
    release: async () => {
      const releasedAtUs = nowUs();
      await held!.release();
      return releasedAtUs;
    },
    queue: async ({ name, places, waiting }) => {
      for (const place of places) turns.push(takeTurn(client, name, place));
      while ((await state(name)).waiting < waiting);
    },
    turns: () => Promise.all(turns.splice(0)),
    grantedAt: async (name) => {
      await take(name);
      return nowUs();
    },
    state,
  };
});
