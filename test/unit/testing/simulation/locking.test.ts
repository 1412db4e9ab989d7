/**
 * Locks on clusters where everything goes wrong that can: by true time there is at most one who may believe that it
 * holds, tokens only grow, and a register that checks them takes no write of one who holds no longer, which one that
 * does not check them does.
 */

import { expect, test } from 'vitest';
import { ReplLockManager } from '../../../../src/actors/replicated/objects/index.js';
import { object } from '../../../../src/actors/replicated/object-definition.js';
import { ConclaveError } from '../../../../src/errors.js';
import { connect, FencedResource, raft, type Held } from '../../../../src/sync/index.js';
import { simulate } from '../../../../src/testing/simulation/simulate.js';
import type { SimulationClients, SimulationNode } from '../../../../src/testing/simulation/user-clients.js';

const OBJECTS = { locks: object(ReplLockManager, {}) };
type Node = SimulationNode<typeof OBJECTS>;
type Clients = SimulationClients<typeof OBJECTS>;

const SEEDS = 6;
const ROUNDS = 20;
const TTL_MS = 100;
/** What holders are cut off by, and overtaken. Every other history; the others draw their own. */
const HOSTILE = { partition: 2, isolation: 2, oneWayPartition: 1, pause: 2, clockDrift: 1, usurpation: 1 };

/** What has happened in all histories. */
const coverage = { granted: 0, lost: 0, aborted: 0, staleRefused: 0, staleTaken: 0 };

/** Something that is protected, and the same thing unprotected. */
class Registers {
  readonly #fence = new FencedResource();
  #newest = 0n;

  write(token: bigint): void {
    // Unprotected: who writes last, wins.
    if (token < this.#newest) coverage.staleTaken++;
    try {
      this.#fence.check(token);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_STALE_TOKEN' });
      expect(token).toBeLessThan(this.#newest);
      coverage.staleRefused++;
      return;
    }
    expect(token).toBeGreaterThanOrEqual(this.#newest);
    this.#newest = token;
  }
}

class Judge {
  /** All that were ever granted, in the order in which their callers were told. */
  readonly #granted: { readonly held: Held; readonly endedBefore: bigint }[] = [];
  /** The greatest token of those that had ended. */
  #ended = 0n;

  granted(held: Held, endedBefore: bigint): void {
    coverage.granted++;
    this.#granted.push({ held, endedBefore });
    expect(held.token).toBeGreaterThan(endedBefore);
    this.look();
  }

  ended({ token }: Held): void {
    if (token > this.#ended) this.#ended = token;
  }

  get newestEnded(): bigint {
    return this.#ended;
  }

  /** At this moment of true time. */
  look(): void {
    const holding = this.#granted.filter(({ held }) => held.held);
    expect(holding.map(({ held }) => held.token).length).toBeLessThanOrEqual(1);
  }

  /** No two have the same. */
  close(): void {
    const tokens = this.#granted.map(({ held }) => held.token);
    expect(new Set(tokens).size).toBe(tokens.length);
  }
}

/** One who takes the lock again and again, works with it for a while, and does not look at it before it writes. */
async function use({ nodes, random, sleep }: Clients, judge: Judge, registers: Registers): Promise<void> {
  const draw = (max: number): number => random.uint32() % max;
  for (let round = 0; round < ROUNDS; round++) {
    const node: Node = nodes[draw(nodes.length)]!;
    try {
      const sync = await connect(raft(node));
      const aborting = new AbortController();
      if (draw(4) === 0) void sleep(draw(TTL_MS)).then(() => aborting.abort());
      const ended = judge.newestEnded;
      const held = await sync
        .lock('x', { ttlMs: TTL_MS })
        .acquire({ signal: aborting.signal, timeoutMs: 1 + draw(4 * TTL_MS) });
      judge.granted(held, ended);
      let isLost = false;
      held.once('lost', () => {
        expect(isLost).toBe(false);
        isLost = true;
        coverage.lost++;
        judge.ended(held);
      });
      await sleep(draw(TTL_MS) * (draw(2) === 0 ? 10 : 1));
      judge.look();
      registers.write(held.token);
      await Promise.race([held.release(), sleep(2 * TTL_MS)]);
      judge.ended(held);
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      if (error.code === 'ERR_ABORTED') coverage.aborted++;
    }
    await sleep(draw(20));
    judge.look();
  }
}

async function history(seed: number): Promise<void> {
  const judge = new Judge();
  const registers = new Registers();
  await simulate({
    objects: OBJECTS,
    seed,
    ...(seed % 2 === 0 ? { faults: HOSTILE } : {}),
    durationMs: 20_000,
    async clients(clients) {
      await Promise.all([1, 2, 3, 4].map(() => use(clients, judge, registers)));
    },
    async afterwards({ nodes }) {
      judge.close();
      // Whoever is gone does not keep it.
      for (const node of nodes) {
        const sync = await connect(raft(node));
        const held = await sync.lock('x').acquire({ timeoutMs: 10 * TTL_MS });
        await held.release();
        await sync.close();
      }
    },
  });
}

test('nobody holds together with another, whatever goes wrong', { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await history(seed);

  expect(coverage.granted).toBeGreaterThan(50);
  expect(coverage.lost).toBeGreaterThan(5);
  expect(coverage.aborted).toBeGreaterThan(5);
  // The same histories without the check: so this can fail.
  expect(coverage.staleTaken).toBeGreaterThan(0);
  expect(coverage.staleRefused).toBe(coverage.staleTaken);
});
