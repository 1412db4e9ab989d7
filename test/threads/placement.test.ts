/** Objects on threads of their own: what one thread does, and how it ends, is of no matter to the objects on others. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Runtime, type ObjectsEvent, type RuntimeOptions } from 'conclave';
import { ReplCounter } from 'conclave/objects';
import { freePorts, LOOPBACK } from '../../dist/testing/free-ports.js';
import type * as Hazards from './fixtures/hazard.js';

// Compiled, for a worker cannot load TypeScript.
const hazards = new URL('../../build/test/threads/fixtures/hazard.js', import.meta.url).href;
const { Hazard } = (await import(hazards)) as typeof Hazards;

const OBJECTS = { hazard: Hazard, hits: ReplCounter };
const LOCAL = { consistency: 'local' } as const;
type Node = Runtime<typeof OBJECTS>;
type More = Partial<RuntimeOptions<typeof OBJECTS>>;

async function start(self: string, peers: readonly string[], more: More): Promise<Node> {
  const node: Node = await Runtime.start({ self, peers, objects: OBJECTS, classes: { ReplCounter }, ...more });
  onTestFinished(() => node.stop());
  return node;
}

async function addressesOf(count: number): Promise<string[]> {
  return (await freePorts(count)).map((port) => `${LOOPBACK}:${port}`);
}

async function startOne(more: More): Promise<Node> {
  const [self] = (await addressesOf(1)) as [string];
  const node = await start(self, [], more);
  await node.ready();
  return node;
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'placement-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** How many commands, linearizable and local queries of the counter are answered before `until`. */
async function answeredUntil(node: Node, until: Promise<unknown>): Promise<number> {
  let isOver = false;
  void until.then(() => (isOver = true));
  for (let answered = 0; ; answered++) {
    await node.objects.hits.inc();
    await node.objects.hits.get();
    await node.objects.hits.with(LOCAL).get();
    if (isOver) return answered;
  }
}

describe('an object on a thread of its own', () => {
  it('keeps nobody waiting but those who call it', async () => {
    const placed = await startOne({ placement: { hazard: 'slow' } });

    const answered = await answeredUntil(placed, placed.objects.hazard.block(1_000));

    // On the same thread, one at most.
    expect(answered).toBeGreaterThan(3);
    expect(await placed.objects.hazard.isOnMainThread()).toBe(false);
  });

  it('has the thread measured by its name', async () => {
    const node = await startOne({ placement: { hazard: 'slow' } });

    const { threads } = await node.measure();

    expect([...threads.keys()]).toEqual(['main', 'consensus', 'storage', 'object', 'object-slow']);
    expect(threads.get('object-slow')!.mailboxes.map(({ actor }) => actor)).toEqual(['machine']);
  });

  it('is brought back alone when its thread ends, and others go on answering', async () => {
    const node = await startOne({ placement: { hazard: 'slow' } });
    const events: ObjectsEvent[] = [];
    node.on('objects', (event) => events.push(event));
    node.on('error', () => {});
    await node.objects.hazard.append('a');
    const marker = join(temporaryDirectory(), 'marker');

    const crashing = node.objects.hazard.with({ timeoutMs: 30_000 }).appendAndExitOnce('b', marker);
    const answered = await answeredUntil(node, crashing);

    expect(await crashing).toBe(2);
    expect(answered).toBeGreaterThan(3);
    expect(await node.objects.hazard.all()).toEqual(['a', 'b']);
    await vi.waitUntil(() => events.length === 2);
    expect(events).toMatchObject([
      { type: 'failed', thread: 'slow', error: { code: 'ERR_THREAD_EXITED' } },
      { type: 'restored', thread: 'slow' },
    ]);
    await vi.waitUntil(() => node.status().health === 'ok', { timeout: 10_000 });
  });

  it('goes on when the thread of the others ends', async () => {
    const node = await startOne({ placement: { hits: 'own' } });
    node.on('error', () => {});
    const marker = join(temporaryDirectory(), 'marker');

    const crashing = node.objects.hazard.with({ timeoutMs: 30_000 }).appendAndExitOnce('a', marker);
    const answered = await answeredUntil(node, crashing);

    expect(await crashing).toBe(1);
    expect(answered).toBeGreaterThan(3);
    expect(await node.objects.hits.get()).toBe(answered + 1);
  });

  it('may be created there at run time', async () => {
    const node = await startOne({ placement: { room: 'slow' } });

    const room = await node.create('room', ReplCounter);
    await room.add(5);

    expect(await room.get()).toBe(5);
    expect((await node.measure()).objects).toEqual({ commandsApplied: 2, commandsThrew: 0 });
  });
});

describe('a snapshot of a node', () => {
  it.each([
    ['on two threads is installed on a node with one', { hazard: 'slow' }, {}],
    ['on one thread is installed on a node with two', {}, { hazard: 'slow' }],
  ] as const)('with its objects %s, and they hold the same', async (_, placement, latePlacement) => {
    const addresses = await addressesOf(3);
    const [a, b, c] = addresses as [string, string, string];
    const nodes = await Promise.all([
      start(a, [b, c], { placement }),
      start(b, [a, c], { placement }),
      start(c, [a, b], { placement: latePlacement }),
    ]);
    await Promise.all(nodes.map((node) => node.ready()));
    await nodes[2].stop();
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 200 }, (__, i) => [
        nodes[0].objects.hazard.append(`${round} ${i}`),
        nodes[0].objects.hits.inc(),
      ]);
      await Promise.all(calls.flat());
      for (const node of nodes.slice(0, 2)) await node.compact();
    }

    // It remembers nothing, and what it needs is in nobody's log any more.
    const late = await start(c, [a, b], { placement: latePlacement });
    const types: string[] = [];
    late.on('snapshot', ({ type }) => types.push(type));
    await late.ready();

    await vi.waitUntil(() => types.includes('installed'), { timeout: 10_000 });
    expect(await late.objects.hits.get()).toBe(600);
    expect(await late.objects.hazard.all()).toEqual(await nodes[0].objects.hazard.all());
  });

  it('that has them on two threads is where its objects go on from, on one thread and on two', async () => {
    const dataDir = temporaryDirectory();
    const [self] = (await addressesOf(1)) as [string];
    let count = 0;
    for (const placement of [{ hazard: 'slow' }, {}, { hits: 'own' }]) {
      const node = await start(self, [], { dataDir, placement });
      await node.ready();
      expect(await node.objects.hits.get()).toBe(count);
      expect(await node.objects.hazard.all()).toHaveLength(count);

      await Promise.all([node.objects.hits.inc(), node.objects.hazard.append('a')]);
      await node.compact();
      await Promise.all([node.objects.hits.inc(), node.objects.hazard.append('b')]);
      await node.stop();
      count += 2;
    }
  });
});
