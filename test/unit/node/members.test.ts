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

async function start(
  self: string | null,
  peers: readonly string[],
  more: Partial<RuntimeOptions<Objects>>,
): Promise<Node> {
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

  it('says who is to add it, as long as nobody has', async () => {
    const [joining] = (await addressesOf(1)) as [string];
    const node = await start(joining, [], { join: true });
    await until(() => node.status().health === 'founding');

    const error = await errorOf(() => node.ready({ signal: AbortSignal.abort() }));

    expect(error.message).toContain(`no member of a cluster yet; have members.add('${joining}') called there`);
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
    // All of them, for another one may lead by then; each twice, for the log is kept back to the older one.
    const compactAll = (): Promise<number[]> => Promise.all(started.map((node) => node.compact()));
    await compactAll();
    await leader.objects.book.add(6);
    const indexes = await compactAll();
    const third = await start(e, [], { join: true, ...more(e) });
    const installed: number[] = [];
    third.on('snapshot', (event) => {
      if (event.type === 'installed') installed.push(event.index);
    });

    await leader.members.add(e);
    await third.ready();
    expect(installed).toHaveLength(1);
    expect(indexes).toContain(installed[0]);
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

  it('tells its own program so, and ends its calls with the reason', async () => {
    const addresses = await addressesOf(3);
    const { leader, nodes } = await startCluster(addresses);
    const removed = nodes.find((node) => node !== leader)!;
    const told: Error[] = [];
    removed.on('error', (error) => told.push(error));

    await leader.members.remove(removed.status().self!);
    await until(() => removed.status().health === 'stopped');

    const expected = {
      code: 'ERR_STOPPED',
      data: { reason: 'removed' },
      message: expect.stringContaining('was removed'),
    };
    expect(told).toMatchObject([expected]);
    expect(await errorOf(() => removed.objects.book.add(1))).toMatchObject(expected);
    expect(await errorOf(() => removed.compact())).toMatchObject({ ...expected, mayBeApplied: false });
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

    const again = await start(self, [], { join: true });
    await leader.members.add(self!);
    await again.ready();

    expect(votersOf(leader)).toHaveLength(3);
  });
});

describe('a change is refused', () => {
  it.each<[string, string, string, (leader: Node, all: readonly string[]) => Promise<void>]>([
    [
      'of a member that there is',
      'ERR_ALREADY_MEMBER',
      ' is a member already',
      (leader, [a]) => leader.members.add(a!),
    ],
    [
      'of one that there is not',
      'ERR_NO_SUCH_MEMBER',
      '127.0.0.1:1 is no member',
      (leader) => leader.members.remove('127.0.0.1:1'),
    ],
    ['of no address', 'ERR_INVALID_OPTION', '"nobody"', (leader) => leader.members.add('nobody')],
    [
      'with a misspelt option',
      'ERR_INVALID_OPTION',
      'timeout is not an option; there is timeoutMs',
      (leader) => leader.members.add('127.0.0.1:1', { timeout: 5 } as object),
    ],
  ])('where it is one %s, and it is said which', async (_, code, message, change) => {
    const addresses = await addressesOf(2);
    const { leader } = await startCluster(addresses);

    const error = await errorOf(() => change(leader, addresses));

    expect(error).toMatchObject({ code, mayBeApplied: false });
    expect(error.message).toContain(message);
    expect(votersOf(leader)).toEqual(addresses.toSorted());
  });

  it('where nobody would be left', async () => {
    const [alone] = (await addressesOf(1)) as [string];
    const { leader } = await startCluster([alone]);

    expect(await errorOf(() => leader.members.remove(alone))).toMatchObject({
      code: 'ERR_CHANGE_REFUSED',
      data: { reason: 'last voter' },
    });
    expect(votersOf(leader)).toEqual([alone]);
    expect(await leader.objects.book.add(1)).toBe(1);
  });

  it('where there is no leader for as long as it may take', async () => {
    const [joining] = (await addressesOf(1)) as [string];
    const nobody = await start(joining, [], { join: true });

    const error = await errorOf(() => nobody.members.add(joining, { timeoutMs: 100 }));

    expect(error).toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false });
    expect(error.message).toContain('to change the members');
  });

  it.each<[string, string, (node: Node, all: readonly string[]) => Promise<void>]>([
    ['add', 'ERR_ALREADY_MEMBER', (node, [a]) => node.members.add(a!)],
    ['remove', 'ERR_NO_SUCH_MEMBER', (node) => node.members.remove('127.0.0.1:1')],
    ['transfer', 'ERR_INVALID_OPTION', (node) => node.transferLeadership('127.0.0.1:1')],
  ])('by a node that does not lead as by the leader: %s', async (_, code, change) => {
    const addresses = await addressesOf(2);
    const { leader, nodes } = await startCluster(addresses);
    const follower = nodes.find((node) => node !== leader)!;

    expect(await errorOf(() => change(follower, addresses))).toMatchObject({ code, mayBeApplied: false });
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

describe('how far the members are', () => {
  it('is known to the leader: who is behind, and since when', async () => {
    const { leader, nodes } = await startCluster(await addressesOf(3));
    const [follower, gone] = nodes.filter((node) => node !== leader) as [Node, Node];
    const ofGone = () => leader.members.list().find(({ id }) => id === gone.status().self)!;
    await leader.objects.book.add(1);
    await until(() => leader.members.list().every(({ matchIndex }) => matchIndex === leader.status().lastIndex));
    await gone.stop();
    await until(() => !ofGone().connected);
    const before = ofGone();
    for (let i = 0; i < 3; i++) await follower.objects.book.add(1);

    await until(() => leader.status().lastIndex >= before.matchIndex! + 3);
    const { lastIndex, self } = leader.status();
    await until(() => leader.members.list().filter(({ matchIndex }) => matchIndex! >= lastIndex).length === 2);
    expect(ofGone()).toMatchObject({ connected: false, matchIndex: before.matchIndex });
    expect(Math.abs(Date.now() - before.lastContactAtMs!)).toBeLessThan(60_000);
    expect(leader.members.list().find(({ id }) => id === self)).toMatchObject({ lastContactAtMs: null });
    for (const { matchIndex } of follower.members.list()) expect(matchIndex).toBeNull();
  });
});

describe('changes that are asked for at once', () => {
  it('are made one after the other, whoever is asked', async () => {
    const [d, e, ...addresses] = (await addressesOf(5)) as [string, string, ...string[]];
    const { leader, nodes } = await startCluster(addresses);
    const [follower, leaving] = nodes.filter((node) => node !== leader) as [Node, Node];
    const gone = leaving.status().self!;
    const joining = await Promise.all([d, e].map((self) => start(self, [], { join: true })));

    await Promise.all([leader.members.add(d), follower.members.add(e), follower.members.remove(gone)]);

    await Promise.all(joining.map((node) => node.ready()));
    const voters = [d, e, ...addresses.filter((each) => each !== gone)].toSorted();
    for (const node of [leader, follower, ...joining]) await until(() => votersOf(node).join() === voters.join());
    expect(await joining[0]!.objects.book.add(1)).toBe(1);
  });
});

describe('any node may be asked', () => {
  it('to add, to remove and to replace: a follower, an observer, and the one that joins', async () => {
    const [d, e, ...addresses] = (await addressesOf(5)) as [string, string, ...string[]];
    const { leader, nodes } = await startCluster(addresses);
    const [follower, other] = nodes.filter((node) => node !== leader) as [Node, Node];
    const observer = await start(null, addresses, {});
    await observer.ready();
    const joining = await start(d, [follower.status().self!], { join: true });
    const second = await start(e, [], { join: true });

    await joining.members.add(d);
    await joining.ready();
    expect(votersOf(joining)).toHaveLength(4);
    await follower.members.replace(other.status().self!, e);
    await second.ready();
    await observer.members.remove(d);

    await until(() => other.status().health === 'stopped' && joining.status().health === 'stopped');
    const members = [e, leader.status().self!, follower.status().self!].toSorted();
    await until(() => [leader, follower, second].every((node) => votersOf(node).join() === members.join()));
  });

  it('to hand leadership over, to itself too', async () => {
    const { leader, nodes } = await startCluster(await addressesOf(3));
    const [follower, other] = nodes.filter((node) => node !== leader) as [Node, Node];

    await follower.transferLeadership(follower.status().self!);
    await until(() => other.status().leader === follower.status().self);
    await other.transferLeadership();

    expect(other.status().leader).not.toBe(follower.status().self);
  });

  it('to change the members while leaders come and go: each change is made once', async () => {
    const [d, ...addresses] = (await addressesOf(4)) as [string, ...string[]];
    const { leader, nodes } = await startCluster(addresses);
    const follower = nodes.find((node) => node !== leader)!;
    await start(d, [], { join: true });

    const added = follower.members.add(d);
    await leader.stop();
    await added;

    await until(() => votersOf(follower).length === 4);
    expect(await follower.objects.book.add(1)).toBe(1);
  });
});

describe('a node that knows one member only, which does not lead,', () => {
  it('joins', async () => {
    const [newcomer, ...addresses] = (await addressesOf(4)) as [string, ...string[]];
    const { leader, nodes } = await startCluster(addresses);
    const follower = nodes.find((node) => node !== leader)!;
    await leader.objects.book.add(7);

    const joining = await start(newcomer, [follower.status().self!], { join: true });
    await until(() => joining.members.list().filter(({ connected }) => connected).length === 3);
    await follower.members.add(newcomer);
    await joining.ready();

    expect(await sumOf(joining)).toBe(7);
  });

  it('observes', async () => {
    const { leader, nodes } = await startCluster(await addressesOf(3));
    const follower = nodes.find((node) => node !== leader)!;
    await leader.objects.book.add(7);

    const observer = await start(null, [follower.status().self!], {});
    await observer.ready();

    expect(await sumOf(observer)).toBe(7);
    expect(votersOf(observer)).toHaveLength(3);
  });
});

describe('an observer', () => {
  it('goes on following when all members that it was started with have been replaced', async () => {
    const addresses = await addressesOf(6);
    const [founders, newcomers] = [addresses.slice(0, 3), addresses.slice(3)];
    const { nodes } = await startCluster(founders);
    const observer = await start(null, founders, {});
    await observer.ready();

    for (const [i, newcomer] of newcomers.entries()) {
      const joining = await start(newcomer, [founders[i]!], { join: true });
      await observer.members.replace(founders[i]!, newcomer);
      await joining.ready();
      expect(await observer.objects.book.add(1)).toBe(i + 1);
    }

    await until(() => nodes.every((node) => node.status().health === 'stopped'));
    expect(votersOf(observer)).toEqual(newcomers.toSorted());
    expect(await observer.objects.book.sum()).toBe(3);
  });
});

describe('a member that was removed while it was away', () => {
  it('hears of it from those it knows, though another one leads, and stops; it may be added again, with all it remembers', async () => {
    const [d, ...addresses] = (await addressesOf(4)) as [string, ...string[]];
    const directory = temporaryDirectory();
    const more = (self: string) => ({ dataDir: join(directory, self) });
    const { nodes } = await startCluster(addresses, more);
    const [away, one] = nodes as [Node, Node];
    const self = away.status().self!;
    await away.objects.book.add(5);
    await away.stop();
    await until(() => one.status().leader !== self && one.status().health === 'ok');
    const newcomer = await start(d, addresses.slice(1), { join: true, ...more(d) });
    await one.members.add(d);
    await one.members.remove(self);
    await newcomer.transferLeadership(d);

    const back = await start(
      self,
      addresses.filter((each) => each !== self),
      more(self),
    );
    const told: Error[] = [];
    back.on('error', (error) => told.push(error));
    await until(() => back.status().health === 'stopped');
    expect(told).toMatchObject([{ code: 'ERR_STOPPED', data: { reason: 'removed' } }]);
    expect(await one.objects.book.add(1)).toBe(6);

    const again = await start(self, [addresses[1]!], { join: true, ...more(self) });
    await again.members.add(self);
    await again.ready();
    expect(await sumOf(again)).toBe(6);
    expect(votersOf(again)).toHaveLength(4);
  });
});

describe('two sets of founders that overlap', () => {
  it('found no cluster, and each node says with whom it differs', async () => {
    const [a, b, c] = (await addressesOf(3)) as [string, string, string];
    const errors: unknown[] = [];
    const logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields: unknown) => void errors.push(fields),
    };

    const nodes = await Promise.all([
      start(a, [b], { logger }),
      start(b, [a, c], { logger }),
      start(c, [b], { logger }),
    ]);
    const sets = [
      [a, b],
      [a, b, c],
      [b, c],
    ].map((set) => set.toSorted().join(', '));

    // Whoever asks is told off by whoever would found another one.
    await until(() => sets.every((set) => errors.some((fields) => (fields as { theirs: string }).theirs === set)));
    for (const node of nodes) expect(node.status()).toMatchObject({ health: 'founding', leader: null, lastIndex: 0 });
  });
});
