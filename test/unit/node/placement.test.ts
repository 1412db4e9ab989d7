/** Objects of one node on several machines, on whole nodes, of which each has them elsewhere. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ReplCounter } from '../../../src/actors/replicated/objects/counter.js';
import { ReplMap } from '../../../src/actors/replicated/objects/map.js';
import { ReplQueue } from '../../../src/actors/replicated/objects/queue.js';
import type { SnapshotEvent } from '../../../src/actors/snapshotter/snapshot-event.js';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { Ledger } from './fixtures/ledger.js';

const OBJECTS = { hits: ReplCounter, book: Ledger, words: ReplMap<string, number>, jobs: ReplQueue<string> };
const CLASSES = { ReplCounter, Ledger };
const SHARED = {
  objects: OBJECTS,
  classes: CLASSES,
  threads: false,
  electionTimeoutMs: [100, 200],
  heartbeatMs: 20,
} as const;
const LOCAL = { consistency: 'local' } as const;
/** Of each node another one; none is the same as that of another. */
const PLACEMENTS = [{ book: 'x', words: 'y', room: 'x' }, {}, { hits: 'x', room: 'x', jobs: 'y' }] as const;

type Node = Runtime<typeof OBJECTS>;
type More = Partial<RuntimeOptions<typeof OBJECTS>>;

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function start(self: string, addresses: readonly string[], more: More): Promise<Node> {
  const peers = addresses.filter((address) => address !== self);
  const node: Node = await Runtime.start({ ...SHARED, self, peers, ...more });
  stops.push(() => node.stop());
  return node;
}

const addressesOf = async (count: number): Promise<string[]> =>
  (await freePorts(count)).map((port) => `${LOOPBACK}:${port}`);

async function startThree(more: More = {}): Promise<[Node, Node, Node]> {
  const addresses = await addressesOf(3);
  const nodes = await Promise.all(
    addresses.map((self, i) => start(self, addresses, { ...more, placement: PLACEMENTS[i]! })),
  );
  await Promise.all(nodes.map((node) => node.ready()));
  return nodes as [Node, Node, Node];
}

/** What a node holds of all of its objects. */
async function contentOf(node: Node): Promise<unknown> {
  const { hits, book, words, jobs } = node.objects;
  return {
    hits: await hits.with(LOCAL).get(),
    book: await book.with(LOCAL).all(),
    words: await words.with(LOCAL).entries(),
    jobs: await jobs.with(LOCAL).size(),
    room: await node.object('room', ReplCounter).with(LOCAL).get(),
  };
}

async function useAll(node: Node, times: number, from = 0): Promise<void> {
  const { hits, book, words, jobs } = node.objects;
  const room = node.object('room', ReplCounter);
  await Promise.all(
    Array.from({ length: times }, (_, i) => [
      hits.inc(),
      book.append(`${from + i}`),
      words.set(`${from + i}`, i),
      jobs.put(`${from + i}`),
      room.inc(),
    ]).flat(),
  );
}

describe('objects on several machines of a node', () => {
  it('are the same on nodes that place them differently, whoever calls them', async () => {
    const nodes = await startThree();
    await nodes[0].create('room', ReplCounter);

    await Promise.all(nodes.map((node, i) => useAll(node, 40, 100 * i)));
    await Promise.all(nodes.map((node) => node.caughtUp({ timeoutMs: 5_000 })));

    const [a, b, c] = await Promise.all(nodes.map(contentOf));
    expect(a).toMatchObject({ hits: 120, jobs: 120, room: 120 });
    expect(b).toEqual(a);
    expect(c).toEqual(a);
  });

  it('show a caller what it has done, and never less than it has seen of others', async () => {
    const [node] = await startThree();
    const { hits, book } = node.objects;

    for (let i = 1; i <= 50; i++) {
      expect(await hits.inc()).toBe(i);
      await book.append('a');
      expect(await hits.with(LOCAL).get()).toBe(i);
      expect(await book.with(LOCAL).all()).toHaveLength(i);
      expect(await book.all()).toHaveLength(i);
    }
  });

  it('may be created and called in one turn, and be dropped, wherever they are to be', async () => {
    for (const node of await startThree()) {
      const room = node.object('room', ReplCounter);

      const calls = [node.create('room', ReplCounter), room.inc(), node.drop('room'), room.inc()];
      const outcomes = await Promise.allSettled(calls);

      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    }
  });

  it('are watched, and waited for, on whichever machine they are', async () => {
    const [a, , c] = await startThree();
    const signal = AbortSignal.timeout(5_000);
    const changes = a.objects.words.watch({ signal });
    await changes.begun();

    const taken = c.objects.jobs.take({ signal });
    await a.objects.jobs.put('one');
    await c.objects.words.set('k', 1);

    expect(await taken).toBe('one');
    expect(await changes.next()).toMatchObject({ value: { key: 'k', value: 1 } });
    await changes.return();
  });

  it('are all to be looked at where they live on the caller’s thread', async () => {
    const [node] = await startThree();

    await useLocal(node);

    expect(node.local('hits').get()).toBe(1);
    expect(node.local('book').all()).toEqual(['a']);
  });

  it('begin with the snapshot of a node that has them elsewhere, and are compared with it without a difference', async () => {
    const addresses = await addressesOf(3);
    const placements = [...PLACEMENTS];
    const [a, b] = await Promise.all([
      start(addresses[0]!, addresses, { placement: placements[0]!, snapshot: { verify: true } }),
      start(addresses[1]!, addresses, { placement: placements[1]! }),
      startAndStop(addresses[2]!, addresses, { placement: placements[2]! }),
    ]);
    const events: SnapshotEvent[] = [];
    a.on('snapshot', (event) => events.push(event));
    await a.create('room', ReplCounter);
    for (let round = 0; round < 3; round++) {
      await useAll(a, 30, 100 * round);
      for (const node of [a, b]) await node.compact();
    }

    // It remembers nothing, and what it needs is in nobody's log any more.
    const late = await start(addresses[2]!, addresses, { placement: placements[2]! });
    const installed = new Promise((resolve) => {
      late.on('snapshot', ({ type }) => void (type === 'installed' && resolve(type)));
    });
    await installed;
    await late.ready();

    expect(await contentOf(late)).toEqual(await contentOf(a));
    expect(events.map(({ type }) => type)).not.toContain('diverged');
    await useAll(late, 5, 1_000);
    await a.caughtUp({ timeoutMs: 5_000 });
    expect(await contentOf(late)).toEqual(await contentOf(a));
  });

  it('are what they were after a restart with another placement, from snapshot and log', async () => {
    const [self] = (await addressesOf(1)) as [string];
    const dataDir = temporaryDirectory();
    let content: unknown = null;
    for (const placement of [PLACEMENTS[0], PLACEMENTS[1], PLACEMENTS[2], PLACEMENTS[0]]) {
      const node = await start(self, [self], { dataDir, placement });
      await node.ready();
      if (content === null) await node.create('room', ReplCounter);
      else expect(await contentOf(node)).toEqual(content);

      await useAll(node, 20);
      await node.compact();
      await useAll(node, 20);
      content = await contentOf(node);
      await node.stop();
    }
  });

  it('are counted together', async () => {
    const [a, b] = await startThree();
    await useLocal(a);
    await b.caughtUp({ timeoutMs: 5_000 });

    await vi.waitUntil(async () => (await b.measure()).objects?.commandsApplied === 2);
    const figures = await a.measure();

    expect(figures.objects).toEqual({ commandsApplied: 2, commandsThrew: 0 });
    expect(figures.commands.submitted).toBe(2);
    const actors = [...figures.threads.values()].flatMap((thread) => thread!.mailboxes.map(({ actor }) => actor));
    expect(actors).toEqual(expect.arrayContaining(['machine', 'machine-x', 'machine-y']));
  });
});

/** It helps to found the cluster, and is gone. */
async function startAndStop(...options: Parameters<typeof start>): Promise<void> {
  const node = await start(...options);
  await node.ready();
  await node.stop();
}

async function useLocal({ objects: { hits, book } }: Node): Promise<void> {
  await hits.inc();
  await book.append('a');
}
