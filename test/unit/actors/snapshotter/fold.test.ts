/**
 * Folds against live machines that have applied the same log. `FOLD_SEED=n` replays one, `FOLD_SEEDS=n` looks at as
 * many.
 */

import { describe, expect, test } from 'vitest';
import { hashObjects } from '../../../../src/actors/replicated/hash-objects.js';
import { Machine, type MachineState } from '../../../../src/actors/replicated/machine.js';
import { restoreMachine } from '../../../../src/actors/replicated/machine-snapshot.js';
import { loadObject, type ResolvedObject } from '../../../../src/actors/replicated/object-definition.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { fold, type FoldLog, type FoldResult, type FoldTask } from '../../../../src/actors/snapshotter/fold.js';
import { ConclaveError } from '../../../../src/errors.js';
import { logIndex } from '../../../../src/ids.js';
import type { ByteLocation } from '../../../../src/storage/byte-source.js';
import type { Pause } from '../../../../src/storage/pause.js';
import { SnapshotReader } from '../../../../src/storage/snapshot-reader.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { DIRECTORY, GROUP, newDisk, startWal } from '../log-store/support/wal.js';
import { block, blockOf, entriesOf, life, session, type EntryLike } from '../replicated/support/blocks.js';
import { randomHistory, resolvedObjects, SESSIONS_MAX } from './support/random-history.js';

const LENGTH = 60;
const only = process.env['FOLD_SEED'];
const seedCount = Number(process.env['FOLD_SEEDS'] ?? 12);
const seeds = only === undefined ? Array.from({ length: seedCount }, (_, i) => i + 1) : [Number(only)];

const objects = await resolvedObjects();
const goOn: Pause = () => undefined;

function inMemory(firstIndex: number, entries: readonly EntryLike[]): FoldLog {
  const half = Math.ceil(entries.length / 2);
  const pieces = [
    entriesOf(firstIndex, entries.slice(0, half)).buffer,
    entriesOf(firstIndex + half, entries.slice(half)).buffer,
  ];
  const lastIndex = logIndex(firstIndex + entries.length - 1);
  return { kind: 'memory', firstIndex: logIndex(firstIndex), lastIndex, pieces };
}

async function run(
  log: FoldLog,
  previous: ByteLocation | null = null,
  { pause = goOn, onProgress = () => {} }: { pause?: Pause; onProgress?: (fraction: number) => void } = {},
  disk = new SimulatedDisk(1),
  rest: Partial<FoldTask> = {},
): Promise<FoldResult> {
  const draft = { kind: 'memory' } as const;
  const task: FoldTask = {
    objects,
    classes: [],
    sessionsMax: SESSIONS_MAX,
    previous,
    log,
    draft,
    isSynced: true,
    ...rest,
  };
  return await fold(task, { disk, pause, onProgress });
}

async function machineOf(resolved: readonly ResolvedObject[] = objects): Promise<Machine> {
  const loaded = await Promise.all(resolved.map((each) => loadObject(each)));
  return new Machine({ objects: loaded, life: null, classes: [], sessionsMax: SESSIONS_MAX, codec: new ValueCodec() });
}

async function live(entries: readonly EntryLike[]): Promise<Machine> {
  const machine = await machineOf();
  machine.apply(entriesOf(1, entries), []);
  return machine;
}

async function stateIn(location: ByteLocation): Promise<MachineState> {
  const machine = await machineOf();
  const reader = SnapshotReader.openAt(new SimulatedDisk(1), location);
  await restoreMachine(machine, reader, goOn);
  return machine.save();
}

describe('a fold of a random history (FOLD_SEED=n replays one)', () => {
  test.each(seeds)('holds what the live objects, sessions and members hold (seed %i)', async (seed) => {
    const history = randomHistory(seed, LENGTH);
    const machine = await live(history);

    const { snapshot, hashes } = await run(inMemory(1, history));

    expect(hashes).toEqual(await hashObjects(machine));
    expect(await stateIn(snapshot.location)).toEqual(machine.save());
    expect(snapshot.lastIncluded).toEqual(machine.save().lastIncluded);
  });

  test.each(seeds)('is the same whether it is taken at once or in two steps (seed %i)', async (seed) => {
    const history = randomHistory(seed, LENGTH);
    const cut = 1 + (seed % (LENGTH - 1));
    const first = await run(inMemory(1, history.slice(0, cut)));

    const second = await run(inMemory(cut + 1, history.slice(cut)), first.snapshot.location);

    const atOnce = await run(inMemory(1, history));
    expect(second.snapshot.id).toBe(atOnce.snapshot.id);
    expect(second.hashes).toEqual(atOnce.hashes);
  });
});

describe('a fold of files', () => {
  function store(entries: readonly EntryLike[]): SimulatedDisk {
    const disk = newDisk();
    const writer = startWal(disk);
    for (const [i, entry] of entries.entries()) {
      writer.append(GROUP, logIndex(i + 1), logIndex(i + 1), entriesOf(i + 1, [entry]));
      writer.commit();
    }
    writer.close();
    return disk;
  }
  const files = (firstIndex: number, lastIndex: number): FoldLog => ({
    kind: 'files',
    directory: DIRECTORY,
    group: GROUP,
    firstIndex: logIndex(firstIndex),
    lastIndex: logIndex(lastIndex),
  });

  test('takes in the log up to the entry that was asked for, and is durable', async () => {
    const history = randomHistory(7, LENGTH);
    const disk = store(history);
    const draft = { kind: 'file', path: `${DIRECTORY}/next.draft` } as const;

    const { snapshot } = await run(files(1, 40), null, {}, disk, { draft });

    expect(snapshot.location).toEqual(draft);
    expect(snapshot.id).toBe((await run(inMemory(1, history.slice(0, 40)))).snapshot.id);
    expect(disk.openFiles).toBe(0);
    expect(disk.afterPowerLoss(1).files().get(draft.path)).toHaveLength(snapshot.bytes);
  });

  test('fails when the log does not go so far', async () => {
    const disk = store(randomHistory(7, LENGTH));

    await expect(run(files(1, LENGTH + 1), null, {}, disk)).rejects.toMatchObject({ code: 'ERR_STORAGE_CORRUPT' });

    expect(disk.openFiles).toBe(0);
  });

  test('leaves no file open when it is aborted', async () => {
    const disk = store(randomHistory(7, LENGTH));
    const stop = new Error('enough');
    const pause = (): Promise<void> => Promise.reject(stop);
    const draft = { kind: 'file', path: `${DIRECTORY}/next.draft` } as const;

    await expect(run(files(1, LENGTH), null, { pause }, disk, { draft })).rejects.toBe(stop);

    expect(disk.openFiles).toBe(0);
  });
});

test('pieces of the log that are missing are found out', async () => {
  const log = inMemory(1, randomHistory(3, LENGTH));

  await expect(run({ ...log, lastIndex: logIndex(LENGTH + 1) })).rejects.toMatchObject({
    code: 'ERR_COMPACTION_FAILED',
  });
});

test('a log that does not begin behind the snapshot is not applied', async () => {
  await expect(run(inMemory(2, [session(life('a'))]))).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
});

test('a damaged previous snapshot is named', async () => {
  const { snapshot } = await run(inMemory(1, randomHistory(3, LENGTH)));
  const bytes = new Uint8Array((snapshot.location as { bytes: SharedArrayBuffer }).bytes);
  bytes[100]! ^= 1;

  const folding = run(inMemory(LENGTH + 1, [session(life('a'))]), snapshot.location);

  await expect(folding).rejects.toMatchObject({ code: 'ERR_STORAGE_CORRUPT' });
});

test('many entries are applied with pauses between them', async () => {
  const write = (seq: number): EntryLike => block(blockOf(1, seq, [['journal', 'write', 'x'.repeat(20_000)]]));
  const history = [session(life('a')), ...Array.from({ length: 30 }, (_, i) => write(i + 1))];
  let pauses = 0;
  const count = (): undefined => {
    pauses += 1;
  };

  await run(inMemory(1, history), null, { pause: count });

  expect(pauses).toBeGreaterThanOrEqual(15);
});

test('progress goes up to 1', async () => {
  const told: number[] = [];

  await run(inMemory(1, randomHistory(5, LENGTH)), null, { onProgress: (fraction) => void told.push(fraction) });

  expect(told.at(-1)).toBe(1);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
});

test('an object that cannot be made fails the fold with its own error', async () => {
  const broken = objects.map((each) => ({ ...each, exportName: 'Nobody' }));

  const folding = run(inMemory(1, [session(life('a'))]), null, {}, new SimulatedDisk(1), { objects: broken });

  await expect(folding).rejects.toBeInstanceOf(ConclaveError);
});
