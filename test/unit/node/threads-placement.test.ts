/** The order in which a node with threads ends, without a thread. */

import { beforeEach, expect, test, vi } from 'vitest';
import type { NodeParts } from '../../../src/node/placement.js';
import { ThreadsPlacement } from '../../../src/node/threads-placement.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { threadExited } from '../../../src/runtime/actor-errors.js';
import type { ThreadHostOptions } from '../../../src/runtime/threads/thread-host.js';

const { ends, exits } = vi.hoisted(() => ({
  /** What has ended, in this order. */
  ends: [] as string[],
  /** By the name of a thread: ends it. */
  exits: new Map<string, (error: Error | undefined) => void>(),
}));

vi.mock('../../../src/runtime/threads/thread-host.js', () => ({
  ThreadHost: {
    start: async ({ name, onExit }: ThreadHostOptions) => {
      let isOver = false;
      const exit = (error: Error | undefined): void => {
        if (isOver) return;
        isOver = true;
        ends.push(name);
        onExit!({ error: error === undefined ? undefined : threadExited(name, error) });
      };
      exits.set(name, exit);
      return { name, spawn: async () => {}, stop: async () => exit(undefined) };
    },
  },
}));
vi.mock('../../../src/runtime/threads/link-threads.js', () => ({
  linkThread: async () => {},
  linkThreads: async () => {},
}));
vi.mock('../../../src/node/stored-state.js', () => ({
  recoverState: async () => null,
  closeState: async () => void ends.push('closed'),
}));

const failures: Error[] = [];

beforeEach(() => {
  ends.length = 0;
  failures.length = 0;
});

async function started(): Promise<ThreadsPlacement> {
  const placement = new ThreadsPlacement(
    { logger: silentLogger, workerUrl: null, placement: { threads: [null], places: new Map() } },
    { onFailure: (error) => failures.push(error), onMachineLost: () => {}, onMachineBack: () => {} },
  );
  await placement.start({
    consensus: { group: 0 },
    machines: [],
    snapshotter: {},
    logStore: {},
  } as unknown as NodeParts);
  return placement;
}

test('log and snapshots are closed when consensus has ended, and before their thread does', async () => {
  const placement = await started();

  await placement.stop();

  expect(ends).toEqual(['consensus', 'closed', 'storage']);
  expect(failures).toEqual([]);
});

test('log and snapshots are closed when consensus has failed', async () => {
  const placement = await started();

  exits.get('consensus')!(new Error('gone'));
  await placement.stop();

  expect(ends).toEqual(['consensus', 'closed', 'storage']);
  expect(failures).toHaveLength(1);
});

test('nobody is asked to close what has ended with its thread', async () => {
  const placement = await started();

  exits.get('storage')!(new Error('gone'));
  await placement.stop();

  expect(ends).toEqual(['storage', 'consensus']);
  expect(failures).toHaveLength(1);
});
