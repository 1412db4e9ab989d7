/** Every log store does what it must: in memory, and the write-ahead log on a simulated disk and on a real one. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RemoteLogStore } from '../../../../src/actors/log-store/remote-log-store.js';
import type { Store } from '../../../../src/actors/raft/effects.js';
import { MemoryLogStore } from '../../../../src/actors/raft/memory-log-store.js';
import type { GroupId } from '../../../../src/ids.js';
import type { Disk } from '../../../../src/storage/disk.js';
import { NodeDisk } from '../../../../src/storage/node-disk.js';
import {
  LOG_STORE_CASES,
  type LogStoreSubject,
  type OpenLogStore,
} from '../../../../src/testing/log-store-conformance.js';
import { EMPTY_LOG, type LogRequest } from '../../../../src/testing/log-store-model.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { DrivenLogStore } from './crash/driven-log-store.js';

/** So small that a few entries fill one, and so large that most cases have one only. */
const SEGMENT_BYTES = 4096;
const LARGE_SEGMENT_BYTES = 64 * 1024;

/** The requests of each group that were acknowledged, in that order. */
class Acknowledgements {
  readonly #lists = new Map<GroupId, number[]>();

  of(group: GroupId): number[] {
    let list = this.#lists.get(group);
    if (list === undefined) this.#lists.set(group, (list = []));
    return list;
  }
}

function openMemory(): OpenLogStore {
  const store = new MemoryLogStore();
  const acknowledgements = new Acknowledgements();
  let made = 0;
  return {
    recover: () => Promise.resolve({ hardState: null, base: EMPTY_LOG.base, pieces: [] }),
    store: (group, request) => {
      const number = ++made;
      store.store(effectOf(request), () => acknowledgements.of(group).push(number));
    },
    drop: () => {},
    acknowledged: (group) => Promise.resolve(acknowledgements.of(group)),
    close: () => Promise.resolve(),
  };
}

/** The whole way from the core's door to the disk. */
function openWal(disk: Disk, directory: string, segmentBytes: number): OpenLogStore {
  const acknowledgements = new Acknowledgements();
  const doors = new Map<GroupId, RemoteLogStore>();
  const onAcknowledged = (group: GroupId, request: number): void => doors.get(group)!.onStored(request);
  const store = new DrivenLogStore({ disk, segmentBytes, directory, onAcknowledged });
  const made = new Map<GroupId, number>();
  return {
    recover: (group, snapshots) => {
      doors.set(group, new RemoteLogStore(store.ref(group), group));
      return Promise.resolve(store.recover(group, snapshots));
    },
    store: (group, request) => {
      const number = (made.get(group) ?? 0) + 1;
      made.set(group, number);
      doors.get(group)!.store(effectOf(request), () => acknowledgements.of(group).push(number));
    },
    drop: (group, index) => store.drop(group, index),
    acknowledged: (group) => {
      store.turn();
      return Promise.resolve(acknowledgements.of(group));
    },
    close: () => Promise.resolve(store.close()),
  };
}

function effectOf({ hardState, reset, append }: LogRequest): Store {
  const entries = append === null ? null : { ...append, entries: new Uint8Array(append.entries) };
  return { type: 'store', hardState, reset, append: entries, then: [] };
}

describe('MemoryLogStore', () => {
  const subject: LogStoreSubject = { open: () => Promise.resolve(openMemory()) };

  test.each(LOG_STORE_CASES.filter(({ needsDurability }) => !needsDurability))('$name', ({ run }) => run(subject));
});

describe('the write-ahead log on a simulated disk', () => {
  test.each(LOG_STORE_CASES)('$name', async ({ run }) => {
    const disk = new SimulatedDisk(1);

    await run({ open: () => Promise.resolve(openWal(disk, '/data/log', SEGMENT_BYTES)) });

    expect(disk.openFiles).toBe(0);
  });

  test.each(LOG_STORE_CASES)('$name, when the power goes at each closing', async ({ run }) => {
    let disk: SimulatedDisk | null = null;
    let seed = 0;

    await run({
      open: () => {
        disk = disk === null ? new SimulatedDisk(1) : disk.afterPowerLoss(++seed);
        return Promise.resolve(openWal(disk, '/data/log', SEGMENT_BYTES));
      },
    });
  });
});

describe('the write-ahead log on a real disk', () => {
  let parent: string;
  beforeAll(() => void (parent = mkdtempSync(join(tmpdir(), 'conclave-log-'))));
  afterAll(() => rmSync(parent, { recursive: true }));

  test.each(LOG_STORE_CASES)('$name', async ({ run }) => {
    const directory = join(mkdtempSync(join(parent, 'case-')), 'log');

    await run({ open: () => Promise.resolve(openWal(new NodeDisk(), directory, LARGE_SEGMENT_BYTES)) });
  });
});
