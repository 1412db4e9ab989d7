/**
 * Nodes that stop and come back under their old address: with their memory, without it, and all at once.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, test } from 'vitest';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { RecordingLogger } from '../net/support/recorder.js';
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

/** Removed when the test ends. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function startAll(addresses: readonly string[], dataDirOf?: (self: string) => string): Promise<Node[]> {
  const nodes = await Promise.all(
    addresses.map((self) => start(self, addresses, dataDirOf === undefined ? {} : { dataDir: dataDirOf(self) })),
  );
  await Promise.all(nodes.map((node) => node.ready()));
  return nodes;
}

const sumOf = (node: Node): Promise<number> => node.objects.book.with({ consistency: 'local' }).sum();
const noLeader = { code: 'ERR_NO_LEADER', mayBeApplied: false };

describe('nodes in memory', () => {
  it.each(['leader', 'follower'])('come back with nothing and are given everything: the former %s', async (role) => {
    const addresses = await addressesOf(3);
    const nodes = await startAll(addresses);
    await nodes[0]!.objects.book.add(1);
    const leaving = nodes.find((node) => (node.status().role === 'leader') === (role === 'leader'))!;
    const others = nodes.filter((node) => node !== leaving);
    await leaving.stop();

    const back = await start(leaving.status().self!, addresses);
    await back.ready();

    expect(await back.objects.book.add(10)).toBe(11);
    expect(await sumOf(back)).toBe(11);
    // It counts again: with it, one of the others may go.
    await others[0]!.stop();
    expect(await back.objects.book.add(100)).toBe(111);
    expect(await others[1]!.objects.book.add(1000)).toBe(1111);
  });

  it('are no substitute for those who remember', async () => {
    const addresses = await addressesOf(3);
    const nodes = await startAll(addresses);
    await nodes[0]!.objects.book.add(1);
    const [first, second, third] = nodes as [Node, Node, Node];
    await Promise.all([second.stop(), third.stop()]);
    await until(() => first.status().leader === null);

    // Two of three are a majority, and have forgotten what a majority promised.
    const [a, b] = await Promise.all([start(second.status().self!, addresses), start(third.status().self!, addresses)]);

    expect(await errorOf(() => a.objects.book.with({ timeoutMs: 600 }).add(100))).toMatchObject(noLeader);
    expect([a.status(), b.status()]).toMatchObject([
      { leader: null, lastIndex: 0, health: 'founding' },
      { leader: null, lastIndex: 0, health: 'founding' },
    ]);
    await until(() => first.status().health === 'memory lost');
    const error = await errorOf(() => first.objects.book.with({ timeoutMs: 100 }).add(1));
    expect(error).toMatchObject({ ...noLeader, message: expect.stringContaining('have lost their memory') });
    expect(await sumOf(first)).toBe(1);
  });

  it('each tell once that too many others have lost their memory', async () => {
    const addresses = await addressesOf(5);
    const logger = new RecordingLogger();
    const linesOf = (node: Node): number =>
      logger.lines.filter((line) => line.includes('have lost their memory') && line.includes(node.status().self!))
        .length;
    const nodes = await Promise.all(addresses.map((self) => start(self, addresses, { logger })));
    await Promise.all(nodes.map((node) => node.ready()));
    const remembering = nodes.slice(0, 2);
    await Promise.all(nodes.slice(2).map((node) => node.stop()));

    await Promise.all(addresses.slice(2).map((self) => start(self, addresses)));

    await until(() => remembering.every((node) => node.status().health === 'memory lost'));
    await until(() => remembering.every((node) => linesOf(node) > 0));
    expect(remembering.map(linesOf)).toEqual([1, 1]);
  });

  it('begin anew when all of them do', async () => {
    const addresses = await addressesOf(3);
    const before = await startAll(addresses);
    await before[0]!.objects.book.add(1);
    await Promise.all(before.map((node) => node.stop()));

    const after = await startAll(addresses);

    expect(await after[1]!.objects.book.add(5)).toBe(5);
  });

  it('wait for all members before there is a cluster, and say for whom', async () => {
    const addresses = await addressesOf(3);
    const [a, b] = (await Promise.all(addresses.slice(0, 2).map((self) => start(self, addresses)))) as [Node, Node];

    const error = await errorOf(() => a.ready({ signal: AbortSignal.timeout(500) }));

    expect(error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(error.message).toContain(`founding; connected to 1 of 2 peers (not to ${addresses[2]!})`);
    await start(addresses[2]!, addresses);
    expect(await b.objects.book.add(1)).toBe(1);
  });
});

describe('nodes with a data directory', () => {
  it('have everything again when all of them have been away, and two of three are enough', async () => {
    const directory = temporaryDirectory();
    const dataDirOf = (self: string): string => join(directory, self);
    const addresses = await addressesOf(3);
    const before = await startAll(addresses, dataDirOf);
    for (let n = 1; n <= 20; n++) await before[n % 3]!.objects.book.add(n);
    await Promise.all(before.map((node) => node.stop()));

    const two = await Promise.all(
      addresses.slice(0, 2).map((self) => start(self, addresses, { dataDir: dataDirOf(self) })),
    );
    await Promise.all(two.map((node) => node.ready()));

    expect(await two[0]!.objects.book.add(1000)).toBe(1210);
  });

  it.each(['leader', 'follower'])('may lose one directory and are joined by its node again: the %s', async (role) => {
    const directory = temporaryDirectory();
    const dataDirOf = (self: string): string => join(directory, self);
    const addresses = await addressesOf(3);
    const nodes = await startAll(addresses, dataDirOf);
    await nodes[0]!.objects.book.add(1);
    await nodes[0]!.compact();
    await nodes[1]!.compact();
    await nodes[2]!.compact();
    await nodes[1]!.objects.book.add(2);
    const leaving = nodes.find((node) => (node.status().role === 'leader') === (role === 'leader'))!;
    const others = nodes.filter((node) => node !== leaving);
    const self = leaving.status().self!;
    await leaving.stop();
    rmSync(dataDirOf(self), { recursive: true });

    const back = await start(self, addresses, { dataDir: dataDirOf(self) });
    await back.ready();

    expect(await sumOf(back)).toBe(3);
    await others[0]!.stop();
    expect(await back.objects.book.add(10)).toBe(13);
  });

  it('start from their snapshot, and keep no log before the older of two', async () => {
    const dataDir = temporaryDirectory();
    const [self] = (await addressesOf(1)) as [string];
    const limits = { segmentBytes: 64 * 1024 };
    const node = await start(self, [self], { dataDir, limits });
    const filler = 'x'.repeat(10_000);
    const taken: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 30; n++) await node.objects.book.append(filler);
      taken.push(await node.compact());
    }
    await node.objects.book.add(7);
    await until(() => node.status().snapshotIndex === taken[2]);
    await node.stop();
    expect(readdirSync(join(dataDir, 'snapshots'))).toHaveLength(2);
    // Thirty entries fill five segments and more; those before the second snapshot are gone.
    expect(readdirSync(join(dataDir, 'log')).length).toBeLessThan(12);

    const again = await start(self, [self], { dataDir, limits });
    await again.ready();

    expect(again.status()).toMatchObject({ snapshotIndex: taken[2] });
    expect(await again.objects.book.sum()).toBe(7);
    expect(await again.objects.book.all()).toHaveLength(90);
  });

  it('do not lead alone what they were members of, whatever the options say', async () => {
    const directory = temporaryDirectory();
    const dataDirOf = (self: string): string => join(directory, self);
    const addresses = await addressesOf(3);
    const nodes = await startAll(addresses, dataDirOf);
    await Promise.all(nodes.map((node) => node.stop()));
    const [self] = addresses as [string];

    const logger = new RecordingLogger();
    const alone = await start(self, [self], { dataDir: dataDirOf(self), logger });
    const error = await errorOf(() => alone.objects.book.with({ timeoutMs: 300 }).add(1));

    expect(error).toMatchObject(noLeader);
    expect(logger.count('warn self and peers are not the members of the cluster')).toBe(1);
  });

  it('tell each time that the others have lost their memory, not only the first one', async () => {
    const directory = temporaryDirectory();
    const dataDirOf = (self: string): string => join(directory, self);
    const addresses = await addressesOf(3);
    const [self, ...others] = addresses as [string, string, string];
    const logger = new RecordingLogger();
    const lines = (): number => logger.count('have lost their memory');
    const startOthers = (more: (address: string) => { dataDir?: string }): Promise<Node[]> =>
      Promise.all(others.map((address) => start(address, addresses, more(address))));
    const stopAll = (nodes: readonly Node[]): Promise<unknown> => Promise.all(nodes.map((node) => node.stop()));
    const [node, remembering] = await Promise.all([
      start(self, addresses, { dataDir: dataDirOf(self), logger }),
      startOthers((address) => ({ dataDir: dataDirOf(address) })),
    ]);
    await node.ready();
    await stopAll(remembering);

    const forgetful = await startOthers(() => ({}));
    await until(() => lines() === 1);
    await stopAll(forgetful);
    const mended = await startOthers((address) => ({ dataDir: dataDirOf(address) }));
    await until(() => node.status().health === 'ok');
    await stopAll(mended);
    await startOthers(() => ({}));

    await until(() => lines() === 2);
    expect(node.status().health).toBe('memory lost');
  });

  it('refuse a directory that is in use, and one of another node', async () => {
    const dataDir = temporaryDirectory();
    const [a, b] = (await addressesOf(2)) as [string, string];
    const node = await start(a, [a], { dataDir });

    const inUse = await errorOf(() => start(a, [a], { dataDir }));
    await node.stop();
    const ofAnother = await errorOf(() => start(b, [b], { dataDir }));

    expect(inUse).toMatchObject({ code: 'ERR_DATA_DIR_LOCKED', data: { pid: process.pid } });
    expect(ofAnother).toMatchObject({ code: 'ERR_DATA_DIR_MISMATCH' });
  });
});

describe('nodes whose settings differ', () => {
  it.each([
    ['electionTimeoutMs', { electionTimeoutMs: [60, 130] }],
    ['commandBytes', { limits: { commandBytes: 1000 } }],
  ] as [string, Partial<RuntimeOptions<Objects>>][])('refuse each other, naming %s', async (setting, change) => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const logger = new RecordingLogger();
    await start(a, [a, b], { logger });

    const other = await start(b, [a, b], { logger, ...change });

    await until(() => logger.count(`The setting \\"${setting}\\" must be the same on all nodes`) > 0);
    expect(await errorOf(() => other.objects.book.with({ timeoutMs: 200 }).add(1))).toMatchObject(noLeader);
  });
});

test('nodes that have other objects for the same code version refuse each other, naming them', async () => {
  const [a, b] = (await addressesOf(2)) as [string, string];
  const logger = new RecordingLogger();
  await start(a, [a, b], { logger });

  const other = await start(b, [a, b], { logger, objects: { book: Ledger, more: Ledger } as Objects });

  await until(() => logger.count('The objects and commands of version 0 must be the same on all nodes') > 0);
  expect(await errorOf(() => other.objects.book.with({ timeoutMs: 200 }).add(1))).toMatchObject(noLeader);
});

describe('an observer with a data directory', () => {
  it('is let in, and goes on from what it has after a restart, under the same name', async () => {
    const [address] = await addressesOf(1);
    const [member] = await startAll([address!]);
    const dataDir = temporaryDirectory();
    const observe = async (): Promise<Node> => {
      const node = await Runtime.start<Objects>({
        self: null,
        peers: [address!],
        objects: { book: Ledger },
        threads: false,
        dataDir,
        ...QUICK,
      });
      started.push(node);
      await node.ready();
      return node;
    };
    const first = await observe();
    await first.objects.book.add(2);
    await first.stop();
    await member!.objects.book.add(3);

    const second = await observe();

    expect(await second.objects.book.sum()).toBe(5);
  });
});

test('a smaller limit of commands keeps nobody from the larger ones that the log has', async () => {
  const addresses = await addressesOf(3);
  const root = temporaryDirectory();
  const dataDirOf = (self: string): string => join(root, self.replaceAll(':', '-'));
  const nodes = await startAll(addresses, dataDirOf);
  const away = nodes.find((node) => node.status().role !== 'leader')!;
  const others = nodes.filter((node) => node !== away);
  await away.stop();
  const { book } = others[0]!.objects;
  await (book.add as (...args: unknown[]) => Promise<number>)(1, 'x'.repeat(4 * 1024 * 1024));
  await Promise.all(others.map((node) => node.stop()));

  const limits = { commandBytes: 1024 };
  const back = await Promise.all(addresses.map((self) => start(self, addresses, { dataDir: dataDirOf(self), limits })));
  await Promise.all(back.map((node) => node.ready()));

  expect(await Promise.all(back.map((node) => sumOf(node)))).toEqual([1, 1, 1]);
});
