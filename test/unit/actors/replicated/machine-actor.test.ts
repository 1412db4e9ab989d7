import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RaftActorMessage } from '../../../../src/actors/raft/raft-actor-messages.js';
import type { CallerMessage } from '../../../../src/actors/replicated/caller-messages.js';
import { machineActor } from '../../../../src/actors/replicated/machine-actor.js';
import { ALL_OBJECTS } from '../../../../src/actors/replicated/object-places.js';
import type { MachineMessage } from '../../../../src/actors/replicated/machine-messages.js';
import { resolveDefinition } from '../../../../src/actors/replicated/object-definition.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import type { SnapshotterMessage } from '../../../../src/actors/snapshotter/snapshotter-messages.js';
import { logIndex } from '../../../../src/ids.js';
import type { ActorAddress, ActorContext, ActorRef } from '../../../../src/runtime/actor.js';
import { mailboxFull } from '../../../../src/runtime/actor-errors.js';
import { tellOrDrop } from '../../../../src/runtime/tell-or-drop.js';
import type { SnapshotInfo } from '../../../../src/storage/snapshot-info.js';
import { recordingActor, simulatedSystem } from '../../runtime/inline-system.js';
import { Journal } from './fixtures/journal.js';
import { Telling } from './fixtures/telling.js';
import { errorOf } from './error-of.js';
import { ThrowsWhenMade } from './fixtures/accounts.js';
import { block, blockOf, entriesOf, life, noop, session, type Command, type EntryLike } from './support/blocks.js';

const codec = new ValueCodec();
/** In virtual time, which passes faster than modules are loaded. */
const LONG = { timeoutMs: 1_000_000_000 };
const address = (name: string) => ({ system: 'simulated', name });
const write = (line: string): Command => ['journal', 'write', line];

describe('MachineActor', () => {
  let rig: ReturnType<typeof simulatedSystem>;
  let machine: ActorRef<MachineMessage>;
  let toRaft: RaftActorMessage[];
  let toCaller: CallerMessage[];
  /** What the Snapshotter answers with, one after the other. */
  let snapshots: (SnapshotInfo | null)[];
  /** Does the mailbox of consensus hold another message? */
  let hasRoom: boolean;

  beforeEach(async () => {
    rig = simulatedSystem(7);
    toRaft = recordingActor(rig.system, 'raft');
    toCaller = recordingActor(rig.system, 'caller');
    snapshots = [];
    hasRoom = true;
    rig.system.spawn<SnapshotterMessage, void>({
      name: 'snapshotter',
      data: undefined,
      factory: () => ({ receive: (_message, reply) => reply.ok(snapshots.shift() ?? null) }),
    });
  });

  afterEach(() => rig.system.stop());

  async function start(definition: unknown = Journal, sessionsMax = 10, mailboxMax = 1_000): Promise<void> {
    const objects = [await resolveDefinition('journal', definition, codec)];
    const data = {
      objects,
      life: life('a'),
      classes: [],
      part: ALL_OBJECTS,
      sessionsMax,
      raft: address('raft'),
      caller: address('caller'),
      snapshotter: address('snapshotter'),
    };
    machine = rig.system.spawn<MachineMessage, typeof data>({
      name: 'machine',
      factory: (context, given) => machineActor(withRaft(context), given),
      data,
      mailboxMax,
    });
    await rig.simulation.runFor(1);
  }

  /** The same, but that consensus takes nothing while there is no room. */
  function withRaft(context: ActorContext<MachineMessage>): ActorContext<MachineMessage> {
    const { self, clock, random, logger } = context;
    return {
      self,
      clock,
      random,
      logger,
      ref: <Other>(to: ActorAddress): ActorRef<Other> => {
        const ref = context.ref<Other>(to);
        if (to.name !== 'raft') return ref;
        const tell = (message: Other): void => {
          if (!hasRoom) throw mailboxFull(to, 0);
          ref.tell(message);
        };
        return { address: to, tell, ask: (message, options) => ref.ask(message, options) };
      },
      spawn: (options) => context.spawn(options),
      watch: (ref, message) => context.watch(ref, message),
      after: (delayMs, message) => context.after(delayMs, message),
      every: (periodMs, message) => context.every(periodMs, message),
      stop: () => context.stop(),
    };
  }

  /** Modules are loaded in real time, whatever the simulation says. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await nextTurn();
      await rig.simulation.runFor(1);
    }
  }

  const isReady = (): boolean => toRaft.some(({ type }) => type === 'machineReady');

  async function startAndAsk(sessionsMax = 10): Promise<number> {
    await start(Journal, sessionsMax);
    const started = machine.ask({ type: 'start' }, LONG);
    await until(isReady);
    await started;
    return toRaft.find((message) => message.type === 'machineReady')!.machineId;
  }

  async function apply(machineId: number, firstIndex: number, ...entries: EntryLike[]): Promise<void> {
    machine.tell({ type: 'applyEntries', machineId, entries: entriesOf(firstIndex, entries).buffer });
    await rig.simulation.runFor(1);
  }

  function askQuery(queryId: number, index: number): void {
    const bytes = blockOf(0, queryId, [['journal', 'read']]);
    machine.tell({ type: 'runQueries', queryId, index: logIndex(index), block: bytes });
  }

  const answers = (): unknown[] =>
    toCaller.flatMap((message) =>
      message.type === 'queryResults'
        ? message.blocks.map(({ id, values }) => [id, ...(codec.decode(values!) as unknown[])])
        : [],
    );

  it('tells consensus when its objects are there, and whoever has asked', async () => {
    await startAndAsk();

    expect(toRaft.slice(0, 1)).toMatchObject([{ type: 'machineReady' }]);
    const again = machine.ask({ type: 'start' }, LONG);
    await rig.simulation.runFor(1);
    await expect(again).resolves.toBeUndefined();
  });

  it('applies entries, answers the caller, and tells consensus how far it is', async () => {
    const machineId = await startAndAsk();

    await apply(machineId, 1, session(life('a')), block(blockOf(1, 1, [write('a'), write('b')])));

    expect(toCaller).toMatchObject([
      { type: 'commandResults', appliedIndex: 2, blocks: [{ session: 1, id: 1, count: 2 }] },
      { type: 'sessionOpened', session: 1 },
    ]);
    expect(toRaft.at(-1)).toEqual({
      type: 'machineApplied',
      machine: 0,
      machineId,
      index: 2,
      session: 1,
      nextSeq: 3,
      gap: false,
      expired: null,
      codeVersion: 0,
    });
  });

  it('tells consensus how far it is, and of the gap that it has found, once there is room for that', async () => {
    const machineId = await startAndAsk();
    await rig.simulation.runFor(1);
    const before = toRaft.length;
    const told = (): RaftActorMessage[] => toRaft.slice(before);

    hasRoom = false;
    await apply(machineId, 1, session(life('a')), block(blockOf(1, 5, [write('late')])));
    expect(told()).toEqual([]);
    hasRoom = true;
    await rig.simulation.runFor(100);

    expect(told()).toMatchObject([{ index: 2, session: 1, nextSeq: 1, gap: true }]);
    expect(toCaller).toMatchObject([{ type: 'sessionOpened', session: 1 }]);
    await apply(machineId, 3, noop);
    expect(told().at(-1)).toMatchObject({ index: 3, gap: false });
    expect(rig.failures).toEqual([]);
  });

  it('comes to its objects, and goes on after they were hashed, though its mailbox was full when that was done', async () => {
    await start(Journal, 10, 8);
    const fill = async (): Promise<void> => {
      const filler = { type: 'unwatchChanges', watchId: 1 } as const;
      while (tellOrDrop(machine, filler));
      // Nothing of it is handled while only real time passes.
      for (let turns = 0; turns < 100; turns++) await nextTurn();
    };
    await fill();
    await until(isReady);
    const { machineId } = toRaft.find((message) => message.type === 'machineReady')!;

    const hashed = machine.ask({ type: 'hashState' }, LONG);
    await rig.simulation.runFor(0);
    await fill();
    await rig.simulation.runFor(10);
    await apply(machineId, 1, session(life('a')));

    expect(await hashed).toMatchObject({ index: 0 });
    expect(toRaft.at(-1)).toMatchObject({ type: 'machineApplied', index: 1 });
  });

  it('tells consensus that its objects are there once there is room for that', async () => {
    hasRoom = false;
    await start();
    let isLoaded = false;
    void machine.ask({ type: 'start' }, LONG).then(() => (isLoaded = true));
    await until(() => isLoaded || rig.failures.length > 0);
    hasRoom = true;
    await until(isReady);

    expect(toRaft.filter(({ type }) => type === 'machineReady')).toHaveLength(1);
    expect(rig.failures).toEqual([]);
  });

  it('runs a query once the state is as new as it must be, and not before', async () => {
    const machineId = await startAndAsk();
    await apply(machineId, 1, session(life('a')));

    askQuery(10, 1);
    askQuery(11, 2);
    await rig.simulation.runFor(1);
    expect(answers()).toEqual([[10, []]]);
    await apply(machineId, 2, block(blockOf(1, 1, [write('a')])));

    expect(answers()).toEqual([
      [10, []],
      [11, ['a']],
    ]);
  });

  it('keeps queries that come before its objects are loaded', async () => {
    await start();
    askQuery(1, 0);

    await until(isReady);
    await rig.simulation.runFor(1);

    expect(answers()).toEqual([[1, []]]);
  });

  it('ignores entries that were meant for the objects before', async () => {
    const machineId = await startAndAsk();

    await apply(machineId + 1, 40, block(blockOf(1, 1, [write('stale')])));
    await apply(machineId, 1, session(life('a')), block(blockOf(1, 1, [write('a')])));

    askQuery(1, 0);
    await rig.simulation.runFor(1);
    expect(answers()).toEqual([[1, ['a']]]);
    expect(rig.failures).toEqual([]);
  });

  it('reports a gap and an expiry once', async () => {
    const machineId = await startAndAsk(1);

    await apply(machineId, 1, session(life('a')), block(blockOf(1, 5, [write('too early')])));
    await apply(machineId, 3, session(life('b')), block(blockOf(1, 1, [write('expired')])));
    await apply(machineId, 5, session(life('c')));

    const applied = toRaft.filter((message) => message.type === 'machineApplied').filter(({ index }) => index > 0);
    expect(applied.map(({ index, gap, expired }) => [index, gap, expired])).toEqual([
      [2, true, null],
      [4, false, 1],
      [5, false, null],
    ]);
    expect(toCaller.filter(({ type }) => type === 'sessionExpired')).toEqual([
      { type: 'sessionExpired', machine: 0, session: 1 },
    ]);
  });

  it.each(['before', 'after'])(
    'says why its objects cannot be made, when it is asked %s that is known',
    async (when) => {
      await start(ThrowsWhenMade);
      if (when === 'after')
        for (let turns = 0; turns < 50; turns++) await nextTurn().then(() => rig.simulation.runFor(1));

      const error = errorOf(() => machine.ask({ type: 'start' }, LONG));
      await until(() => rig.failures.length > 0);

      expect(await error).toMatchObject({ code: 'ERR_INVALID_OBJECT' });
      expect(rig.failures).toMatchObject([{ code: 'ERR_INVALID_OBJECT' }]);
    },
  );

  describe('that is watched', () => {
    const watch = (watchId: number, object = 'journal', key?: string): void =>
      machine.tell({ type: 'watchChanges', watchId, object, key, from: null, index: logIndex(0), block: null });
    const batches = (): number[] =>
      toCaller.flatMap((message) =>
        message.type === 'watchedChanges'
          ? message.changes.map((news) => ('batch' in news ? news.batch.places.length / 3 : -1))
          : [],
      );
    const put = (count: number, length = 1): Command[] =>
      Array.from({ length: count }, () => ['journal', 'put', length]);

    it('tells what has changed once for each batch of messages, whoever watches', async () => {
      await startTelling();
      watch(1);
      watch(2);
      await rig.simulation.runFor(1);

      machine.tell({ type: 'applyEntries', machineId, entries: entriesOf(2, [block(blockOf(1, 1, put(2)))]).buffer });
      machine.tell({ type: 'applyEntries', machineId, entries: entriesOf(3, [block(blockOf(1, 3, put(3)))]).buffer });
      await rig.simulation.runFor(1);

      expect(batches()).toEqual([5]);
    });

    it('says so when there is no such object', async () => {
      await startTelling();

      watch(1, '.nothing.ReplMap');
      await rig.simulation.runFor(1);

      expect(toCaller.at(-1)).toMatchObject({
        type: 'watchRefused',
        watchId: 1,
        error: { code: 'ERR_NO_SUCH_OBJECT', data: { object: 'nothing', class: 'ReplMap' } },
      });
    });

    it('sends no more than so much to a caller that takes nothing, and goes on when it does', async () => {
      await startTelling();
      watch(1);
      await rig.simulation.runFor(1);
      const large = 4 * 1024 * 1024;
      let seq = 1;
      for (let index = 2; index <= 8; index++) await apply(machineId, index, block(blockOf(1, seq++, put(1, large))));
      const untaken = batches().length;

      machine.tell({ type: 'changesTaken', bytes: 20 * 1024 * 1024 });
      await rig.simulation.runFor(1);

      expect(untaken).toBe(4);
      expect(batches()).toEqual([1, 1, 1, 1, 3]);
    });

    it('tells one who began meanwhile nothing from before', async () => {
      await startTelling();
      watch(1);
      await rig.simulation.runFor(1);
      const large = 4 * 1024 * 1024;
      let seq = 1;
      for (let index = 2; index <= 6; index++) await apply(machineId, index, block(blockOf(1, seq++, put(1, large))));

      watch(2);
      await rig.simulation.runFor(1);

      expect(toCaller.at(-1)).toMatchObject({
        type: 'watchBegun',
        watchId: 2,
        at: { index: 7, command: 0, change: 0 },
      });
    });

    it('goes on recording for 30 s for one who comes back, and no longer', async () => {
      await startTelling();
      watch(1);
      await rig.simulation.runFor(1);
      machine.tell({ type: 'unwatchChanges', watchId: 1 });
      await rig.simulation.runFor(29_000);
      await apply(machineId, 2, block(blockOf(1, 1, put(1))));
      const kept = batches();

      await rig.simulation.runFor(2_000);
      await apply(machineId, 3, block(blockOf(1, 2, put(1))));

      expect([kept, batches()]).toEqual([[1], [1]]);
    });

    let machineId: number;
    async function startTelling(): Promise<void> {
      await start(Telling);
      const started = machine.ask({ type: 'start' }, LONG);
      await until(isReady);
      await started;
      machineId = toRaft.find((message) => message.type === 'machineReady')!.machineId;
      await apply(machineId, 1, session(life('a')));
    }
  });
});
