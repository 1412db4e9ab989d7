/**
 * One node of the rows about logs and snapshots, in a process of its own: fills its objects, calls them at a given
 * rate, compacts, and says how long its threads have been held up. Started by bench/cluster, never by hand.
 */

import { serveNode } from '../cluster/node-operations.js';
import { PacedLoad, type PacedSettings, type PhaseResult } from '../load/paced-load.js';
import { payloadsOf, Sink, type SinkState } from '../sink.js';
import { keyOf, Table, valueOf, type TableDigest, type ValueKind } from './table.js';
import { ThreadWatch, type ThreadStalls } from './thread-stalls.js';

export interface Values {
  readonly kind: ValueKind;
  /** Of each; a `text` has ten whatever this says. */
  readonly bytes: number;
}

export interface FillRequest {
  readonly entries: number;
  readonly values: Values;
}

export interface PacedRequest extends PacedSettings {
  /** The values of `keys` keys from `firstKey` on are overwritten, in turn. */
  readonly firstKey: number;
  readonly keys: number;
  readonly values: Values;
  readonly firstPhase: string;
}

export interface SingleEntriesRequest {
  /** How many the log is to have, of one command each but for a few. */
  readonly entries: number;
  readonly commandBytes: number;
}

export type StorageOperations = {
  readonly fill: (request: FillRequest) => Promise<void>;
  readonly startLoad: (request: PacedRequest) => void;
  readonly enterPhase: (name: string) => void;
  /** Told which phases are to be taken together as well, and under which names. */
  readonly finishLoad: (
    together: Readonly<Record<string, readonly string[]>>,
  ) => Promise<Readonly<Record<string, PhaseResult>>>;
  readonly writeSingly: (request: SingleEntriesRequest) => Promise<void>;
  /** Answers with how long it took, in milliseconds. */
  readonly compact: (argument: null) => Promise<number>;
  /** Answers with how long it took until it was a voter, in milliseconds. */
  readonly addMember: (address: string) => Promise<number>;
  readonly removeMember: (address: string) => Promise<void>;
  /** Since it was last asked. */
  readonly takeStalls: (argument: null) => Promise<ThreadStalls>;
  readonly digest: (argument: null) => Promise<TableDigest>;
  readonly state: (argument: null) => Promise<SinkState>;
};

/** A command that sets more keys than this would hold up all others noticeably. */
const FILL_BYTES_MAX = 256 * 1024;
const ENTRY_BYTES = 20;
/** As many blocks may be under way at once: a command in each. */
const SINGLE_WRITERS = 8;
const CHANGE_TIMEOUT_MS = 60_000;

const workerUrl = new URL('./watched-thread.js', import.meta.url);

serveNode(
  { table: Table, sink: Sink },
  (runtime): StorageOperations => {
    const { table, sink } = runtime.objects;
    const watch = new ThreadWatch();
    let load: PacedLoad | null = null;
    return {
      fill: async ({ entries, values: { kind, bytes } }) => {
        const step = Math.ceil(FILL_BYTES_MAX / (bytes + ENTRY_BYTES));
        for (let from = 0; from < entries; from += step) {
          await table.fill(from, Math.min(step, entries - from), kind, bytes);
        }
      },
      startLoad: ({ firstKey, keys, values: { kind, bytes }, firstPhase, ...settings }) => {
        const call = (index: number): Promise<void> =>
          table.set(keyOf(firstKey + scattered(index, keys)), valueOf(kind, keys + index, bytes));
        load = new PacedLoad(call, settings, firstPhase);
      },
      enterPhase: (name) => load!.enter(name),
      finishLoad: (together) => load!.finish(together),
      writeSingly: async ({ entries, commandBytes }) => {
        const payload = payloadsOf(commandBytes)[0]!;
        const writer = async (): Promise<void> => {
          while (runtime.status().lastIndex < entries) {
            // Calls of one turn share a block: each has a turn of its own.
            await new Promise((resolve) => setImmediate(resolve));
            await sink.put(payload);
          }
        };
        await Promise.all(Array.from({ length: SINGLE_WRITERS }, writer));
      },
      compact: async () => {
        const startedAt = performance.now();
        await runtime.compact();
        return performance.now() - startedAt;
      },
      addMember: async (address) => {
        const startedAt = performance.now();
        await runtime.members.add(address, { timeoutMs: CHANGE_TIMEOUT_MS });
        return performance.now() - startedAt;
      },
      removeMember: (address) => runtime.members.remove(address, { timeoutMs: CHANGE_TIMEOUT_MS }),
      takeStalls: () => watch.take(),
      digest: () => table.with({ consistency: 'local' }).digest(),
      state: () => sink.with({ consistency: 'local' }).state(),
    };
  },
  { workerUrl },
);

/** Visits all keys in turn, each next one far from the last: neighbours are not in one cache line, or chunk. */
function scattered(index: number, keys: number): number {
  return (index * 7_919) % keys;
}
