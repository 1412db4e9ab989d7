/**
 * One node of a cluster that holds the ready-made objects, in a process of its own. Those that hold many items hold
 * 10,000 before anything is measured, and never more than the calls in flight add. Started by bench/cluster, never by
 * hand.
 */

import { ConclaveError, object, type RemoteOf } from 'conclave';
import { ReplCounter, ReplList, ReplMap, ReplPriorityQueue, ReplQueue, ReplSet } from 'conclave/objects';
import { serveNode } from '../cluster/node-operations.js';
import { runClosedLoop, type LoadResult, type LoadSettings } from '../load/closed-loop.js';
import type { ObjectOperation } from './object-operation.js';

export interface ObjectLoadRequest extends LoadSettings {
  readonly operation: ObjectOperation;
}

export type ObjectBenchOperations = {
  readonly load: (request: ObjectLoadRequest) => Promise<LoadResult>;
  /** Something of each object that differs where commands were applied in another order. */
  readonly state: (argument: null) => Promise<readonly unknown[]>;
};

const ITEMS = 10_000;
const COUNTERS = 1_000;
/** Keys of ten characters. */
const KEYS = Array.from({ length: ITEMS }, (_, index) => `key${String(index).padStart(7, '0')}`);

const objects = {
  counter: ReplCounter,
  map: object(ReplMap<string, number>),
  list: object(ReplList<number>),
  set: object(ReplSet<string>),
  queue: object(ReplQueue<number>),
  priorityQueue: object(ReplPriorityQueue<number>),
};

serveNode(
  objects,
  (runtime): ObjectBenchOperations => {
    const { counter, map, list, set, queue, priorityQueue } = runtime.objects;
    let next = 0;

    const callOf = async (operation: ObjectOperation): Promise<() => Promise<unknown>> => {
      switch (operation) {
        case 'ReplCounter.add':
          return () => counter.add(1);
        case 'ReplCounter.add on each of 1,000': {
          const counters = await Promise.all(
            Array.from({ length: COUNTERS }, (_, index) => runtime.create(`counter${index}`, ReplCounter)),
          );
          return () => counters[next++ % COUNTERS]!.add(1);
        }
        case 'ReplMap.set':
          return () => map.set(KEYS[next++ % ITEMS]!, next);
        case 'ReplMap.set, 100 watch a key each':
          await Promise.all(range(100).map((watcher) => watchInOrder(map, KEYS[watcher * (ITEMS / 100)])));
          return () => map.set(KEYS[next++ % ITEMS]!, next);
        case 'ReplMap.set, 1 watches all':
        case 'ReplMap.set, 100 watch all':
          await Promise.all(range(operation === 'ReplMap.set, 100 watch all' ? 100 : 1).map(() => watchInOrder(map)));
          return () => map.set(KEYS[next++ % ITEMS]!, next);
        case 'ReplMap.set, 100 watch all, in batches':
          await Promise.all(range(100).map(() => watchInOrder(map, undefined, readBatches)));
          return () => map.set(KEYS[next++ % ITEMS]!, next);
        case 'ReplList.push, pop':
          await list.extend(KEYS.map((_, index) => index));
          return () => (next++ % 2 === 0 ? list.push(next) : list.pop());
        case 'ReplSet.add, delete':
          await set.update(KEYS);
          return () => {
            const key = KEYS[(next >> 1) % ITEMS]!;
            return next++ % 2 === 0 ? set.delete(key) : set.add(key);
          };
        case 'ReplQueue.put, take':
          await Promise.all(KEYS.map((_, index) => queue.put(index)));
          return () => (next++ % 2 === 0 ? queue.put(next) : queue.take());
        case 'ReplPriorityQueue.put, take':
          await Promise.all(KEYS.map((_, index) => priorityQueue.put(scattered(index))));
          return () => (next++ % 2 === 0 ? priorityQueue.put(scattered(next)) : priorityQueue.take());
      }
    };

    return {
      load: async (request) => runClosedLoop(await callOf(request.operation), request),
      state: () => {
        const local = { consistency: 'local' } as const;
        return Promise.all([
          counter.with(local).get(),
          map.with(local).entries(),
          list.with(local).values(),
          set.with(local).values(),
          queue.with(local).size(),
          queue.with(local).peek(),
          priorityQueue.with(local).size(),
          priorityQueue.with(local).peek(),
        ]);
      },
    };
  },
  { classes: { ReplCounter } },
);

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

type MapChanges = ReturnType<RemoteOf<ReplMap<string, number>>['watch']>;

/** Watches to the end of the process, on the thread that calls. A change that is not the next one is a failed run. */
async function watchInOrder(
  map: RemoteOf<ReplMap<string, number>>,
  key?: string,
  read: (changes: MapChanges) => Promise<void> = readEach,
): Promise<void> {
  const changes = map.watch(key);
  await changes.begun();
  read(changes).catch((error: unknown) => {
    if (!(error instanceof ConclaveError && error.code === 'ERR_STOPPED'))
      process.nextTick(() => {
        throw error;
      });
  });
}

async function readEach(changes: MapChanges): Promise<void> {
  let last = -Infinity;
  for await (const change of changes) {
    if (change.type !== 'set' || change.value <= last) throw new Error('A change is missing, or came twice.');
    last = change.value;
  }
}

async function readBatches(changes: MapChanges): Promise<void> {
  let last = -Infinity;
  for await (const batch of changes.batches()) {
    for (const change of batch) {
      if (change.type !== 'set' || change.value <= last) throw new Error('A change is missing, or came twice.');
      last = change.value;
    }
  }
}

/** Numbers up to two million, in no order that helps. */
function scattered(index: number): number {
  return Math.imul(index, 0x9e37_79b1) >>> 11;
}
