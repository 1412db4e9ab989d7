/**
 * Snapshotters give each other snapshots, over networks that lose, double, reorder and damage what they carry.
 * `TRANSFER_SEED=n` replays one of these, `TRANSFER_SEEDS=n` looks at as many.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logIndex, nodeId, type NodeId } from '../../../../src/ids.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { LossyNetwork, NO_FAULTS, type Faults } from './support/lossy-network.js';
import type { SnapshotterRig } from './support/snapshotter-rig.js';

const [LEADER, OTHER, FOLLOWER] = ['a:1', 'b:1', 'c:1'].map(nodeId) as [NodeId, NodeId, NodeId];
const STATE_BYTES = 1_400_000;
const HEARTBEAT_MS = 50;

const only = process.env['TRANSFER_SEED'];
const seedCount = Number(process.env['TRANSFER_SEEDS'] ?? 6);
const seeds = only === undefined ? Array.from({ length: seedCount }, (_, i) => i + 1) : [Number(only)];

let network: LossyNetwork;
let leader: SnapshotterRig;
let other: SnapshotterRig;
let follower: SnapshotterRig;

async function start(seed = 1): Promise<void> {
  network?.stop();
  network = new LossyNetwork(seed);
  leader = await network.join(LEADER);
  other = await network.join(OTHER);
  follower = await network.join(FOLLOWER);
  await follower.applied(0);
}

beforeEach(() => start());
afterEach(() => network.stop());

/** A leader's consensus offers the snapshot that it was told of, as the follower's consensus hears it. */
function offer(from = leader): void {
  const { lastIncluded, snapshotId, snapshotBytes } = from.announced.at(-1)!;
  follower.snapshotter.tell({ type: 'fetchSnapshot', from: from.self, lastIncluded, snapshotId, snapshotBytes });
}

/** Heartbeats until something has happened. */
async function offerUntil(happened: () => boolean, from = (): SnapshotterRig => leader): Promise<void> {
  for (let i = 0; i < 2_000 && !happened(); i++) {
    offer(from());
    await network.simulation.runFor(HEARTBEAT_MS);
  }
  expect(happened()).toBe(true);
}

/** Some of it has come, and some has not. */
async function offerUntilHalfway(): Promise<void> {
  network.faults = { ...NO_FAULTS, delayMsMax: 40 };
  offer();
  await network.simulation.runUntil(() => network.requestedBytes > STATE_BYTES / 2, 10_000);
}

const isToldToInstall = (): boolean => follower.toMachine.length > 0;

describe('a follower that is offered a snapshot', () => {
  test('fetches it, has the objects install it and offers it itself', async () => {
    await leader.taken(100, STATE_BYTES);
    const { snapshotId, lastIncluded } = leader.announced[0]!;

    await offerUntil(isToldToInstall);
    await follower.applied(100);

    expect(follower.toMachine).toMatchObject([{ type: 'installSnapshot', snapshot: { id: snapshotId, lastIncluded } }]);
    expect(follower.announced).toMatchObject([{ snapshotId, lastIncluded, oldestIndex: 0 }]);
    const { bytes, receivedBytes } = follower.eventsOf('receiving').at(-1)!;
    expect(receivedBytes).toBe(bytes);
    expect(follower.events.at(-1)).toMatchObject({ type: 'installed', index: 100 });
    expect(network.requestedBytes).toBe(bytes);
  });

  test('asks for no more than four ranges at a time', async () => {
    await leader.taken(100, STATE_BYTES);
    network.faults = { ...NO_FAULTS, lost: 100 };

    offer();
    await follower.settle();

    expect(network.requests.map(({ offset }) => offset / 16_384)).toEqual([0, 1, 2, 3]);
  });

  test('asks again after a second for what has not come', async () => {
    await leader.taken(100, STATE_BYTES);
    network.faults = { ...NO_FAULTS, lost: 100 };
    offer();
    await follower.runFor(900);
    expect(network.requests).toHaveLength(4);

    await follower.runFor(300);

    expect(network.requests).toHaveLength(8);
  });

  test.each([20_000, 100_000, 250_000, 1_000_000])(
    'gets it over a link of %d B/s, once, and leaves that to others, too',
    async (bytesPerSecond) => {
      await leader.taken(100, STATE_BYTES);
      network.faults = { ...NO_FAULTS, delayMsMax: 0, bytesPerSecond };

      await offerUntil(isToldToInstall);

      const bytes = network.sent.reduce((sum, { message }) => sum + ('bytes' in message ? message.bytes.length : 0), 0);
      expect(bytes / leader.announced[0]!.snapshotBytes).toBeLessThan(1.1);
      expect(network.queueMsMax).toBeLessThan(Math.max(600, (8 * 16_384 * 1_000) / bytesPerSecond));
    },
  );

  test('goes on as soon as it is offered again after a while in which nothing got through', async () => {
    await leader.taken(100, STATE_BYTES);
    await offerUntilHalfway();
    network.faults = { ...NO_FAULTS, lost: 100 };
    await follower.runFor(20_000);
    network.faults = NO_FAULTS;
    const sinceMs = network.simulation.nowMs();

    await offerUntil(isToldToInstall);

    expect(network.simulation.nowMs() - sinceMs).toBeLessThan(1_000);
  });

  test('keeps it beside the one that it has, and the log from the older one on', async () => {
    await follower.taken(100);
    await follower.taken(200);
    await leader.taken(500, STATE_BYTES);

    await offerUntil(isToldToInstall);

    expect(follower.announced.at(-1)).toMatchObject({ lastIncluded: { index: 500 }, oldestIndex: 200 });
    expect(follower.toLogStore.at(-1)).toMatchObject({ type: 'dropLog', index: 200 });
    expect(follower.files).toHaveLength(2);
  });

  test('takes none of its own meanwhile, and goes on with that when it is installed', async () => {
    await leader.taken(500, STATE_BYTES);
    await follower.applied(100);
    expect(follower.runner.isRunning).toBe(true);

    offer();
    await follower.settle();
    expect(follower.runner.isRunning).toBe(false);
    const asked = follower.compact();
    await offerUntil(isToldToInstall);
    expect(follower.runner.tasks).toHaveLength(1);
    await follower.applied(500);
    await follower.applied(600);

    expect(asked.value).toMatchObject({ index: 500 });
    expect(follower.runner.tasks[1]).toMatchObject({ log: { firstIndex: 501, lastIndex: 600 } });
    expect(follower.eventsOf('failed')).toEqual([]);
  });

  test('tries one of its own that has failed again once there is something behind what it was given, not before', async () => {
    await leader.taken(500, STATE_BYTES);
    await follower.applied(100);
    follower.runner.fail(new Error('out of memory'));
    await follower.settle();

    await offerUntil(isToldToInstall);
    await follower.applied(500);
    await follower.runFor(2_000);
    expect(follower.runner.tasks).toHaveLength(1);
    await follower.applied(501);

    expect(follower.runner.tasks[1]).toMatchObject({ log: { firstIndex: 501, lastIndex: 501 } });
  });

  test('does not fetch what it has, but sees that it is installed', async () => {
    await follower.taken(100);
    await leader.taken(100);
    await follower.applied(90);

    offer();
    offer();
    await follower.runFor(200);

    expect(network.requests).toEqual([]);
    expect(follower.toMachine).toMatchObject([{ type: 'installSnapshot', snapshot: { lastIncluded: { index: 100 } } }]);
  });

  test('takes no notice of one that is older than what it has', async () => {
    await follower.taken(200);
    await leader.taken(100);

    offer();
    await follower.runFor(200);

    expect(network.requests).toEqual([]);
    expect(follower.toMachine).toEqual([]);
  });

  test('gives it up when it is not offered any more', async () => {
    await leader.taken(100, STATE_BYTES);
    network.faults = { ...NO_FAULTS, lost: 100 };
    offer();
    await follower.applied(100);
    expect(follower.drafts).toHaveLength(1);
    expect(follower.runner.isRunning).toBe(false);

    await follower.runFor(31_000);

    expect(follower.files).toEqual([]);
    expect(follower.disk.openFiles).toBe(0);
    expect(follower.runner.isRunning).toBe(true);
  });

  test('gives it up when it is gone, and takes the one that is offered then', async () => {
    await leader.taken(100, STATE_BYTES);
    const { snapshotId } = leader.announced[0]!;
    leader.ask({ type: 'newestSnapshot', damaged: [snapshotId], unreadable: [] });
    await leader.settle();
    offer();
    await follower.runFor(50);
    expect(network.requests).toHaveLength(4);
    expect(follower.files).toEqual([]);

    // The one that is taken in its place, and the next one.
    leader.runner.finish();
    await leader.settle();
    await leader.taken(200);
    await offerUntil(isToldToInstall);

    expect(follower.announced).toMatchObject([{ lastIncluded: { index: 200 } }]);
  });

  test('goes on with what it has when another leader offers the same', async () => {
    await leader.taken(100, STATE_BYTES);
    await other.taken(100, STATE_BYTES);
    await offerUntilHalfway();
    const asked = network.requests.length;
    leader.stop();

    await offerUntil(isToldToInstall, () => other);

    expect(network.requests.slice(asked).every(({ to }) => to === OTHER)).toBe(true);
    expect(network.requests.slice(asked).some(({ offset }) => offset === 0)).toBe(false);
  });

  test('keeps what it has while another leader offers another one, for the first one may come again', async () => {
    await leader.taken(100, STATE_BYTES);
    await other.taken(200, STATE_BYTES);
    await offerUntilHalfway();
    network.faults = { ...NO_FAULTS, lost: 100 };
    offer(other);
    await follower.runFor(100);
    expect(follower.drafts).toHaveLength(2);
    network.faults = NO_FAULTS;
    const asked = network.requests.length;

    await offerUntil(isToldToInstall);

    expect(network.requests.slice(asked).some(({ offset }) => offset === 0)).toBe(false);
    expect(follower.drafts).toEqual([]);
    expect(follower.disk.openFiles).toBe(0);
  });

  test('has none of it when it is not what was announced, says so, and tries again after a while', async () => {
    await leader.taken(100, STATE_BYTES);
    leader.disk.flipBit(leader.files[0]!, 1_000, 3);

    await offerUntil(() => follower.eventsOf('failed').length > 0);
    const asked = network.requests.length;
    offer();
    await follower.runFor(1_000);
    expect(network.requests).toHaveLength(asked);
    leader.disk.flipBit(leader.files[0]!, 1_000, 3);
    await offerUntil(isToldToInstall);

    expect(follower.eventsOf('failed')).toMatchObject([{ error: { code: 'ERR_STORAGE_CORRUPT' }, retryInMs: 5_000 }]);
    expect(follower.announced).toHaveLength(1);
  });

  test('says so when its disk is full, and leaves nothing behind', async () => {
    await leader.taken(100, STATE_BYTES);
    follower.disk.limitSpace(1_000_000);

    await offerUntil(() => follower.eventsOf('failed').length > 0);

    expect(follower.eventsOf('failed')[0]).toMatchObject({ error: { code: 'ERR_STORAGE', data: { errno: 'ENOSPC' } } });
    expect(follower.files).toEqual([]);
    expect(follower.disk.openFiles).toBe(0);
  });

  test('goes on where the disk refuses to remove what it has of one that is not offered any more', async () => {
    await leader.taken(100, STATE_BYTES);
    network.faults = { ...NO_FAULTS, lost: 100 };
    offer();
    await follower.settle();
    follower.disk.failAt(follower.disk.operations + 1, 'EIO');

    await follower.runFor(31_000);

    expect(follower.failures).toEqual([]);
    expect(follower.drafts).toHaveLength(1);
    network.faults = NO_FAULTS;
    await offerUntil(isToldToInstall);
  });

  test('says so when its disk refuses a piece, and then to remove what there is', async () => {
    await leader.taken(100, STATE_BYTES);
    network.faults = { ...NO_FAULTS, lost: 100 };
    offer();
    await follower.settle();
    follower.disk.failAt(follower.disk.operations + 1, 'EROFS');
    follower.disk.failAt(follower.disk.operations + 2, 'EROFS');
    network.faults = NO_FAULTS;

    await offerUntil(isToldToInstall);

    expect(follower.failures).toEqual([]);
    expect(follower.eventsOf('failed')).toMatchObject([
      { error: { code: 'ERR_STORAGE', data: { operation: 'write' } } },
    ]);
    expect(follower.disk.openFiles).toBe(0);
  });

  test.each(['damaged', 'unreadable'] as const)(
    'fetches it once more when the objects have found it %s, and come back without it',
    async (how) => {
      await follower.taken(100);
      await leader.taken(200, STATE_BYTES);
      await offerUntil(isToldToInstall);
      const { snapshotId, snapshotBytes } = leader.announced[0]!;

      follower.ask({ type: 'newestSnapshot', damaged: [], unreadable: [], [how]: [snapshotId] });
      await offerUntil(() => follower.toMachine.length > 1);

      expect(follower.toMachine[1]).toMatchObject({ type: 'installSnapshot', snapshot: { id: snapshotId } });
      expect(network.requestedBytes).toBe(2 * snapshotBytes);
    },
  );

  test.each<[string, number, unknown[]]>([
    ['compares its objects with what comes of it, if they have begun with it', 100, [{ object: 'map', index: 220 }]],
    ['does not, if they were ahead of it: other code may have taken it', 0, []],
  ])('%s', async (_, restoredIndex, diverged) => {
    const snapshot = { entries: 100, bytes: 1_000_000, intervalMs: null, isVerified: true };
    follower = await network.join(nodeId('d:1'), { data: { snapshot } });
    await follower.applied(0);
    await leader.taken(100);
    await offerUntil(isToldToInstall);
    await follower.applied(120);

    const hashes = [['map', 'aa']] as const;
    follower.hashed = { index: logIndex(220), restoredIndex: logIndex(restoredIndex), hashes };
    await follower.applied(220);
    follower.runner.finish(220, [['map', 'bb']]);
    await follower.settle();

    expect(follower.eventsOf('taken')).toMatchObject([{ index: 220 }]);
    expect(follower.eventsOf('diverged')).toMatchObject(diverged);
  });

  test('leaves nothing behind when it is closed in the middle of it', async () => {
    await leader.taken(100, STATE_BYTES);
    await offerUntilHalfway();

    const closed = follower.ask({ type: 'closeSnapshots' });
    await follower.settle();

    expect(follower.failures).toEqual([]);
    expect(closed).toHaveProperty('value');
    expect(follower.files).toEqual([]);
    expect(follower.disk.openFiles).toBe(0);
  });
});

describe('a node that gives away a snapshot', () => {
  test.each(['fetched', 'offered'] as const)('does not remove it while it is %s', async (how) => {
    await leader.taken(100, STATE_BYTES);
    const { snapshotId } = leader.announced[0]!;
    if (how === 'fetched') offer();
    else leader.snapshotter.tell({ type: 'snapshotOffered', snapshotId });
    await follower.settle();

    for (const index of [200, 300, 400]) await leader.taken(index);
    expect(leader.files).toMatchObject([expect.stringContaining(snapshotId), expect.anything(), expect.anything()]);

    await leader.runFor(31_000);
    expect(leader.files).toHaveLength(2);
    expect(leader.disk.openFiles).toBe(0);
  });

  test('says once more what there is, where one is offered that is not there', async () => {
    await leader.taken(100);

    leader.snapshotter.tell({ type: 'snapshotOffered', snapshotId: 'gone' });
    await leader.settle();

    expect(leader.announced).toMatchObject([
      { lastIncluded: { index: 100 } },
      { lastIncluded: { index: 100 }, keptIds: [leader.announced[0]!.snapshotId] },
    ]);
  });
});

describe('over a network full of faults', () => {
  const FAULTS: Faults = { ...NO_FAULTS, lost: 15, doubled: 15, damaged: 10, delayMsMax: 60 };

  test.each(seeds)('a snapshot arrives, whoever leads (seed %i)', async (seed) => {
    await start(seed);
    await leader.taken(100, STATE_BYTES);
    await other.taken(100, STATE_BYTES);
    network.faults = FAULTS;
    let heartbeats = seed;

    await offerUntil(isToldToInstall, () => (++heartbeats % 40 < 20 ? leader : other));

    expect(follower.announced).toMatchObject([{ snapshotId: leader.announced[0]!.snapshotId }]);
    expect(network.requestedBytes).toBeLessThan(8 * leader.announced[0]!.snapshotBytes);
    expect(follower.drafts).toEqual([]);
  });

  test.each(seeds)('nothing is left behind, whenever it is closed (seed %i)', async (seed) => {
    await start(seed);
    await leader.taken(100, STATE_BYTES);
    await other.taken(150, STATE_BYTES);
    await follower.applied(50);
    follower.compact();
    network.faults = FAULTS;
    for (let i = 0; i < seed % 8; i++) {
      offer((i + seed) % 3 === 0 ? other : leader);
      await follower.runFor(10 * (seed % 5));
    }

    const closed = follower.ask({ type: 'closeSnapshots' });
    await follower.runFor(2_000);

    expect(follower.failures).toEqual([]);
    expect(closed).toHaveProperty('value');
    expect(follower.drafts).toEqual([]);
    expect(follower.disk.openFiles).toBe(0);
    expect(follower.runner.isRunning).toBe(false);
  });
});

test('nodes without disks give each other snapshots, too', async () => {
  const inMemory = { place: { kind: 'memory' }, logStore: null } as const;
  network.stop();
  network = new LossyNetwork(1);
  leader = await network.join(LEADER, { data: inMemory });
  follower = await network.join(FOLLOWER, { data: inMemory, disk: new SimulatedDisk(2) });
  await leader.applied(100);
  leader.snapshotter.tell({ type: 'logPiece', read: 1, entries: new ArrayBuffer(8), isLast: true });
  await leader.settle();
  leader.runner.finish(STATE_BYTES);
  await leader.applied(logIndex(101));

  await offerUntil(isToldToInstall);

  expect(follower.toMachine).toMatchObject([{ snapshot: { location: { kind: 'memory' } } }]);
  expect(follower.disk.operations).toBe(0);
});
