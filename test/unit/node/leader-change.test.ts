import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConclaveError } from '../../../src/errors.js';
import type { Runtime } from '../../../src/node/runtime.js';
import { LocalCluster, type LocalClusterOptions } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { Ledger } from './fixtures/ledger.js';

type Objects = { readonly book: typeof Ledger };
type Node = Runtime<Objects>;

/** What became of each call, by its id. */
type Outcomes = Map<string, 'acknowledged' | ConclaveError>;

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;
const COMMANDS = 2000;
const COMMANDS_PER_TURN = 20;

describe('a change of leader under load', () => {
  let cluster: LocalCluster<Objects>;

  afterEach(() => cluster.stop());

  async function startCluster(options: Partial<LocalClusterOptions<Objects>> = {}): Promise<Node> {
    cluster = await LocalCluster.start({ objects: { book: Ledger }, ...QUICK, ...options });
    await cluster.ready();
    return cluster.leader();
  }

  /** Appends ids of its own on a node, without waiting for one answer before the next call. */
  async function appendMany(node: Node, name: string, outcomes: Outcomes): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < COMMANDS; i++) {
      const id = `${name} ${i}`;
      calls.push(
        node.objects.book.append(id).then(
          () => outcomes.set(id, 'acknowledged'),
          (error: unknown) => outcomes.set(id, error as ConclaveError),
        ),
      );
      if (i % COMMANDS_PER_TURN === 0) await nextTurn();
    }
    await Promise.all(calls);
  }

  async function appendOnAllNodes(outcomes: Outcomes): Promise<void> {
    await Promise.all(cluster.nodes.map((node, i) => appendMany(node, `caller${i}`, outcomes)));
  }

  async function untilSome(outcomes: Outcomes, count: number): Promise<void> {
    while (outcomes.size < count) await nextTurn();
  }

  async function untilAnotherLeads(old: Node): Promise<void> {
    while ((await cluster.leader()) === old) await nextTurn();
  }

  async function entriesOfAll(): Promise<string[][]> {
    // A command whose caller has given up may still be on its way.
    while (cluster.nodes.some((node) => node.status().pendingCommands > 0)) await nextTurn();
    await cluster.converged();
    return Promise.all(cluster.nodes.map((node) => node.objects.book.with({ consistency: 'local' }).all()));
  }

  /** The numbers of one caller's entries, in the order of the log. */
  function numbersOf(entries: readonly string[], name: string): number[] {
    return entries.filter((id) => id.startsWith(`${name} `)).map((id) => Number(id.split(' ')[1]));
  }

  function expectEachOnceInOrder(entries: readonly string[]): void {
    expect(new Set(entries).size).toBe(entries.length);
    for (const i of cluster.nodes.keys()) {
      const numbers = numbersOf(entries, `caller${i}`);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  }

  it('applies every command exactly once and in its caller’s order, when all wait long enough', async () => {
    const leader = await startCluster({ callTimeoutMs: 30_000 });
    const outcomes: Outcomes = new Map();

    const done = appendOnAllNodes(outcomes);
    await untilSome(outcomes, 300);
    cluster.isolate(leader);
    await untilAnotherLeads(leader);
    cluster.heal();
    await done;

    const [first, ...others] = await entriesOfAll();
    expect([...outcomes.values()].filter((outcome) => outcome !== 'acknowledged')).toEqual([]);
    expect(first).toHaveLength(cluster.nodes.length * COMMANDS);
    expectEachOnceInOrder(first!);
    for (const other of others) expect(other).toEqual(first);
  });

  it('survives one change after another', async () => {
    await startCluster({ callTimeoutMs: 30_000 });
    const outcomes: Outcomes = new Map();

    const done = appendOnAllNodes(outcomes);
    for (let round = 1; round <= 4; round++) {
      await untilSome(outcomes, 500 * round);
      const leader = await cluster.leader();
      cluster.isolate(leader);
      await untilAnotherLeads(leader);
      cluster.heal();
    }
    await done;

    const [first, ...others] = await entriesOfAll();
    expect(first).toHaveLength(cluster.nodes.length * COMMANDS);
    expectEachOnceInOrder(first!);
    for (const other of others) expect(other).toEqual(first);
  });

  it('loses nothing acknowledged and doubles nothing unknown, when callers give up', async () => {
    const leader = await startCluster({ callTimeoutMs: 250 });
    const outcomes: Outcomes = new Map();

    const done = appendOnAllNodes(outcomes);
    await untilSome(outcomes, 300);
    cluster.isolate(leader);
    await done;
    cluster.heal();

    const [first, ...others] = await entriesOfAll();
    const entries = new Set(first);
    expectEachOnceInOrder(first!);
    for (const other of others) expect(other).toEqual(first);
    const errors = [...outcomes].flatMap(([id, outcome]) =>
      outcome === 'acknowledged' ? [] : [{ id, error: outcome }],
    );
    expect(errors.length).toBeGreaterThan(0);
    for (const [id, outcome] of outcomes) if (outcome === 'acknowledged') expect(entries).toContain(id);
    for (const { id, error } of errors) {
      expect(['ERR_TIMEOUT', 'ERR_NO_LEADER']).toContain(error.code);
      expect(error.retrySafe).toBe(!error.mayBeApplied);
      if (!error.mayBeApplied) expect(entries).not.toContain(id);
    }
  });

  it('lets no linearizable query answer with what was, once something newer was acknowledged', async () => {
    const leader = await startCluster({ callTimeoutMs: 2_000 });
    await leader.objects.book.add(1);

    cluster.isolate(leader);
    const stale = leader.objects.book.with({ timeoutMs: 400 }).sum();
    const refused = errorOf(() => stale);
    await untilAnotherLeads(leader);
    await (await cluster.leader()).objects.book.add(1);

    expect(await refused).toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true });
    cluster.heal();
    expect(await leader.objects.book.sum()).toBe(2);
  });

  it('hands leadership over without losing or doubling what is under way', async () => {
    // The target must take over within the longest election timeout, with all nodes at work on one event loop.
    const leader = await startCluster({ callTimeoutMs: 30_000, electionTimeoutMs: [500, 2_000], heartbeatMs: 50 });
    const outcomes: Outcomes = new Map();
    const target = cluster.nodes.find((node) => node !== leader)!;

    const done = appendOnAllNodes(outcomes);
    await untilSome(outcomes, 300);
    await leader.transferLeadership(target.status().self!);
    await done;

    const [first, ...others] = await entriesOfAll();
    expect(await cluster.leader()).toBe(target);
    expect(first).toHaveLength(cluster.nodes.length * COMMANDS);
    expectEachOnceInOrder(first!);
    for (const other of others) expect(other).toEqual(first);
  });
});
