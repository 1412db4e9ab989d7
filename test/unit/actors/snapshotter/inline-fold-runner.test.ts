import { expect, test } from 'vitest';
import type { FoldTask } from '../../../../src/actors/snapshotter/fold.js';
import { InlineFoldRunner } from '../../../../src/actors/snapshotter/inline-fold-runner.js';
import { logIndex } from '../../../../src/ids.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { block, blockOf, entriesOf, life, session, type EntryLike } from '../replicated/support/blocks.js';
import { resolvedObjects, SESSIONS_MAX } from './support/random-history.js';

const objects = await resolvedObjects();
const BLOCKS = 60;

/** Many milliseconds of work. */
function longTask(): FoldTask {
  const blocks = Array.from({ length: BLOCKS }, (_, i): EntryLike => {
    const keys = Array.from({ length: 100 }, (__, k) => ['map', 'set', `key ${i} ${k}`, 'x'.repeat(50)] as const);
    return block(blockOf(1, 1 + 100 * i, keys));
  });
  const pieces = [entriesOf(1, [session(life('a')), ...blocks]).buffer];
  const log = { kind: 'memory', firstIndex: logIndex(1), lastIndex: logIndex(1 + BLOCKS), pieces } as const;
  return {
    objects,
    classes: [],
    sessionsMax: SESSIONS_MAX,
    previous: null,
    log,
    draft: { kind: 'memory' },
    isSynced: true,
  };
}

test('a fold lets others have their turn', async () => {
  const runner = new InlineFoldRunner(new SimulatedDisk(1));
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  turn();

  const { snapshot } = await runner.run(longTask(), {
    isUrgent: false,
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  isOver = true;

  expect(snapshot.lastIncluded.index).toBe(1 + BLOCKS);
  expect(turns).toBeGreaterThan(2);
});

test('a fold that is aborted ends at its next pause', async () => {
  const runner = new InlineFoldRunner(new SimulatedDisk(1));
  const controller = new AbortController();
  const told: number[] = [];
  const onProgress = (fraction: number): void => {
    told.push(fraction);
    controller.abort(new Error('enough'));
  };

  await expect(runner.run(longTask(), { isUrgent: false, signal: controller.signal, onProgress })).rejects.toThrow(
    'enough',
  );

  expect(told).toHaveLength(1);
  await runner.stop();
});
