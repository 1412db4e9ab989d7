/** The Snapshotter takes snapshots: when, how often, and what it tells whom. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scanWal } from '../../../../src/actors/log-store/wal-scan.js';
import { WalWriter } from '../../../../src/actors/log-store/wal-writer.js';
import type { FoldTask } from '../../../../src/actors/snapshotter/fold.js';
import { ConclaveError } from '../../../../src/errors.js';
import { groupId, logIndex, term } from '../../../../src/ids.js';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { indexOf, LOG, SNAPSHOTS, SnapshotterRig, type RigOptions } from './support/snapshotter-rig.js';

let rig: SnapshotterRig;

async function start(options: RigOptions = {}): Promise<void> {
  rig?.stop();
  rig = new SnapshotterRig(options);
  await rig.open();
}

const bounds = { entries: 100, bytes: 1_000_000, intervalMs: null, isVerified: false };

beforeEach(() => start());
afterEach(() => {
  expect(rig.failures).toEqual([]);
  rig.stop();
});

describe('a snapshot is taken', () => {
  test('when enough entries have been applied, and not before', async () => {
    await rig.applied(99);
    expect(rig.runner.isRunning).toBe(false);

    await rig.applied(100);

    expect(rig.runner.tasks).toMatchObject([
      { previous: null, log: { kind: 'files', directory: LOG, firstIndex: 1, lastIndex: 100 } },
    ]);
  });

  test('of what has been applied since the one before, which it goes on from', async () => {
    await rig.taken(100);
    await rig.applied(199);
    expect(rig.runner.isRunning).toBe(false);

    await rig.applied(205);

    expect(rig.runner.tasks[1]).toMatchObject({
      previous: { kind: 'file', path: expect.stringContaining(`${SNAPSHOTS}/0000000000000100-2-`) },
      log: { firstIndex: 101, lastIndex: 205 },
    });
  });

  test('one at a time', async () => {
    await rig.applied(100);

    await rig.applied(1_000);

    expect(rig.runner.tasks).toHaveLength(1);
  });

  test('again at once, when enough was applied while one was taken', async () => {
    await rig.applied(100);
    await rig.applied(250);

    rig.runner.finish();
    await rig.settle();

    expect(rig.runner.tasks[1]).toMatchObject({ log: { firstIndex: 101, lastIndex: 250 } });
  });

  test('urgently, when the log has outgrown what makes one due meanwhile', async () => {
    await start({ data: { snapshot: { ...bounds, entries: 1e9, bytes: 2_500 } } });
    await rig.applied(250);
    await rig.applied(750);
    rig.runner.finish();
    await rig.settle();
    rig.runner.finish();
    await rig.settle();

    await rig.applied(1_000);

    expect(rig.runner.urgent).toEqual([false, true, false]);
  });

  test('when the interval is over, and only if there is anything new', async () => {
    await start({ data: { snapshot: { ...bounds, intervalMs: 60_000 } } });
    await rig.runFor(70_000);
    expect(rig.runner.isRunning).toBe(false);

    await rig.applied(1);

    expect(rig.runner.tasks).toMatchObject([{ log: { lastIndex: 1 } }]);
  });

  test('not before as many bytes have been applied as half the state has, which cannot be compressed', async () => {
    await start({ data: { snapshot: { ...bounds, entries: 1e9, bytes: 1_000 } } });
    await rig.taken(100, 50_000);

    await rig.applied(2_599);
    expect(rig.runner.isRunning).toBe(false);

    await rig.applied(2_600);
    expect(rig.runner.isRunning).toBe(true);
  });

  test('later on another node, at first only', async () => {
    await start({ data: { position: 1, membersCount: 2 } });
    await rig.applied(149);
    expect(rig.runner.isRunning).toBe(false);

    await rig.taken(150);
    await rig.applied(250);

    expect(rig.runner.isRunning).toBe(true);
  });

  test('and told of: progress, size, how long it took', async () => {
    await rig.applied(100);
    await rig.runFor(300);
    rig.runner.progress(0.25);
    rig.runner.progress(0.26);
    await rig.runFor(700);
    rig.runner.finish(5_000);
    await rig.settle();

    expect(rig.events).toMatchObject([
      { type: 'started', index: 100 },
      { type: 'progress', index: 100, fraction: 0.25 },
      { type: 'taken', index: 100, stateBytes: 5_000, durationMs: expect.closeTo(1_000, -2) },
    ]);
  });
});

describe('of the snapshots', () => {
  test('two are kept, and the log from the older one on', async () => {
    await rig.taken(100);
    await rig.taken(200);
    await rig.taken(300);

    expect(rig.files).toMatchObject([expect.stringContaining('0200-2-'), expect.stringContaining('0300-2-')]);
    expect(rig.announced.map(({ lastIncluded, oldestIndex }) => [lastIncluded.index, oldestIndex])).toEqual([
      [100, 0],
      [200, 100],
      [300, 200],
    ]);
    expect(rig.toLogStore).toEqual([
      { type: 'dropLog', group: 0, index: 100 },
      { type: 'dropLog', group: 0, index: 200 },
    ]);
  });

  test('a node that starts finds what was kept, and tells consensus when that is there', async () => {
    await rig.taken(100);
    await rig.taken(200);
    const { disk } = rig;
    rig.stop();
    rig = new SnapshotterRig({ disk });

    const kept = await rig.open();
    expect(rig.announced).toEqual([]);
    await rig.applied(200);

    expect(kept).toMatchObject([
      { lastIncluded: { index: 200, term: 2 }, configuration: Uint8Array.of(1, 2, 3) },
      { lastIncluded: { index: 100, term: 2 } },
    ]);
    expect(rig.announced).toMatchObject([{ lastIncluded: { index: 200 }, snapshotId: kept[0]!.snapshotId }]);
  });

  test('one that the objects cannot be loaded from is set aside, and the older one is the newest', async () => {
    await rig.taken(100);
    await rig.taken(200);
    const [newest, older] = rig.announced.toReversed();

    const answer = rig.ask({ type: 'newestSnapshot', damaged: [newest!.snapshotId], unreadable: [] });
    await rig.settle();

    expect(answer.value).toMatchObject({ id: older!.snapshotId });
    expect(rig.announced.at(-1)).toMatchObject({ snapshotId: older!.snapshotId, oldestIndex: 0 });
    expect(rig.files).toContainEqual(expect.stringMatching(/200-2-.*\.bad$/));
  });

  test('another one is taken at once in place of one that the objects cannot be loaded from', async () => {
    await rig.taken(100);
    await rig.taken(200);
    await rig.applied(201);

    rig.ask({ type: 'newestSnapshot', damaged: [rig.announced[1]!.snapshotId], unreadable: [] });
    await rig.settle();

    expect(rig.runner.tasks.at(-1)).toMatchObject({ log: { firstIndex: 101, lastIndex: 201 } });
  });

  test('one that the objects cannot read is passed over, and is there again at the next start', async () => {
    await rig.taken(100);
    await rig.taken(200);
    const [newest, older] = rig.announced.toReversed();

    const answer = rig.ask({ type: 'newestSnapshot', damaged: [], unreadable: [newest!.snapshotId] });
    await rig.settle();
    const again = new SnapshotterRig({ disk: rig.disk.afterProcessDeath() });

    expect(answer.value).toMatchObject({ id: older!.snapshotId });
    expect(rig.announced.at(-1)).toMatchObject({ snapshotId: older!.snapshotId });
    expect(await again.open()).toMatchObject([{ snapshotId: newest!.snapshotId }, { snapshotId: older!.snapshotId }]);
    again.stop();
  });

  test('nobody can say which there are when the disk refuses, and whoever asks is told so', async () => {
    rig.stop();
    rig = new SnapshotterRig();
    rig.disk.failAt(rig.disk.operations + 1, 'EACCES');

    const answer = rig.ask({ type: 'openSnapshots' });
    await rig.settle();

    expect(answer.error).toMatchObject({ code: 'ERR_STORAGE', data: { errno: 'EACCES' } });
    expect(rig.failures).toEqual([]);
  });

  test('there is none at first', async () => {
    const answer = rig.ask({ type: 'newestSnapshot', damaged: [], unreadable: [] });
    await rig.settle();

    expect(answer).toEqual({ value: null });
  });
});

describe('a snapshot that fails', () => {
  const refused = new ConclaveError('ERR_STORAGE', 'The disk is full.');

  async function failAgain(): Promise<number> {
    rig.runner.fail(refused);
    await rig.settle();
    return rig.eventsOf('failed').at(-1)!.retryInMs;
  }

  test('is tried again after a second, and told of', async () => {
    await rig.applied(100);

    expect(await failAgain()).toBe(1_000);
    await rig.runFor(800);
    expect(rig.runner.isRunning).toBe(false);
    await rig.runFor(400);

    expect(rig.runner.isRunning).toBe(true);
    expect(rig.eventsOf('failed')[0]!.error).toMatchObject({
      code: 'ERR_COMPACTION_FAILED',
      cause: { code: 'ERR_STORAGE' },
    });
  });

  test('is tried again later each time, but never much later', async () => {
    await rig.applied(100);
    const waits: number[] = [];
    for (let i = 0; i < 11; i++) {
      waits.push((await failAgain()) / 1_000);
      rig.compact();
      await rig.settle();
    }

    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  test('is forgotten once one succeeds', async () => {
    await rig.applied(100);
    await failAgain();
    await rig.runFor(1_200);
    rig.runner.finish();
    await rig.applied(200);

    expect(await failAgain()).toBe(1_000);
  });

  test('leaves no draft', async () => {
    await rig.applied(100);
    const { draft } = rig.runner.tasks[0]!;
    rig.disk.open((draft as { path: string }).path, 'create').close();

    await failAgain();

    expect(rig.files).toEqual([]);
  });

  test('because the one before is damaged sets that one aside, and goes on from the older one', async () => {
    await rig.taken(100);
    await rig.taken(200);
    await rig.applied(300);
    const { path } = rig.runner.tasks[2]!.previous as { path: string };

    rig.runner.fail(new ConclaveError('ERR_STORAGE_CORRUPT', 'It is damaged.', { data: { path } }));
    await rig.runFor(1_200);

    expect(rig.runner.tasks[3]).toMatchObject({
      previous: { path: expect.stringContaining('0100-2-') },
      log: { firstIndex: 101, lastIndex: 300 },
    });
  });

  function unreadable({ previous }: FoldTask): ConclaveError {
    const path = previous?.kind === 'file' ? previous.path : '';
    return new ConclaveError('ERR_STORAGE', 'The disk has refused to read.', { data: { path, errno: 'EIO' } });
  }

  test('because the one before cannot be read goes on from the older one, and leaves that where it is', async () => {
    await rig.taken(100);
    await rig.taken(200);
    await rig.applied(300);
    rig.runner.fail(unreadable(rig.runner.tasks.at(-1)!));
    await rig.runFor(1_200);

    expect(rig.runner.tasks.at(-1)).toMatchObject({ log: { firstIndex: 101, lastIndex: 300 } });
    expect(rig.files.filter((path) => !path.endsWith('.draft'))).toHaveLength(2);
    expect(rig.files).not.toContainEqual(expect.stringMatching(/\.bad$/));
  });

  test('because the only one before cannot be read is tried again from that one', async () => {
    await rig.taken(100);
    await rig.applied(200);
    rig.runner.fail(unreadable(rig.runner.tasks.at(-1)!));
    await rig.runFor(1_200);

    expect(rig.runner.tasks.at(-1)).toMatchObject({ log: { firstIndex: 101, lastIndex: 200 } });
  });

  test.each(['the compaction', 'the objects'] as const)(
    'because the one before cannot be read, by %s, goes on from none that the log does not reach back to',
    async (who) => {
      await rig.taken(100);
      await rig.taken(200);
      // It was given to the node.
      const options = { disk: rig.disk, directory: LOG, segmentBytes: 65_536, random: new SeededRandom(1) };
      const writer = WalWriter.start(options, scanWal(rig.disk, LOG));
      writer.reset(groupId(0), { index: logIndex(200), term: term(1), timestampMs: 0 });
      writer.close();
      await rig.applied(300);
      const { snapshotId } = rig.announced[1]!;

      if (who === 'the compaction') rig.runner.fail(unreadable(rig.runner.tasks.at(-1)!));
      const answer = rig.ask({
        type: 'newestSnapshot',
        damaged: [],
        unreadable: who === 'the objects' ? [snapshotId] : [],
      });
      await rig.runFor(1_200);

      expect(answer.value).toMatchObject({ id: snapshotId });
      expect(rig.runner.tasks.at(-1)).toMatchObject({ log: { firstIndex: 201, lastIndex: 300 } });
    },
  );

  test('to become one of the kept is one that failed', async () => {
    await rig.applied(100);
    rig.runner.finish();
    rig.disk.failAt(rig.disk.operations + 1, 'EIO');

    await rig.settle();

    expect(rig.eventsOf('failed')).toHaveLength(1);
    expect(rig.announced).toEqual([]);
    await rig.runFor(1_200);
    rig.runner.finish();
    await rig.settle();
    expect(rig.announced).toMatchObject([{ lastIncluded: { index: 100 } }]);
  });
});

describe('who asks for a snapshot', () => {
  test('gets one at once, however little there is', async () => {
    await rig.applied(3);
    const answer = rig.compact();
    await rig.settle();
    rig.runner.finish();
    await rig.settle();

    expect(indexOf(answer)).toBe(3);
  });

  test('gets the newest one if there is nothing new', async () => {
    await rig.taken(100);

    const answer = rig.compact();
    await rig.settle();

    expect(indexOf(answer)).toBe(100);
    expect(rig.runner.tasks).toHaveLength(1);
  });

  test('learns that there is nothing to take one of', async () => {
    const answer = rig.compact();
    await rig.settle();

    expect(answer.value).toEqual({ index: 0, term: 0, timestampMs: 0 });
  });

  test('joins one under way that takes in what has been applied', async () => {
    await rig.applied(100);
    const answers = [rig.compact(), rig.compact(100)];
    await rig.settle();

    rig.runner.finish();
    await rig.settle();

    expect(answers.map(indexOf)).toEqual([100, 100]);
    expect(rig.runner.tasks).toHaveLength(1);
  });

  test('waits for another one if the one under way does not', async () => {
    await rig.applied(100);
    await rig.applied(110);
    const answer = rig.compact();
    await rig.settle();
    rig.runner.finish();
    await rig.settle();
    expect(answer).toEqual({});

    rig.runner.finish();
    await rig.settle();

    expect(indexOf(answer)).toBe(110);
    expect(rig.runner.tasks[1]).toMatchObject({ log: { firstIndex: 101, lastIndex: 110 } });
  });

  test('waits until what it knows to be applied is known here', async () => {
    await rig.applied(5);
    const answer = rig.compact(7);
    await rig.settle();
    expect(rig.runner.isRunning).toBe(false);

    await rig.applied(8);
    rig.runner.finish();
    await rig.settle();

    expect(indexOf(answer)).toBe(8);
  });

  test('is told why there is none', async () => {
    await rig.applied(3);
    const answer = rig.compact();
    await rig.settle();
    rig.runner.fail(new RangeError('out of luck'));
    await rig.settle();

    expect(answer.error).toMatchObject({ code: 'ERR_COMPACTION_FAILED', cause: new RangeError('out of luck') });
  });

  test('does not wait for the time after a failure to be over', async () => {
    await rig.applied(100);
    rig.runner.fail(new RangeError('out of luck'));
    await rig.settle();

    const answer = rig.compact();
    await rig.settle();
    rig.runner.finish();
    await rig.settle();

    expect(indexOf(answer)).toBe(100);
  });
});

describe('a snapshot that is compared with the live objects', () => {
  const same = [
    ['acct', 'aa'],
    ['map', 'bb'],
  ] as const;

  beforeEach(() => start({ data: { snapshot: { ...bounds, isVerified: true } } }));

  test('takes in exactly what they held', async () => {
    rig.hashed = { index: logIndex(104), restoredIndex: logIndex(0), hashes: same };
    await rig.applied(100);
    expect(rig.runner.isRunning).toBe(false);

    await rig.applied(110);
    rig.runner.finish(100, same);
    await rig.settle();

    expect(rig.runner.tasks).toMatchObject([{ log: { lastIndex: 104 } }]);
    expect(rig.eventsOf('taken')).toHaveLength(1);
    expect(rig.eventsOf('diverged')).toEqual([]);
  });

  test('says which object is not the same, and is kept', async () => {
    rig.hashed = { index: logIndex(100), restoredIndex: logIndex(0), hashes: same };
    await rig.applied(100);

    rig.runner.finish(100, [
      ['acct', 'aa'],
      ['map', 'cc'],
    ]);
    await rig.settle();

    expect(rig.eventsOf('diverged')).toEqual([{ type: 'diverged', object: 'map', index: 100 }]);
    expect(rig.announced).toHaveLength(1);
  });

  test('is taken without that when they cannot be hashed', async () => {
    rig.hashed = null;

    await rig.taken(100);

    expect(rig.eventsOf('taken')).toHaveLength(1);
    expect(rig.eventsOf('diverged')).toEqual([]);
  });
});

describe('where the log is in memory', () => {
  beforeEach(() => start({ data: { place: { kind: 'memory' }, logStore: null } }));

  function piece(byte: number, isLast: boolean, read = 1): void {
    const entries = Uint8Array.of(byte).buffer;
    rig.snapshotter.tell({ type: 'logPiece', read, entries, isLast });
  }

  test('consensus is asked for it, and its pieces are the fold’s', async () => {
    await rig.applied(100);
    expect(rig.toRaft).toEqual([{ type: 'readLog', read: 1, firstIndex: 1, lastIndex: 100 }]);
    expect(rig.runner.isRunning).toBe(false);

    piece(1, false);
    piece(2, true);
    await rig.settle();

    expect(rig.runner.tasks).toMatchObject([
      { log: { kind: 'memory', firstIndex: 1, lastIndex: 100 }, draft: { kind: 'memory' } },
    ]);
    const pieces = [Uint8Array.of(1).buffer, Uint8Array.of(2).buffer];
    expect(rig.runner.tasks[0]!.log).toEqual({ kind: 'memory', firstIndex: 1, lastIndex: 100, pieces });
    rig.runner.finish();
    await rig.settle();
    expect(rig.announced).toMatchObject([{ lastIncluded: { index: 100 } }]);
  });

  test('it is tried again when consensus no longer has it', async () => {
    await rig.applied(100);

    rig.snapshotter.tell({ type: 'logPiece', read: 1, entries: null, isLast: true });
    await rig.runFor(1_200);

    expect(rig.eventsOf('failed')).toHaveLength(1);
    expect(rig.toRaft.at(-1)).toEqual({ type: 'readLog', read: 2, firstIndex: 1, lastIndex: 100 });
  });

  test('it is tried again when consensus does not answer, and late answers are dropped', async () => {
    await rig.applied(100);
    await rig.runFor(31_500);
    piece(9, true);
    await rig.settle();
    expect(rig.runner.isRunning).toBe(false);

    piece(1, true, 2);
    await rig.settle();

    expect(rig.runner.tasks).toHaveLength(1);
  });
});

describe('closing', () => {
  test('aborts what is under way, and leaves no draft', async () => {
    await rig.applied(100);
    rig.disk.open((rig.runner.tasks[0]!.draft as { path: string }).path, 'create').close();
    const asked = rig.compact();
    await rig.settle();

    const closed = rig.ask({ type: 'closeSnapshots' });
    await rig.settle();

    expect(closed).toHaveProperty('value');
    expect(asked.error).toMatchObject({ code: 'ERR_COMPACTION_FAILED', cause: { code: 'ERR_STOPPED' } });
    expect(rig.runner.isRunning).toBe(false);
    expect(rig.runner.stops).toBe(1);
    expect(rig.files).toEqual([]);
    expect(rig.disk.openFiles).toBe(0);
  });

  test('takes no snapshot that would be due afterwards', async () => {
    rig.ask({ type: 'closeSnapshots' });
    await rig.applied(1_000);

    expect(rig.runner.tasks).toEqual([]);
  });

  test('ends an actor that is stopped as well', async () => {
    await rig.applied(100);

    rig.stop();
    await rig.settle();

    expect(rig.runner.isRunning).toBe(false);
    expect(rig.runner.stops).toBe(1);
  });
});
