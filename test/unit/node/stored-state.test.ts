/** What a node finds on its disk, from the actors that keep it. */

import { beforeEach, expect, test } from 'vitest';
import { logStoreActorOn } from '../../../src/actors/log-store/log-store-actor.js';
import { scanWal } from '../../../src/actors/log-store/wal-scan.js';
import { WalWriter } from '../../../src/actors/log-store/wal-writer.js';
import { snapshotterActorOn } from '../../../src/actors/snapshotter/snapshotter-actor.js';
import { groupId, logIndex, nodeId } from '../../../src/ids.js';
import { recoverState, type StoredState } from '../../../src/node/stored-state.js';
import { ActorSystem } from '../../../src/runtime/actor-system.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { SeededRandom } from '../../../src/runtime/random.js';
import { SimulationScheduler } from '../../../src/runtime/simulation-scheduler.js';
import { SnapshotFolder } from '../../../src/storage/snapshot-folder.js';
import { appendRequest, modelEntry } from '../../../src/testing/log-store-model.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';
import { ScriptedRunner } from '../actors/snapshotter/support/scripted-runner.js';
import { cutAt, text, writeDraft } from '../storage/snapshot-samples.js';

const GROUP = groupId(0);
const [LOG, SNAPSHOTS] = ['/data/log', '/data/snapshots'];
const address = (name: string): { system: string; name: string } => ({ system: 'main', name });
const ADDRESSES = {
  raft: address('raft'),
  machines: [address('machine')],
  caller: address('caller'),
  snapshotter: address('snapshotter'),
  logStore: address('log'),
  administration: address('administration'),
};

let disk: SimulatedDisk;

/** A node has gone on from one snapshot, and has been given two; what its log held is in them, and has been dropped. */
beforeEach(() => {
  disk = new SimulatedDisk(1);
  for (const directory of [LOG, SNAPSHOTS]) disk.makeDirectory(directory);
  const start = (): WalWriter =>
    WalWriter.start({ disk, directory: LOG, segmentBytes: 65_536, random: new SeededRandom(1) }, scanWal(disk, LOG));
  const first = start();
  const { append } = appendRequest(1, [modelEntry(1, 1, 10)]);
  first.append(GROUP, logIndex(1), logIndex(1), new Uint8Array(append!.entries));
  first.close();
  const folder = SnapshotFolder.open(disk, SNAPSHOTS, () => {});
  for (const index of [100, 120]) {
    folder.publish(writeDraft(disk, folder.newDraft(), { a: text(1000, index) }, cutAt(index)));
  }
  const second = start();
  second.drop(GROUP, logIndex(100));
  while (second.idle());
  second.close();
});

async function recovered(): Promise<StoredState | null> {
  const simulation = new SimulationScheduler(1);
  const main = new ActorSystem({
    name: 'main',
    scheduler: simulation,
    clock: simulation,
    random: new SeededRandom(1),
    logger: silentLogger,
    onFailure: () => {},
  });
  for (const name of ['raft', 'machine', 'caller']) {
    main.spawn<never, void>({ name, data: undefined, factory: () => ({ receive: () => {} }) });
  }
  main.spawn({ name: 'log', factory: logStoreActorOn(disk), data: { directory: LOG, segmentBytes: 65_536 } });
  main.spawn({
    name: 'snapshotter',
    factory: snapshotterActorOn(disk, new ScriptedRunner(disk)),
    data: {
      group: GROUP,
      self: nodeId('a:1'),
      objects: [],
      classes: [],
      sessionsMax: 10,
      place: { kind: 'disk', snapshots: SNAPSHOTS, log: LOG },
      isSynced: true,
      snapshot: { entries: 100, bytes: 1_000_000, intervalMs: null, isVerified: false },
      position: 0,
      membersCount: 1,
      ...ADDRESSES,
    },
  });
  try {
    const state = recoverState(main, ADDRESSES, GROUP, true);
    state.catch(() => {});
    await simulation.runFor(10);
    return await state;
  } finally {
    main.stop();
  }
}

test('a log of which nothing is left goes on from the snapshots', async () => {
  expect(await recovered()).toMatchObject({
    base: { index: 100 },
    pieces: [],
    snapshot: { lastIncluded: { index: 120 } },
  });
});

test('snapshots that cannot be read are not taken for none where nothing is left of the log', async () => {
  const paths = [...disk.files().keys()].filter((path) => path.startsWith(SNAPSHOTS));
  for (const path of paths) disk.makeUnreadable(path, 0);

  await expect(recovered()).rejects.toMatchObject({ code: 'ERR_STORAGE', data: { errno: 'EIO' } });

  expect(paths.every((path) => disk.exists(path))).toBe(true);
});

test('nor are snapshots that are damaged, at that start and at the next', async () => {
  const paths = [...disk.files().keys()].filter((path) => path.startsWith(SNAPSHOTS));
  for (const path of paths) disk.flipBit(path, 0, 0);

  await expect(recovered()).rejects.toMatchObject({ code: 'ERR_STORAGE_CORRUPT' });
  await expect(recovered()).rejects.toMatchObject({ code: 'ERR_STORAGE_CORRUPT' });
});
