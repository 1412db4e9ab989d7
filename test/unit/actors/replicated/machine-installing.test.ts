/**
 * Attacks on a machine whose place is taken by a snapshot: what is under way then, and what comes twice or too late.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi, type MockInstance } from 'vitest';
import type { RaftActorMessage } from '../../../../src/actors/raft/raft-actor-messages.js';
import type { CallerMessage } from '../../../../src/actors/replicated/caller-messages.js';
import { machineActor } from '../../../../src/actors/replicated/machine-actor.js';
import { MachineLoader } from '../../../../src/actors/replicated/machine-loader.js';
import { ALL_OBJECTS } from '../../../../src/actors/replicated/object-places.js';
import type { MachineMessage } from '../../../../src/actors/replicated/machine-messages.js';
import { resolveDefinition } from '../../../../src/actors/replicated/object-definition.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { fold } from '../../../../src/actors/snapshotter/fold.js';
import type { SnapshotterMessage } from '../../../../src/actors/snapshotter/snapshotter-messages.js';
import { logIndex } from '../../../../src/ids.js';
import type { ActorRef, Reply } from '../../../../src/runtime/actor.js';
import { NodeDisk } from '../../../../src/storage/node-disk.js';
import type { SnapshotInfo } from '../../../../src/storage/snapshot-info.js';
import { Journal } from './fixtures/journal.js';
import { block, blockOf, entriesOf, life, session, type Command, type EntryLike } from './support/blocks.js';
import { tellOrDrop } from '../../../../src/runtime/tell-or-drop.js';
import { simulatedSystem } from '../../runtime/inline-system.js';

/** How long loading may take, of the machine's time. */
const REAL_MS_MAX = 4_000;
const codec = new ValueCodec();
const disk = new NodeDisk({ isSynced: false });
const address = (name: string) => ({ system: 'simulated', name });
const write = (line: string): Command => ['journal', 'write', line];
/** The log: this node's session, then one block of one command each. */
const LOG: EntryLike[] = [session(life('a'))];
for (let seq = 1; seq <= 9; seq++) LOG.push(block(blockOf(1, seq, [write(`${seq}`)])));

describe('a machine that is given a snapshot', () => {
  let rig: ReturnType<typeof simulatedSystem>;
  let machine: ActorRef<MachineMessage>;
  let toRaft: RaftActorMessage[];
  let toCaller: CallerMessage[];
  /** Those who ask for the newest snapshot. */
  let asking: Reply[];
  let loading: MockInstance<MachineLoader['load']>;

  beforeEach(async () => {
    rig = simulatedSystem(7);
    toRaft = [];
    toCaller = [];
    asking = [];
    loading = vi.spyOn(MachineLoader.prototype, 'load');
    for (const [name, into] of [
      ['raft', toRaft],
      ['caller', toCaller],
    ] as const) {
      rig.system.spawn<unknown, void>({
        name,
        data: undefined,
        factory: () => ({ receive: (message) => void (into as unknown[]).push(message) }),
      });
    }
    rig.system.spawn<SnapshotterMessage, void>({
      name: 'snapshotter',
      data: undefined,
      factory: () => ({ receive: (_message, reply) => void asking.push(reply) }),
    });
    const data = {
      objects: [await resolveDefinition('journal', Journal, codec)],
      life: life('a'),
      classes: [],
      part: ALL_OBJECTS,
      sessionsMax: 10,
      raft: address('raft'),
      caller: address('caller'),
      snapshotter: address('snapshotter'),
    };
    machine = rig.system.spawn({ name: 'machine', factory: machineActor, data });
    await until(() => asking.length === 1);
  });

  afterEach(() => {
    loading.mockRestore();
    rig.system.stop();
  });

  /** Loading takes real time, whatever the simulation says. */
  async function until(condition: () => boolean): Promise<void> {
    for (const sinceMs = performance.now(); !condition();) {
      if (performance.now() > sinceMs + REAL_MS_MAX) throw new Error('that never came');
      await nextTurn();
      await rig.simulation.runFor(1);
    }
  }

  /** What is being loaded has been loaded, and nobody has heard of it yet. */
  async function settle(count: number): Promise<void> {
    for (const sinceMs = performance.now(); loading.mock.results.length < count;) {
      if (performance.now() > sinceMs + REAL_MS_MAX) throw new Error('that was never begun');
      await nextTurn();
    }
    await Promise.all(loading.mock.results.map(({ value }) => value as Promise<unknown>));
    await nextTurn();
  }

  async function snapshotAt(index: number): Promise<SnapshotInfo> {
    const { snapshot } = await fold(
      {
        objects: [await resolveDefinition('journal', Journal, codec)],
        classes: [],
        sessionsMax: 10,
        previous: null,
        log: {
          kind: 'memory',
          firstIndex: logIndex(1),
          lastIndex: logIndex(index),
          pieces: [entriesOf(1, LOG.slice(0, index)).buffer],
        },
        draft: { kind: 'memory' },
        isSynced: false,
      },
      { disk, pause: () => undefined, onProgress: () => {} },
    );
    return snapshot;
  }

  const readyIndexes = (): number[] =>
    toRaft.flatMap((message) => (message.type === 'machineReady' ? [message.snapshot?.lastIncluded.index ?? 0] : []));
  const currentMachine = (): number => toRaft.findLast((message) => message.type === 'machineReady')!.machineId;

  function apply(firstIndex: number, lastIndex: number): void {
    const entries = entriesOf(firstIndex, LOG.slice(firstIndex - 1, lastIndex)).buffer;
    machine.tell({ type: 'applyEntries', machineId: currentMachine(), entries });
  }

  const install = async (index: number): Promise<void> =>
    machine.tell({ type: 'installSnapshot', snapshot: await snapshotAt(index) });

  test('answers first what it has run itself: those results are not lost', async () => {
    asking.shift()!.ok(null);
    await until(() => readyIndexes().length === 1);
    apply(1, 1);
    await install(6);
    await rig.simulation.runFor(1);
    apply(2, 4);
    await settle(1);
    await rig.simulation.runFor(1);
    expect(readyIndexes()).toEqual([0, 6]);
    const said = toCaller.flatMap((message): unknown[] => {
      if (message.type === 'commandResults') return message.blocks.map(({ id }) => `result of ${id}`);
      return message.type === 'sessionRestored' ? [`restored to ${message.nextSeq}`] : [];
    });
    expect(said).toEqual(['result of 1', 'result of 2', 'result of 3', 'restored to 6']);
  });

  test('tells those who watch that they have lost what lies between, and begins for those who ask for something later', async () => {
    asking.shift()!.ok(null);
    await until(() => readyIndexes().length === 1);
    apply(1, 2);
    const watch = { type: 'watchChanges', object: 'journal', key: undefined, from: null, block: null } as const;
    machine.tell({ ...watch, watchId: 1, index: logIndex(2) });
    machine.tell({ ...watch, watchId: 2, index: logIndex(6) });

    await install(6);
    await until(() => readyIndexes().includes(6));
    await rig.simulation.runFor(1);

    const said = toCaller.flatMap((message): unknown[] => {
      if (message.type === 'watchBegun') return [[message.watchId, message.at.index]];
      return message.type === 'allChangesLost' ? ['lost'] : [];
    });
    expect(said).toEqual([[1, 3], 'lost', [2, 7]]);
  });

  test('is not taken for damaged when it was still loading an older one', async () => {
    await install(6);
    await until(() => readyIndexes().length === 1);
    asking.shift()!.ok(await snapshotAt(3));
    await rig.simulation.runFor(1);
    await settle(2);
    await rig.simulation.runFor(5);
    expect(rig.failures).toEqual([]);
    expect(readyIndexes()).toEqual([6]);
  });

  test('is loaded although, meanwhile, others have left no room in its mailbox', async () => {
    asking.shift()!.ok(null);
    await until(() => readyIndexes().length === 1);
    await install(6);
    await rig.simulation.runFor(0.1);
    expect(loading).toHaveBeenCalledOnce();
    while (tellOrDrop(machine, { type: 'changesTaken', bytes: 0 }));

    await settle(1);
    await until(() => readyIndexes().includes(6));

    expect(rig.failures).toEqual([]);
  });

  test('takes the next one as well that comes while it is being loaded', async () => {
    asking.shift()!.ok(null);
    await until(() => readyIndexes().length === 1);
    await install(4);
    await install(8);
    await until(() => readyIndexes().includes(8));
    expect(readyIndexes()).toEqual([0, 4, 8]);
  });

  test('says that the log does not reach back when it is the newest there is', async () => {
    asking.shift()!.ok(await snapshotAt(3));
    await until(() => readyIndexes().length === 1);
    machine.tell({ type: 'reload', machineId: currentMachine() });
    await until(() => asking.length === 1);
    asking.shift()!.ok(await snapshotAt(3));
    await until(() => rig.failures.length > 0);
    expect(rig.failures).toMatchObject([{ code: 'ERR_STORAGE_CORRUPT' }]);
  });

  test('is not taken for damaged when consensus, which did not know of it yet, has asked for a newer one than before', async () => {
    asking.shift()!.ok(await snapshotAt(3));
    await until(() => readyIndexes().length === 1);
    const before = currentMachine();
    await install(6);
    await until(() => readyIndexes().includes(6));

    machine.tell({ type: 'reload', machineId: before });
    await rig.simulation.runFor(5);
    for (const reply of asking) reply.ok(await snapshotAt(6));
    await rig.simulation.runFor(1);
    await Promise.all(loading.mock.results.map(({ value }) => value as Promise<unknown>));
    await nextTurn();
    await rig.simulation.runFor(5);

    expect(rig.failures).toEqual([]);
    expect(readyIndexes()).toEqual([3, 6]);
  });
});
