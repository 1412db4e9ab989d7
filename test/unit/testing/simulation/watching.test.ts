/**
 * Those who watch and those who wait, on clusters where everything goes wrong that can: what is told of a counter is
 * what was applied, in order, none missing and none twice, wherever one goes on; and no item of a queue is lost or
 * given to two.
 */

import { expect, test } from 'vitest';
import type { ChangePlace } from '../../../../src/actors/replicated/changes/change-place.js';
import { ReplCounter, ReplQueue, type CounterChange } from '../../../../src/actors/replicated/objects/index.js';
import { object } from '../../../../src/actors/replicated/object-definition.js';
import { ConclaveError, type ErrorCode } from '../../../../src/errors.js';
import { simulate } from '../../../../src/testing/simulation/simulate.js';
import type { SimulationClients, SimulationNode } from '../../../../src/testing/simulation/user-clients.js';

const OBJECTS = { hits: ReplCounter, jobs: object(ReplQueue<number>, { capacity: 8 }) };
type Node = SimulationNode<typeof OBJECTS>;
type Clients = SimulationClients<typeof OBJECTS>;

const SEEDS = 12;
const ROUNDS = 50;

/** How watching may end while things go wrong; the first ones are of no consequence to one who goes on. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_ABORTED',
  'ERR_OBJECT_FAILED',
  'ERR_STOPPED',
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
]);

/** What has happened in all histories. */
const coverage = { changes: 0, resumed: 0, lost: 0, taken: 0, aborted: 0 };

class Observer {
  readonly #all: Map<string, CounterChange>;
  /** What the counter is at `#at`; null: not known. */
  #value: number | null = null;
  #at: ChangePlace | null = null;

  constructor(all: Map<string, CounterChange>) {
    this.#all = all;
  }

  /** Watches on this node until it is ended, or for so many changes. */
  async watch({ objects: { hits } }: Node, signal: AbortSignal, changesMax: number): Promise<void> {
    const from = this.#value === null ? null : this.#at;
    const changes = from === null ? hits.watch({ read: 'get', signal }) : hits.watch({ from, signal });
    let isFirst = true;
    let left = changesMax;
    try {
      for await (const change of changes) {
        if (change.type === 'state') this.#value = change.value;
        else this.#take(change, changes.at!);
        if (isFirst && from !== null) coverage.resumed++;
        isFirst = false;
        this.#at = changes.at;
        if (--left <= 0) break;
      }
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      if (error.code === 'ERR_CHANGES_LOST') {
        coverage.lost++;
        this.#value = null;
      } else if (!ENDS.has(error.code)) {
        throw error;
      }
    }
  }

  #take(change: CounterChange, at: ChangePlace): void {
    // Behind what was given.
    const place = JSON.stringify(at);
    expect(change.previous).toBe(this.#value);
    expect(this.#all.get(place) ?? change).toEqual(change);
    this.#all.set(place, change);
    this.#value = change.value;
    coverage.changes++;
  }
}

/** Until the node is another one, or all is over. */
async function whileUp(
  { sleep }: Clients,
  node: Node,
  isOver: () => boolean,
  use: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  const { objects } = node;
  let isUsed = true;
  const using = use(ending.signal).finally(() => (isUsed = false));
  while (isUsed && !isOver() && node.isUp && node.objects === objects) await sleep(3);
  ending.abort();
  await using;
}

function unlessUnavailable(error: unknown): ConclaveError {
  if (error instanceof ConclaveError) return error;
  throw error;
}

async function history(seed: number): Promise<void> {
  const all = new Map<string, CounterChange>();
  const put = new Set<number>();
  /** What is known to have been put. */
  const accepted = new Set<number>();
  const taken: number[] = [];
  /** Takers that may have taken something without being told what. */
  let unknown = 0;
  await simulate({
    objects: OBJECTS,
    seed,
    async clients(clients) {
      const { nodes, random, sleep } = clients;
      const anyNode = (): Node => nodes[random.uint32() % nodes.length]!;
      let isOver = false;
      const observe = async (): Promise<void> => {
        const observer = new Observer(all);
        while (!isOver) {
          const node = anyNode();
          const changesMax = 1 + (random.uint32() % 20);
          if (node.isUp)
            await whileUp(
              clients,
              node,
              () => isOver,
              (signal) => observer.watch(node, signal, changesMax),
            );
          await sleep(1 + (random.uint32() % 10));
        }
      };
      const takeJobs = async (): Promise<void> => {
        while (!isOver) {
          const node = anyNode();
          const untilMs = random.uint32() % 100;
          await whileUp(
            clients,
            node,
            () => isOver,
            async (signal) => {
              const giveUp = AbortSignal.any([signal, abortedAfter(clients, untilMs)]);
              try {
                taken.push(await node.objects.jobs.take({ signal: giveUp }));
              } catch (error) {
                if (unlessUnavailable(error).mayBeApplied) unknown++;
                else coverage.aborted++;
              }
            },
          );
          await sleep(1);
        }
      };
      const write = async (): Promise<void> => {
        for (let round = 0; round < ROUNDS; round++) {
          const { hits, jobs } = anyNode().objects;
          const item = seed * 1_000 + put.size;
          put.add(item);
          await Promise.all([
            ...[1, 2, 3].map((amount) => hits.add(amount).catch(unlessUnavailable)),
            hits.add(Number.NaN).catch(unlessUnavailable),
            jobs.put(item).then((isPut) => isPut && accepted.add(item), unlessUnavailable),
          ]);
          await sleep(random.uint32() % 20);
        }
      };
      const others = [observe(), observe(), observe(), takeJobs(), takeJobs(), takeJobs()];
      await write();
      isOver = true;
      await Promise.all(others);
    },
    async afterwards({ nodes }) {
      const { jobs } = nodes[0]!.objects;
      for (let item = await jobs.take(); item !== undefined; item = await jobs.take()) taken.push(item);
    },
  });
  expect(new Set(taken).size).toBe(taken.length);
  for (const item of taken) expect(put).toContain(item);
  const lost = [...accepted].filter((item) => !taken.includes(item));
  expect(lost.length).toBeLessThanOrEqual(unknown);
  coverage.taken += taken.length;
}

function abortedAfter({ sleep }: Clients, delayMs: number): AbortSignal {
  const aborting = new AbortController();
  void sleep(delayMs).then(() => aborting.abort());
  return aborting.signal;
}

test('watchers are told what was applied, and waiting takers share what there is, whatever goes wrong', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await history(seed);

  expect(coverage.changes).toBeGreaterThan(50 * SEEDS);
  for (const [what, count] of Object.entries(coverage)) expect([what, count > 3]).toEqual([what, true]);
}, 60_000);
