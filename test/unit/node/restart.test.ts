/**
 * A node that was restarted under its old address has forgotten its log and its votes, and takes part in nothing.
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { RecordingLogger } from '../net/support/recorder.js';
import { until } from '../net/support/loopback.js';
import { Ledger } from './fixtures/ledger.js';

type Objects = { readonly book: typeof Ledger };
type Node = Runtime<Objects>;

const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15, callTimeoutMs: 500 } as const;

const started: Node[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

async function start(
  self: string,
  addresses: readonly string[],
  more: Partial<RuntimeOptions<Objects>> = {},
): Promise<Node> {
  const peers = addresses.filter((address) => address !== self);
  const node = await Runtime.start({ self, peers, objects: { book: Ledger }, threads: false, ...QUICK, ...more });
  started.push(node);
  return node;
}

const addressesOf = async (count: number): Promise<string[]> =>
  (await freePorts(count)).map((port) => `${LOOPBACK}:${port}`);

const noLeader = { code: 'ERR_NO_LEADER', mayBeApplied: false };

describe('a node that was restarted under its old address', () => {
  it.each(['leader', 'follower'])('is no part of any quorum: the former %s', async (role) => {
    const addresses = await addressesOf(3);
    const nodes = await Promise.all(addresses.map((self) => start(self, addresses)));
    await Promise.all(nodes.map((node) => node.ready()));
    await nodes[0]!.objects.book.add(1);
    const leaving = nodes.find((node) => (node.status().role === 'leader') === (role === 'leader'))!;
    const [first, second] = nodes.filter((node) => node !== leaving) as [Node, Node];
    const self = leaving.status().self!;
    await leaving.stop();
    const logger = new RecordingLogger();

    const back = await start(self, addresses, { logger });
    const leaders: (string | null)[] = [];
    back.on('leader', (leader) => leaders.push(leader));
    const refused = errorOf(() => back.objects.book.add(100));

    expect(await first.objects.book.with({ timeoutMs: 5_000 }).add(10)).toBe(11);
    expect(await refused).toMatchObject(noLeader);
    await until(() => logger.count('error this node was restarted') === 2);

    // With a quorum of those who remember gone, the one that has forgotten is no substitute.
    await second.stop();
    expect(await errorOf(() => back.objects.book.add(100))).toMatchObject(noLeader);
    expect(await errorOf(() => first.objects.book.sum())).toMatchObject({ mayBeApplied: false });
    expect(await first.objects.book.with({ consistency: 'local' }).sum()).toBe(11);
    expect(back.status()).toMatchObject({ leader: null, term: 0, lastIndex: 0 });
    expect(leaders).toEqual([]);
  });

  it('is taken back by a cluster that was restarted as a whole', async () => {
    const addresses = await addressesOf(3);
    const before = await Promise.all(addresses.map((self) => start(self, addresses)));
    await Promise.all(before.map((node) => node.ready()));
    await before[0]!.objects.book.add(1);
    await Promise.all(before.map((node) => node.stop()));

    const after = await Promise.all(addresses.map((self) => start(self, addresses)));
    await Promise.all(after.map((node) => node.ready()));

    expect(await after[1]!.objects.book.with({ timeoutMs: 5_000 }).add(5)).toBe(5);
  });
});

describe('nodes whose settings differ', () => {
  it.each([
    ['members', { peers: ['127.0.0.1:1'] }],
    ['electionTimeoutMs', { electionTimeoutMs: [60, 130] }],
    ['commandBytes', { limits: { commandBytes: 1000 } }],
    ['objects', { objects: { book: Ledger, more: Ledger } }],
  ] as [string, Partial<RuntimeOptions<Objects>>][])('refuse each other, naming %s', async (setting, change) => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const logger = new RecordingLogger();
    const more = change.peers === undefined ? change : { peers: [a, ...change.peers] };
    await start(a, [a, b], { logger });

    const other = await start(b, [a, b], { logger, ...more });

    await until(() => logger.count(`The setting \\"${setting}\\" must be the same on all nodes`) > 0);
    expect(await errorOf(() => other.objects.book.with({ timeoutMs: 200 }).add(1))).toMatchObject(noLeader);
  });
});
