/** Members are added, replaced and removed while a cluster of whole nodes is at work. */

import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { until } from '../net/support/loopback.js';
import { Ledger } from './fixtures/ledger.js';

type Objects = { readonly book: typeof Ledger };
type Node = Runtime<Objects>;

const QUICK = { electionTimeoutMs: [100, 200], heartbeatMs: 20, callTimeoutMs: 5_000 } as const;

const started: Node[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

async function start(self: string, peers: readonly string[], more: Partial<RuntimeOptions<Objects>>): Promise<Node> {
  const objects = { book: Ledger };
  const node = await Runtime.start({ self, peers, objects, threads: false, ...QUICK, ...more });
  started.push(node);
  return node;
}

const addressesOf = async (count: number): Promise<string[]> =>
  (await freePorts(count)).map((port) => `${LOOPBACK}:${port}`);

/** Removed when the test ends. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A cluster of all but the last of these addresses, which is for a newcomer. */
async function startCluster(
  addresses: readonly string[],
  more: (self: string) => Partial<RuntimeOptions<Objects>> = () => ({}),
): Promise<{ readonly nodes: Node[]; readonly leader: Node }> {
  const nodes = await Promise.all(
    addresses.map((self) =>
      start(
        self,
        addresses.filter((each) => each !== self),
        more(self),
      ),
    ),
  );
  await Promise.all(nodes.map((node) => node.ready()));
  return { nodes, leader: nodes.find((node) => node.status().role === 'leader')! };
}

const votersOf = (node: Node): string[] =>
  node.members
    .list()
    .filter(({ role }) => role === 'voter')
    .map(({ id }) => id);

const sumOf = (node: Node): Promise<number> => node.objects.book.with({ consistency: 'local' }).sum();

describe('an observer', () => {
  it('finds the cluster by its options when all whom it remembers are gone', async () => {
    const [founder, successor] = (await addressesOf(2)) as [string, string];
    const directory = temporaryDirectory();
    const observe = (peers: readonly string[]): Promise<Node> =>
      Runtime.start({
        self: null,
        peers,
        objects: { book: Ledger },
        threads: false,
        ...QUICK,
        dataDir: join(directory, 'observer'),
      });
    const { leader } = await startCluster([founder]);
    await leader.objects.book.add(7);
    const observer = await observe([founder]);
    await observer.ready();
    await observer.stop();
    const joining = await start(successor, [], { join: true });
    await leader.members.replace(founder, successor);
    await joining.ready();

    const again = await observe([successor]);
    started.push(again);
    await again.ready();

    expect(again.status()).toMatchObject({ leader: successor });
    expect(await sumOf(again)).toBe(7);
  });
});

describe('a node that joins', () => {
  it('founds nothing, waits, and is a member with everything once it has been added', async () => {
    const [newcomer, ...addresses] = (await addressesOf(4)) as [string, ...string[]];
    const { leader, nodes } = await startCluster(addresses);
    await leader.objects.book.add(7);
    const joining = await start(newcomer, [], { join: true });
    expect(joining.status()).toMatchObject({ members: [], leader: null });
    const told: string[][] = [];
    nodes[0]!.on('member', (members) => told.push(members.map(({ id, role }) => `${id} ${role}`)));

    await leader.members.add(newcomer);
    await joining.ready();

    expect(await sumOf(joining)).toBe(7);
    expect(votersOf(leader)).toEqual([newcomer, ...addresses].toSorted());
    await until(() => votersOf(joining).length === 4 && votersOf(nodes[0]!).length === 4);
    expect(told[0]).toContain(`${newcomer} learner`);
    await joining.objects.book.add(1);
    expect(await leader.objects.book.sum()).toBe(8);
  });

  it('takes the place of another, and the cluster goes on with it when one more is gone', async () => {
    const [newcomer, ...addresses] = (await addressesOf(4)) as [string, ...string[]];
    const { leader, nodes } = await startCluster(addresses);
    const joining = await start(newcomer, [], { join: true });
    const [replaced, other] = nodes.filter((node) => node !== leader) as [Node, Node];

    await leader.members.replace(replaced.status().self!, newcomer);
    await joining.ready();
    await until(() => replaced.status().health === 'stopped');
    await other.stop();

    expect(await joining.objects.book.add(3)).toBe(3);
    expect(await sumOf(leader)).toBe(3);
  });

  it('belongs to it after a restart, whatever it is started with', async () => {
    const [newcomer, ...addresses] = (await addressesOf(4)) as [string, ...string[]];
    const directory = temporaryDirectory();
    const more = (self: string) => ({ dataDir: join(directory, self) });
    const { leader } = await startCluster(addresses, more);
    const joining = await start(newcomer, [], { join: true, ...more(newcomer) });
    await leader.members.add(newcomer);
    await joining.ready();
    await joining.stop();

    const again = await start(newcomer, [], { join: true, ...more(newcomer) });
    await again.ready();

    expect(votersOf(again)).toEqual([newcomer, ...addresses].toSorted());
  });
});

describe('who the members are', () => {
  it('travels in snapshots, to those who join and through a restart of all, whatever they are started with', async () => {
    const [d, e, ...addresses] = (await addressesOf(4)) as [string, string, ...string[]];
    const directory = temporaryDirectory();
    const more = (self: string) => ({ dataDir: join(directory, self) });
    const { leader } = await startCluster(addresses, more);
    const second = await start(d, [], { join: true, ...more(d) });
    await leader.members.add(d);
    await second.ready();
    await leader.objects.book.add(5);
    // Two, for the log is kept back to the older one.
    await leader.compact();
    await leader.objects.book.add(6);
    const index = await leader.compact();
    const third = await start(e, [], { join: true, ...more(e) });
    const installed: number[] = [];
    third.on('snapshot', (event) => {
      if (event.type === 'installed') installed.push(event.index);
    });

    await leader.members.add(e);
    await third.ready();
    expect(installed).toEqual([index]);
    expect(await sumOf(third)).toBe(11);
    await until(() => votersOf(third).length === 4);
    await Promise.all(started.splice(0).map((node) => node.stop()));

    const again = await Promise.all([...addresses, d, e].map((self) => start(self, [], more(self))));
    await Promise.all(again.map((node) => node.ready()));
    for (const node of again) expect(votersOf(node)).toEqual([d, e, ...addresses].toSorted());
    expect(await again[0]!.objects.book.add(1)).toBe(12);
  });
});

describe('a member that is removed', () => {
  it('stops by itself, and the others go on', async () => {
    const addresses = await addressesOf(3);
    const { leader, nodes } = await startCluster(addresses);
    const removed = nodes.find((node) => node !== leader)!;

    await leader.members.remove(removed.status().self!);

    await until(() => removed.status().health === 'stopped');
    expect(votersOf(leader)).toHaveLength(2);
    expect(await leader.objects.book.add(1)).toBe(1);
  });

  it('may be the leader: another one leads at once', async () => {
    const addresses = await addressesOf(3);
    const { leader, nodes } = await startCluster(addresses);
    const [other] = nodes.filter((node) => node !== leader) as [Node];

    await leader.members.remove(leader.status().self!);

    await until(() => leader.status().health === 'stopped');
    expect(await other.objects.book.add(1)).toBe(1);
    expect(votersOf(other)).toHaveLength(2);
  });

  it('may be added again', async () => {
    const addresses = await addressesOf(3);
    const { leader, nodes } = await startCluster(addresses);
    const removed = nodes.find((node) => node !== leader)!;
    const { self } = removed.status();
    await leader.members.remove(self!);
    await until(() => removed.status().health === 'stopped');

    const again = await start(self!, [], { join: true });
    await leader.members.add(self!);
    await again.ready();

    expect(votersOf(leader)).toHaveLength(3);
  });
});

describe('a change is refused', () => {
  it.each<[string, string, (leader: Node, all: readonly string[]) => Promise<void>]>([
    ['of a member that there is', 'ERR_ALREADY_MEMBER', (leader, [a]) => leader.members.add(a!)],
    ['of one that there is not', 'ERR_NO_SUCH_MEMBER', (leader) => leader.members.remove('127.0.0.1:1')],
    ['of no address', 'ERR_INVALID_OPTION', (leader) => leader.members.add('nobody')],
  ])('where it is one %s', async (_, code, change) => {
    const addresses = await addressesOf(2);
    const { leader } = await startCluster(addresses);

    expect(await errorOf(() => change(leader, addresses))).toMatchObject({ code, mayBeApplied: false });
    expect(votersOf(leader)).toEqual(addresses.toSorted());
  });

  it('where nobody would be left, and where another node leads', async () => {
    const [alone] = (await addressesOf(1)) as [string];
    const { leader: only } = await startCluster([alone]);
    const { leader, nodes } = await startCluster(await addressesOf(2));
    const follower = nodes.find((node) => node !== leader)!;

    expect(await errorOf(() => only.members.remove(alone))).toMatchObject({ code: 'ERR_CHANGE_REFUSED' });
    expect(await errorOf(() => follower.members.remove(alone))).toMatchObject({ code: 'ERR_NOT_LEADER' });
  });

  it('where it has not come about in time, and goes on by itself', async () => {
    const [newcomer, ...addresses] = (await addressesOf(3)) as [string, ...string[]];
    const { leader } = await startCluster(addresses);

    const error = await errorOf(() => leader.members.add(newcomer, { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: true });
    const joining = await start(newcomer, [], { join: true });
    await joining.ready();

    await until(() => votersOf(leader).length === 3);
  });
});
