/** Folds on the pool's own thread, from the compiled package: a worker cannot load TypeScript. */

import { readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { object, resolveDefinition, type ResolvedObject } from '../../dist/actors/replicated/object-definition.js';
import { ValueCodec } from '../../dist/actors/replicated/value-codec.js';
import { fold, type FoldResult, type FoldTask } from '../../dist/actors/snapshotter/fold.js';
import { PoolFoldRunner } from '../../dist/actors/snapshotter/pool-fold-runner.js';
import { logIndex } from '../../dist/ids.js';
import { NodeDisk } from '../../dist/storage/node-disk.js';
import type { DraftPlace } from '../../dist/storage/snapshot-draft.js';
import { block, blockOf, entriesOf, life, session, type Command } from '../unit/actors/replicated/support/blocks.js';

const fixtures = new URL('../../build/test/threads/fixtures/folded.js', import.meta.url);
const classes = (await import(fixtures.href)) as typeof import('./fixtures/folded.js');
const add = (amount: number): Command => ['tally', 'add', `name ${amount % 1_000}`, amount];

let objects: ResolvedObject[];
let runner: PoolFoldRunner;
let directory: string;

beforeEach(async () => {
  objects = [await resolveDefinition('tally', object(classes.Tally), new ValueCodec())];
  runner = new PoolFoldRunner();
  directory = await mkdtemp(join(tmpdir(), 'conclave-fold-'));
});

afterEach(async () => {
  await runner.stop();
  await rm(directory, { recursive: true });
});

function taskOf(commands: readonly Command[], draft: DraftPlace = { kind: 'memory' }): FoldTask {
  const pieces = [entriesOf(1, [session(life('a')), block(blockOf(1, 1, commands))]).buffer];
  const log = { kind: 'memory', firstIndex: logIndex(1), lastIndex: logIndex(2), pieces } as const;
  return { objects, classes: [], sessionsMax: 10, previous: null, log, draft, isSynced: true };
}

function run(
  task: FoldTask,
  signal = new AbortController().signal,
  onProgress: (fraction: number) => void = () => {},
  isUrgent = false,
): Promise<FoldResult> {
  return runner.run(task, { isUrgent, signal, onProgress });
}

async function runHere(task: FoldTask): Promise<FoldResult> {
  return await fold(task, { disk: new NodeDisk(), pause: () => undefined, onProgress: () => {} });
}

/** Waits until the fold has begun to write where its draft is to be. */
async function begun(): Promise<void> {
  while ((await readdir(directory)).length === 0) await new Promise((resolve) => void setTimeout(resolve, 5));
}

describe('a fold in the pool', () => {
  test('makes the snapshot that it makes anywhere', async () => {
    const commands = Array.from({ length: 2_000 }, (_, i) => add(i));

    const result = await run(taskOf(commands));

    const here = await runHere(taskOf(commands));
    expect(result.snapshot.id).toBe(here.snapshot.id);
    expect(result.hashes).toEqual(here.hashes);
    expect(result.snapshot.location).toMatchObject({ kind: 'memory', bytes: expect.any(SharedArrayBuffer) });
  });

  test('is not bothered by what the code of its objects posts to the thread that has asked for it', async () => {
    const bothered: unknown[] = [];
    const note = (error: unknown): number => bothered.push(error);
    const progress: unknown[] = [];
    const posts = [null, 'ready', { ready: true }].map((value): Command => ['tally', 'post', value]);
    process.on('uncaughtExceptionMonitor', note);

    await run(taskOf([add(1), ...posts]), undefined, (fraction) => progress.push(fraction));

    process.off('uncaughtExceptionMonitor', note);
    expect(bothered).toEqual([]);
    expect(progress.filter((fraction) => typeof fraction !== 'number')).toEqual([]);
  });

  test('writes to the file that it was given, and takes the entries instead of copying them', async () => {
    const task = taskOf([add(1)], { kind: 'file', path: join(directory, '1.draft') });

    const { snapshot } = await run(task);

    expect(snapshot.location).toEqual(task.draft);
    expect(await readdir(directory)).toEqual(['1.draft']);
    expect(task.log).toMatchObject({ pieces: [{ byteLength: 0 }] });
  });

  test('goes on from the one before', async () => {
    const first = await run(taskOf([add(1), add(2)]));
    const pieces = [entriesOf(3, [block(blockOf(1, 3, [add(3)]))]).buffer];
    const log = { kind: 'memory', firstIndex: logIndex(3), lastIndex: logIndex(3), pieces } as const;

    const second = await run({ ...taskOf([]), previous: first.snapshot.location, log });

    const atOnce = await runHere({
      ...taskOf([]),
      log: {
        ...log,
        firstIndex: logIndex(1),
        pieces: [
          entriesOf(1, [session(life('a')), block(blockOf(1, 1, [add(1), add(2)])), block(blockOf(1, 3, [add(3)]))])
            .buffer,
        ],
      },
    });
    expect(second.hashes).toEqual(atOnce.hashes);
  });

  test('does not keep the thread that asked for it from anything else', async () => {
    const commands = Array.from({ length: 4_000 }, (_, i) => add(i));
    await run(taskOf([add(1)]));
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    turn();

    await Promise.all(Array.from({ length: 3 }, () => run(taskOf(commands))));
    isOver = true;

    expect(turns).toBeGreaterThan(10);
  });

  test('fails with its own error, code and data', async () => {
    const broken = { ...taskOf([add(1)]), objects: objects.map((each) => ({ ...each, exportName: 'Nobody' })) };

    await expect(run(broken)).rejects.toMatchObject({ name: 'ConclaveError', code: 'ERR_INVALID_OBJECT' });
  });

  test('does not mind that a command leaves a promise that rejects', async () => {
    const { hashes } = await run(taskOf([add(1), ['tally', 'reject'], add(2)]));

    expect(hashes).toEqual((await runHere(taskOf([add(1), add(2)]))).hashes);
  });

  test.runIf(process.platform === 'linux')('has a lower priority than the other threads', async () => {
    const own = priorityOf(readlinkSync('/proc/thread-self').split('/').at(-1)!);
    const controller = new AbortController();
    const folding = run(taskOf([add(1), ['tally', 'spin']]), controller.signal);
    folding.catch(() => {});
    const isThere = async (): Promise<boolean> =>
      (await readdir('/proc/self/task')).some((thread) => priorityOf(thread) === own! + 10);

    while (!(await isThere())) await new Promise((resolve) => void setTimeout(resolve, 5));
    controller.abort();

    await expect(folding).rejects.toThrow('aborted');
    while (await isThere()) await new Promise((resolve) => void setTimeout(resolve, 5));
  });

  test.runIf(process.platform === 'linux')('has the priority of the other threads when it is urgent', async () => {
    const own = priorityOf(readlinkSync('/proc/thread-self').split('/').at(-1)!);
    const before = new Set(await readdir('/proc/self/task'));

    await run(taskOf([add(1)]), undefined, undefined, true);

    const made = (await readdir('/proc/self/task')).filter((thread) => !before.has(thread));
    expect(made.map(priorityOf)).toEqual(made.map(() => own));
    expect(made.length).toBeGreaterThan(0);
  });
});

/** Null: the thread has ended. */
function priorityOf(thread: string): number | null {
  try {
    return getPriority(Number(thread));
  } catch {
    return null;
  }
}

describe('a thread that ends', () => {
  test('fails the fold that it was running, and no other', async () => {
    await expect(run(taskOf([add(1), ['tally', 'exit'], add(2)]))).rejects.toThrow(/exited with code: 3/);

    const { snapshot } = await run(taskOf([add(1)]));

    expect(snapshot.lastIncluded.index).toBe(2);
  });

  test('when its fold is aborted, does not write any more once that is known', async () => {
    const controller = new AbortController();
    const commands: Command[] = [add(1), ['tally', 'spin']];
    const folding = run(taskOf(commands), controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 300);

    await expect(folding).rejects.toThrow('aborted');

    await runner.stop();
    const { snapshot } = await run(taskOf([add(1)]));
    expect(snapshot.lastIncluded.index).toBe(2);
  });

  test('leaves its draft to whoever ran the fold', async () => {
    const controller = new AbortController();
    const pieces = [entriesOf(1, [session(life('a'))]).buffer];
    const draft = { kind: 'file', path: join(directory, '1.draft') } as const;
    const log = { kind: 'memory', firstIndex: logIndex(1), lastIndex: logIndex(1), pieces } as const;
    const slow = [await resolveDefinition('slow', object(classes.SlowToSave), new ValueCodec())];
    const folding = run({ ...taskOf([]), objects: slow, log, draft }, controller.signal);
    folding.catch(() => {});
    await begun();

    controller.abort(new Error('enough'));
    await expect(folding).rejects.toThrow('aborted');
    await rm(draft.path);
    await new Promise((resolve) => void setTimeout(resolve, 100));

    expect(await readdir(directory)).toEqual([]);
  });

  test('when the runner is stopped, leaves nothing', async () => {
    await run(taskOf([add(1)]));

    await runner.stop();
    await runner.stop();

    await expect(run(taskOf([add(1)]), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
