import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ReplCounter } from '../../../src/actors/replicated/objects/counter.js';
import { freePorts } from '../../../src/testing/free-ports.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15 } as const;
const objects = { hits: ReplCounter };

describe('LocalCluster', () => {
  it('does what its example says', async () => {
    await using cluster = await LocalCluster.start({ objects, ...QUICK });
    await cluster.ready();
    const leader = await cluster.leader();
    const follower = cluster.nodes.find((node) => node !== leader)!;

    await follower.objects.hits.inc();
    cluster.isolate(leader);
    await follower.objects.hits.inc();
    cluster.heal();
    await cluster.converged();

    expect(await leader.objects.hits.with({ consistency: 'local' }).get()).toBe(2);
  });

  it('stops all of its nodes at the end of its block', async () => {
    let nodes: LocalCluster<typeof objects>['nodes'];
    {
      await using cluster = await LocalCluster.start({ objects, ...QUICK });
      nodes = cluster.nodes;
    }

    expect(nodes.map((node) => node.status().health)).toEqual(['stopped', 'stopped', 'stopped']);
  });

  it('brings every node up to what was committed, whichever node it was told to', async () => {
    await using cluster = await LocalCluster.start({ objects, nodes: 5, ...QUICK });
    await cluster.ready();

    for (let round = 1; round <= 10; round++) {
      await cluster.nodes[round % 5]!.objects.hits.inc();
      await cluster.converged();

      const counts = await Promise.all(
        cluster.nodes.map((node) => node.objects.hits.with({ consistency: 'local' }).get()),
      );
      expect(counts).toEqual([round, round, round, round, round]);
    }
  });

  it('goes on without a node that was stopped', async () => {
    await using cluster = await LocalCluster.start({ objects, ...QUICK });
    await cluster.ready();
    const leader = await cluster.leader();

    await leader.stop();
    const next = await cluster.leader();

    expect(next).not.toBe(leader);
    expect(await next.objects.hits.inc()).toBe(1);
    await cluster.converged();
  });

  it('cuts two nodes off from each other, and no others', async () => {
    await using cluster = await LocalCluster.start({ objects, ...QUICK });
    await cluster.ready();
    const [a, b, c] = cluster.nodes;
    const connectedTo = (node: typeof a): unknown[] =>
      node!
        .status()
        .members.filter(({ connected }) => connected)
        .map(({ id }) => id);

    cluster.partition(a!, b!);
    while (connectedTo(a).length === 3 || connectedTo(b).length === 3) await nextTurn();

    expect(connectedTo(a)).toEqual(['node1:1', 'node3:1']);
    expect(connectedTo(b)).toEqual(['node2:1', 'node3:1']);
    expect(connectedTo(c)).toHaveLength(3);
    cluster.heal();
    while (connectedTo(a).length < 3 || connectedTo(b).length < 3) await nextTurn();
  });

  it('says so when it has waited too long', async () => {
    await using cluster = await LocalCluster.start({ objects, waitTimeoutMs: 100, ...QUICK });
    for (const node of cluster.nodes) cluster.isolate(node);

    const waits = [() => cluster.leader(), () => cluster.ready(), () => cluster.converged()];
    const errors = await Promise.all(waits.map((wait) => errorOf(wait)));

    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: false });
  });

  it.each([
    ['no node', { nodes: 0 }],
    ['half a node', { nodes: 1.5 }],
    ['more nodes than can agree', { nodes: 16 }],
    ['an option that does not exist', { size: 3 }],
    ['an address, which it chooses itself', { self: 'a:1' }],
    ['peers, which it chooses itself', { peers: ['a:1'] }],
    ['an address to listen on', { bind: 'a:1' }],
  ])('refuses %s', async (_what, options) => {
    const error = await errorOf(() => LocalCluster.start({ objects, ...options }));

    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expect(error.message).toContain(String(Object.values(options)[0]));
  });
});

it('LocalCluster says which options it has', async () => {
  const error = await errorOf(() => LocalCluster.start({ objects, size: 3 } as never));

  expect(error.message).toContain('size is not an option; there are nodes, waitTimeoutMs, objects,');
  expect(error.message).not.toContain('peers');
});

it('LocalCluster refuses to start without options', async () => {
  expect(await errorOf(() => LocalCluster.start(undefined as never))).toMatchObject({
    code: 'ERR_INVALID_OPTION',
    data: { option: 'options' },
  });
});

describe('freePorts', () => {
  it('finds different ports', async () => {
    const ports = await freePorts(10);

    expect(new Set(ports).size).toBe(10);
  });
});
