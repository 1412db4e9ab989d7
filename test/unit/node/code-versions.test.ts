/** Whole nodes of different code in one cluster: what they can do together, and when the new code's say comes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { since } from '../../../src/actors/replicated/object-definition.js';
import { ReplCounter } from '../../../src/actors/replicated/objects/counter.js';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { NewTill, OldTill } from '../actors/replicated/fixtures/versioned.js';
import { run } from '../cli/recorded-io.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { RecordingLogger } from '../net/support/recorder.js';
import { until } from '../net/support/loopback.js';

const QUICK = { electionTimeoutMs: [100, 200], heartbeatMs: 20, callTimeoutMs: 5_000 } as const;
const OLD = { till: OldTill };
const NEW = { till: NewTill, refunds: since(1, ReplCounter) };

type OldNode = Runtime<typeof OLD>;
type NewNode = Runtime<typeof NEW>;
type Node = OldNode | NewNode;

const started: Node[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

const addressesOf = async (count: number): Promise<string[]> =>
  (await freePorts(count)).map((port) => `${LOOPBACK}:${port}`);

async function start<Objects extends typeof OLD | typeof NEW>(
  self: string,
  addresses: readonly string[],
  objects: Objects,
  more: Partial<RuntimeOptions<Objects>> = {},
): Promise<Runtime<Objects>> {
  const peers = addresses.filter((address) => address !== self);
  const node = await Runtime.start({ self, peers, objects, threads: false, ...QUICK, ...more });
  started.push(node as unknown as Node);
  return node;
}

const readyAll = (...nodes: Node[]): Promise<unknown> => Promise.all(nodes.map((node) => node.ready()));

async function leaderOf<Each extends Node>(...nodes: Each[]): Promise<Each> {
  await until(() => nodes.some((node) => node.status().role === 'leader'));
  return nodes.find((node) => node.status().role === 'leader')!;
}

/** Removed when the test ends. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What a node has applied of all that was committed. */
async function linesOf(node: Node): Promise<string[]> {
  return (node as OldNode).objects.till.all();
}

const unsupported = { code: 'ERR_VERSION_UNSUPPORTED', mayBeApplied: false, retrySafe: true };

describe('nodes of old and of new code', () => {
  it('form one cluster, in which commands do what the old code says', async () => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const [old, upgraded] = await Promise.all([start(a, [a, b], OLD), start(b, [a, b], NEW)]);
    await readyAll(old, upgraded);

    await old.objects.till.pay(1);
    await upgraded.objects.till.pay(2);

    expect(await linesOf(old)).toEqual(['paid 1', 'paid 2']);
    expect(await linesOf(upgraded)).toEqual(['paid 1', 'paid 2']);
    expect([old.status(), upgraded.status()]).toMatchObject([
      { codeVersion: 0, codeVersionMax: 0 },
      { codeVersion: 0, codeVersionMax: 2 },
    ]);
  });

  it('call no commands and no objects that only the new code has, and nothing is sent', async () => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const [old, upgraded] = await Promise.all([start(a, [a, b], OLD), start(b, [a, b], NEW)]);
    await readyAll(old, upgraded);

    expect(await errorOf(() => upgraded.objects.till.refund(1))).toMatchObject({
      ...unsupported,
      data: { method: 'till.refund', since: 1, codeVersion: 0 },
    });
    expect(await errorOf(() => upgraded.objects.refunds.inc())).toMatchObject(unsupported);
    expect(() => upgraded.objects.till.tell.refund(1)).toThrow(expect.objectContaining(unsupported));
    expect(await upgraded.objects.till.last()).toBeUndefined();
    expect(await linesOf(old)).toEqual([]);
  });

  it('refuse the new version for as long as there is old code, and name who has it', async () => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const [old, upgraded] = await Promise.all([start(a, [a, b], OLD), start(b, [a, b], NEW)]);
    await readyAll(old, upgraded);
    const leader = await leaderOf<Node>(old, upgraded);
    const follower = leader === old ? upgraded : old;

    expect(await errorOf(() => leader.setCodeVersion(1))).toMatchObject({
      ...unsupported,
      data: { codeVersion: 1, nodes: [{ id: a, codeVersionMax: 0 }] },
    });
    expect(await errorOf(() => follower.setCodeVersion(1))).toMatchObject({
      ...unsupported,
      data: { codeVersion: 1, nodes: [{ id: a, codeVersionMax: 0 }] },
    });
    expect(await errorOf(() => leader.setCodeVersion(-1))).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expect([old.codeVersion, upgraded.codeVersion]).toEqual([0, 0]);
  });

  it('do not connect where they would do different things at the same version', async () => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const logger = new RecordingLogger();
    await start(a, [a, b], OLD, { logger });
    await start(b, [a, b], { ...NEW, till: since(1, NewTill) } as unknown as typeof NEW);

    await until(() => logger.count('objects and commands of version 0 must be the same') > 0);
  });
});

describe('a cluster of new code', () => {
  it('changes over everywhere at one entry, says so once, and calls what is new from then on', async () => {
    const addresses = await addressesOf(3);
    const nodes = await Promise.all(addresses.map((self) => start(self, addresses, NEW)));
    await readyAll(...nodes);
    const told: number[][] = nodes.map(() => []);
    for (const [i, node] of nodes.entries()) node.on('version', (version) => told[i]!.push(version));
    const leader = await leaderOf(...nodes);
    await leader.objects.till.pay(1);

    await nodes.find((node) => node !== leader)!.setCodeVersion(1);
    await leader.setCodeVersion(1);
    await leader.objects.till.refund(2);
    await leader.objects.refunds.inc();
    await until(() => nodes.every(({ codeVersion }) => codeVersion === 1));
    await nodes.find((node) => node !== leader)!.objects.till.pay(3);

    for (const node of nodes) expect(await linesOf(node)).toEqual(['paid 1', 'refunded 2', 'paid 300 cents']);
    expect(told).toEqual([[1], [1], [1]]);
    for (const node of nodes) {
      expect(await errorOf(() => node.setCodeVersion(0))).toMatchObject({
        code: 'ERR_CHANGE_REFUSED',
        data: { reason: 'lower code version', codeVersion: 1 },
        mayBeApplied: false,
        retrySafe: false,
      });
    }
  });

  it('changes over by itself where it is told to, and not before all have the code', async () => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const directory = temporaryDirectory();
    const more = (self: string) => ({ autoCodeVersion: true, dataDir: join(directory, self) });
    const [old, upgraded] = await Promise.all([start(a, [a, b], OLD, more(a)), start(b, [a, b], NEW, more(b))]);
    await readyAll(old, upgraded);
    await upgraded.objects.till.pay(1);
    expect(upgraded.codeVersion).toBe(0);
    await old.stop();

    const back = await start(a, [a, b], NEW, more(a));
    await readyAll(back);

    await until(() => back.codeVersion === 2 && upgraded.codeVersion === 2);
  });

  it('takes snapshots that hold the version, and the objects that there are at it', async () => {
    const [a] = (await addressesOf(1)) as [string];
    const directory = temporaryDirectory();
    const more = { dataDir: directory, snapshot: { verify: true } };
    const diverged: string[] = [];
    let node = await start(a, [a], NEW, more);
    const onSnapshot = (event: { type: string }): void => void (event.type === 'diverged' && diverged.push('diverged'));
    node.on('snapshot', onSnapshot);
    await node.ready();
    await node.objects.till.pay(1);
    await node.compact();
    await node.setCodeVersion(1);
    await node.objects.till.pay(2);
    await node.objects.refunds.inc();
    await node.compact();
    await node.objects.till.pay(3);
    await node.stop();

    node = await start(a, [a], NEW, more);
    await node.ready();

    expect(node.codeVersion).toBe(1);
    expect(await linesOf(node)).toEqual(['paid 1', 'paid 200 cents', 'paid 300 cents']);
    expect(await node.objects.refunds.get()).toBe(1);
    expect(diverged).toEqual([]);
  });
});

describe('conclave set-version', () => {
  it('does what setCodeVersion does, whichever node is asked', async () => {
    const addresses = await addressesOf(2);
    const nodes = await Promise.all(addresses.map((self) => start(self, addresses, NEW)));
    await readyAll(...nodes);
    const [asked] = nodes.filter((node) => node.status().role !== 'leader') as [NewNode];

    const { code, out, err } = await run(['set-version', asked.status().self!, '1']);

    expect({ code, out, err }).toEqual({ code: 0, out: 'Code version 1 is in force.\n', err: '' });
    expect(asked.codeVersion).toBe(1);
  });

  it('says as JSON what is in force, and ends with 1 where the cluster refuses', async () => {
    const [a] = (await addressesOf(1)) as [string];
    const node = await start(a, [a], NEW);
    await node.ready();

    const raised = await run(['set-version', a, '2', '--json']);
    const refused = [await run(['set-version', a, '3', '--json']), await run(['set-version', a, '1', '--json'])];

    expect(raised).toMatchObject({ code: 0, out: '{"codeVersion":2}\n' });
    expect(refused.map(({ code }) => code)).toEqual([1, 1]);
    expect(refused.map(({ err }) => JSON.parse(err) as unknown)).toMatchObject([
      { error: { code: 'ERR_VERSION_UNSUPPORTED', message: expect.stringContaining(`${a} has code up to version 2`) } },
      { error: { code: 'ERR_CHANGE_REFUSED', mayBeApplied: false } },
    ]);
  });
});

describe('a node of old code', () => {
  it.each(['log', 'snapshot'] as const)(
    'does not go on with a %s of a later version, and comes back with new code',
    async (what) => {
      const [a] = (await addressesOf(1)) as [string];
      const directory = temporaryDirectory();
      const upgraded = await start(a, [a], NEW, { dataDir: directory });
      await upgraded.ready();
      await upgraded.objects.till.pay(1);
      await upgraded.setCodeVersion(1);
      await upgraded.objects.till.pay(2);
      if (what === 'snapshot') await upgraded.compact();
      await upgraded.stop();

      const tooOld = { code: 'ERR_VERSION_UNSUPPORTED', data: { codeVersion: 1, codeVersionMax: 0 } };
      // It may come to the end of its code before its start has ended.
      const goOn = async (): Promise<void> => (await start(a, [a], OLD, { dataDir: directory })).ready();
      expect(await errorOf(goOn)).toMatchObject(tooOld);
      await Promise.all(started.splice(0).map((node) => node.stop()));

      const back = await start(a, [a], NEW, { dataDir: directory });
      await back.ready();
      expect(await linesOf(back)).toEqual(['paid 1', 'paid 200 cents']);
    },
  );

  it('goes back before the version is in force: the directory of new code is good for it', async () => {
    const [a] = (await addressesOf(1)) as [string];
    const directory = temporaryDirectory();
    const upgraded = await start(a, [a], NEW, { dataDir: directory });
    await upgraded.ready();
    await upgraded.objects.till.pay(1);
    await upgraded.compact();
    await upgraded.stop();

    const old = await start(a, [a], OLD, { dataDir: directory });
    await old.ready();

    expect(await linesOf(old)).toEqual(['paid 1']);
  });

  it('goes back from code that the others have refused, with the directory of that', async () => {
    const [a, b] = (await addressesOf(2)) as [string, string];
    const [directory, other] = [temporaryDirectory(), temporaryDirectory()];
    const [first, second] = await Promise.all([
      start(a, [a, b], OLD, { dataDir: directory }),
      start(b, [a, b], OLD, { dataDir: other }),
    ]);
    await readyAll(first, second);
    await first.objects.till.pay(1);
    await first.stop();
    // Somebody has forgotten to say since which version there is the object.
    const hasty = { till: OldTill, refunds: ReplCounter } as unknown as typeof OLD;
    const logger = new RecordingLogger();
    const refused = await start(a, [a, b], hasty, { dataDir: directory, logger });
    await until(() => logger.count('objects and commands of version 0 must be the same') > 0);
    await refused.stop();

    const back = await start(a, [a, b], OLD, { dataDir: directory });
    await readyAll(back, second);

    expect(await linesOf(back)).toEqual(['paid 1']);
  });
});
