/**
 * Whole nodes that take snapshots, start from them and are given them: what their callers see.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SnapshotEvent } from '../../../src/actors/snapshotter/snapshot-event.js';
import { LocalCluster, type LocalClusterOptions } from '../../../src/testing/local-cluster.js';
import { Loose, Shelf, Words } from './fixtures/keepers.js';
import { Ledger } from './fixtures/ledger.js';

const QUICK = { electionTimeoutMs: [100, 200], heartbeatMs: 20 } as const;
const OBJECTS = { book: Ledger, words: Words, shelf: Shelf, loose: Loose };
type Cluster = LocalCluster<typeof OBJECTS>;
type Node = Cluster['nodes'][number];

let cluster: Cluster | undefined;

afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

async function start(more: Partial<LocalClusterOptions<typeof OBJECTS>> = {}): Promise<Cluster> {
  cluster = await LocalCluster.start({ objects: OBJECTS, ...QUICK, ...more });
  await cluster.ready();
  return cluster;
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function eventsOf(node: Node): SnapshotEvent[] {
  const events: SnapshotEvent[] = [];
  node.on('snapshot', (event) => events.push(event));
  return events;
}

const local = { consistency: 'local' } as const;

describe('a snapshot', () => {
  it('holds what its node had applied when it was asked for, and is told of', async () => {
    const { nodes } = await start();
    const [node] = nodes as [Node];
    const events = eventsOf(node);
    await node.objects.book.add(5);
    const before = node.status().appliedIndex;

    const index = await node.compact();

    expect(index).toBeGreaterThanOrEqual(before);
    await vi.waitUntil(() => node.status().snapshotIndex === index);
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['started', 'taken']));
    expect(events.at(-1)).toMatchObject({ type: 'taken', index });
    expect(await node.objects.book.add(1)).toBe(6);
  });

  it('is taken by itself when the log has grown, on each node', async () => {
    const { nodes } = await start({ snapshot: { bytes: 20_000 } });
    const filler = 'x'.repeat(1_000);

    for (let n = 0; n < 120; n++) await nodes[n % 3]!.objects.book.append(filler);

    await vi.waitUntil(() => nodes.every((node) => node.status().snapshotIndex > 0), { timeout: 5_000 });
    await vi.waitUntil(() => nodes.every((node) => node.status().logBytes < 2_500_000), { timeout: 5_000 });
    expect(await nodes[1]!.objects.book.all()).toHaveLength(120);
  });

  it('names the object whose commands are not deterministic, if it is to be verified', async () => {
    const { nodes } = await start({ nodes: 1, snapshot: { verify: true } });
    const [node] = nodes as [Node];
    const errors: Error[] = [];
    node.on('error', (error) => errors.push(error));
    await node.objects.book.add(1);
    await node.compact();
    expect(errors).toEqual([]);

    await node.objects.loose.roll();
    await node.compact();

    await vi.waitUntil(() => errors.length > 0);
    expect(errors).toMatchObject([{ code: 'ERR_DIVERGED', data: { object: 'loose' } }]);
    expect(node.status().health).toBe('ok');
  });

  it('keeps what objects say of themselves, and what is one thing in two places', async () => {
    const dataDir = temporaryDirectory();
    const first = await start({ nodes: 1, dataDir });
    const { words, shelf } = first.nodes[0]!.objects;
    await words.add('log', 1);
    await words.add('log', 7);
    await shelf.put('raft');
    await first.nodes[0]!.compact();
    await words.add('log', 9);
    await first.stop();

    const { nodes } = await start({ nodes: 1, dataDir });
    const again = nodes[0]!.objects;
    await again.shelf.mark('raft', 'understandable');

    expect(await again.words.pagesOf('log')).toEqual([1, 7, 9]);
    expect(await again.shelf.all()).toEqual([['raft', 'understandable']]);
  });
});

describe('a node that is far behind', () => {
  async function leaveBehind(more: Partial<LocalClusterOptions<typeof OBJECTS>> = {}): Promise<[Node, Node]> {
    const { nodes } = await start(more);
    const leader = await cluster!.leader();
    const behind = nodes.find((node) => node !== leader)!;
    cluster!.isolate(behind);
    const others = nodes.filter((node) => node !== behind);
    // Twice, for the log is kept back to the older of two.
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 10; n++) await leader.objects.book.add(1);
      for (const node of others) await node.compact();
    }
    await leader.objects.book.add(100);
    await vi.waitUntil(() => leader.status().snapshotIndex > 0);
    return [leader, behind];
  }

  it('is given a snapshot and the log behind it', async () => {
    const [, behind] = await leaveBehind();
    const events = eventsOf(behind);

    cluster!.heal();

    expect(await behind.objects.book.with({ timeoutMs: 5_000 }).sum()).toBe(120);
    expect(await behind.objects.book.with(local).sum()).toBe(120);
    await vi.waitUntil(() => events.some(({ type }) => type === 'installed'));
    expect(await behind.objects.book.add(1)).toBe(121);
  });

  it('says that it is catching up, from when it finds its leader until it has everything', async () => {
    const [, behind] = await leaveBehind();
    await vi.waitUntil(() => behind.status().leader === null);
    let whenFound: string | undefined;
    behind.on('leader', (leader) => (whenFound = leader === null ? undefined : behind.status().health));

    cluster!.heal();
    await vi.waitUntil(() => behind.status().health === 'ok');

    expect(whenFound).toBe('catching up');
    expect(await behind.objects.book.with(local).sum()).toBe(120);
  });

  it('keeps it on its disk', async () => {
    const [, behind] = await leaveBehind({ dataDir: temporaryDirectory() });
    cluster!.heal();
    expect(await behind.objects.book.with({ timeoutMs: 5_000 }).sum()).toBe(120);

    await vi.waitUntil(() => behind.status().snapshotIndex > 0);

    expect(await behind.compact()).toBeGreaterThan(0);
    expect(await behind.objects.book.add(1)).toBe(121);
  });
});
