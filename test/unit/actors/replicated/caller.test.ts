import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MethodName } from '../../../../src/actors/replicated/block-names.js';
import { ORDINARY_CALL, type Consistency } from '../../../../src/actors/replicated/call.js';
import type { Caller } from '../../../../src/actors/replicated/caller.js';
import type { NodeStatus } from '../../../../src/actors/replicated/caller-messages.js';
import type { MachineMessage } from '../../../../src/actors/replicated/machine-messages.js';
import type { ResultBlock } from '../../../../src/actors/replicated/results.js';
import { ConclaveError, toPlainError } from '../../../../src/errors.js';
import { logIndex, nodeId, sessionId, type SessionId } from '../../../../src/ids.js';
import { followerStatus } from '../../node/support/follower-status.js';
import { errorOf } from './error-of.js';
import { callerRig, TIMEOUT_MS, type CallerRig } from './support/caller-rig.js';

const write = new MethodName('journal', 'write');
const reads: Record<Consistency, MethodName> = {
  linearizable: new MethodName('journal', 'read'),
  lease: new MethodName('journal', 'read'),
  local: new MethodName('journal', 'read'),
};

describe('Caller', () => {
  let rig: CallerRig;
  let toRaft: CallerRig['toRaft'];
  let toMachine: MachineMessage[];
  let caller: Caller;
  let tell: CallerRig['tell'];

  beforeEach(async () => {
    rig = await callerRig(1);
    ({ toRaft, caller, tell } = rig);
    [toMachine] = rig.toMachines as [MachineMessage[]];
  });

  afterEach(() => rig.stop());

  const tellLeader = (leader: string | null): Promise<void> =>
    tell({
      ...followerStatus(),
      leader: leader === null ? null : nodeId(leader),
      hasQuorum: leader !== null,
    } satisfies NodeStatus);

  async function open(session: number): Promise<void> {
    await tellLeader('a:1');
    await tell({ type: 'sessionOpened', machine: 0, session: sessionId(session) });
  }

  const command = (line: string): ReturnType<CallerRig['made']> =>
    rig.made(caller.command(write, [line], ORDINARY_CALL));
  const query = (consistency: Consistency): ReturnType<CallerRig['made']> =>
    rig.made(caller.query(reads[consistency], [], consistency, ORDINARY_CALL));

  const submitted = (): (readonly [session: SessionId, firstSeq: number])[] =>
    toRaft.flatMap((message) => (message.type === 'submitBlock' ? [[message.session, message.firstSeq] as const] : []));

  const resultsOf = (session: number, id: number, numbers: number[]): ResultBlock => ({
    session: sessionId(session),
    id,
    count: numbers.length,
    numbers: new Float64Array(numbers),
    values: null,
    errors: null,
  });

  const answer = (session: number, id: number, numbers: number[], appliedIndex = 5): Promise<void> =>
    tell({
      type: 'commandResults',
      machine: 0,
      appliedIndex: logIndex(appliedIndex),
      blocks: [resultsOf(session, id, numbers)],
    });

  it('asks for a session at once, and sends commands only when it has one and knows a leader', async () => {
    expect(toRaft).toEqual([{ type: 'openSession' }]);
    await command('a');
    await tell({ type: 'sessionOpened', machine: 0, session: sessionId(4) });
    expect(submitted()).toEqual([]);

    await tellLeader('a:1');

    expect(submitted()).toEqual([[4, 1]]);
  });

  it('numbers the commands of a session, and settles each by its number', async () => {
    await open(4);
    const [a, b] = [await command('a'), await command('b')];

    await answer(4, 2, [20]);
    await answer(4, 1, [10]);

    expect(submitted()).toEqual([
      [4, 1],
      [4, 2],
    ]);
    await expect(a.outcome).resolves.toBe(10);
    await expect(b.outcome).resolves.toBe(20);
  });

  it('sends what consensus had no room for once there is some, and leaves no number out', async () => {
    await open(5);
    rig.fillRaft();
    const calls = [
      caller.command(write, ['a'], ORDINARY_CALL),
      caller.query(reads.linearizable, [], 'linearizable', ORDINARY_CALL),
    ];
    await nextTurn();
    await nextTurn();
    expect(submitted()).toEqual([]);

    await rig.simulation.runFor(TIMEOUT_MS / 2);
    await command('b');
    await tell({
      type: 'commandResults',
      machine: 0,
      appliedIndex: logIndex(6),
      blocks: [resultsOf(5, 1, [7]), resultsOf(5, 2, [8])],
    });

    expect(submitted()).toEqual([
      [5, 1],
      [5, 2],
    ]);
    await expect(calls[0]).resolves.toBe(7);
    expect(toRaft.filter(({ type }) => type === 'readBlock')).toHaveLength(1);
    calls[1]!.catch(() => {});
  });

  it('asks for a session once consensus has room to hear it', async () => {
    await open(5);
    rig.fillRaft();
    caller.receive({ type: 'sessionExpired', machine: 0, session: sessionId(5) });

    await rig.simulation.runFor(TIMEOUT_MS);

    expect(toRaft.filter(({ type }) => type === 'openSession')).toHaveLength(2);
  });

  it('tells its users that it has a session, once for each', async () => {
    let told = 0;
    caller.events.on('sessionOpened', () => told++);

    await open(4);
    await open(4);

    expect(told).toBe(1);
  });

  it('fails what was sent when its session has expired, asks for another one and goes on in that', async () => {
    await open(4);
    const a = await command('a');

    await tell({ type: 'sessionExpired', machine: 0, session: sessionId(4) });
    const b = await command('b');
    await open(9);
    await answer(4, 1, [666]);
    await answer(9, 1, [20]);

    await expect(a.outcome).rejects.toMatchObject({
      code: 'ERR_SESSION_EXPIRED',
      mayBeApplied: false,
      retrySafe: true,
    });
    await expect(b.outcome).resolves.toBe(20);
    expect(toRaft.filter(({ type }) => type === 'openSession')).toHaveLength(2);
    expect(submitted()).toEqual([
      [4, 1],
      [9, 1],
    ]);
  });

  it('sends what was told once more when its session has expired', async () => {
    await open(4);
    caller.tellCommand(write, ['a']);
    const b = await command('b');

    await tell({ type: 'sessionExpired', machine: 0, session: sessionId(4) });
    await open(9);
    const c = await command('c');
    await answer(9, 1, [10, 20]);
    await answer(9, 3, [30]);

    await expect(b.outcome).rejects.toMatchObject({ code: 'ERR_SESSION_EXPIRED' });
    await expect(c.outcome).resolves.toBe(30);
    expect(submitted()).toEqual([
      [4, 1],
      [9, 1],
      [9, 3],
    ]);
    expect(caller.pendingCommands).toBe(0);
  });

  it('is not taken in by objects that are fed the log again and tell of earlier sessions', async () => {
    await open(4);
    await tell({ type: 'sessionExpired', machine: 0, session: sessionId(4) });
    const a = await command('a');

    await tell({ type: 'sessionOpened', machine: 0, session: sessionId(4) });
    expect(submitted()).toEqual([]);
    await open(9);
    await tell({ type: 'sessionOpened', machine: 0, session: sessionId(4) });
    await tell({ type: 'sessionExpired', machine: 0, session: sessionId(4) });
    const b = await command('b');
    await answer(9, 1, [10]);
    await answer(9, 2, [20]);

    await expect(a.outcome).resolves.toBe(10);
    await expect(b.outcome).resolves.toBe(20);
    expect(submitted()).toEqual([
      [9, 1],
      [9, 2],
    ]);
  });

  it('is told what was applied while the objects were given a snapshot: those results are lost, no others', async () => {
    await open(4);
    const a = await command('a');
    const b = await command('b');

    await tell({ type: 'sessionRestored', machine: 0, index: logIndex(20), session: sessionId(4), nextSeq: 2 });
    await answer(4, 2, [20]);

    await expect(a.outcome).rejects.toMatchObject({ code: 'ERR_RESULT_LOST', mayBeApplied: true, retrySafe: false });
    await expect(b.outcome).resolves.toBe(20);
  });

  it('opens another session when its own is not in the snapshot that the objects were given', async () => {
    await open(4);
    const a = await command('a');

    await tell({ type: 'sessionRestored', machine: 0, index: logIndex(20), session: null, nextSeq: 1 });
    const b = await command('b');
    await open(21);
    await answer(21, 1, [20]);

    await expect(a.outcome).rejects.toMatchObject({ code: 'ERR_RESULT_LOST' });
    await expect(b.outcome).resolves.toBe(20);
    expect(toRaft.filter(({ type }) => type === 'openSession')).toHaveLength(2);
  });

  it('keeps its session when the snapshot is older than it', async () => {
    await open(30);
    const a = await command('a');

    await tell({ type: 'sessionRestored', machine: 0, index: logIndex(20), session: null, nextSeq: 1 });
    await answer(30, 1, [10]);

    await expect(a.outcome).resolves.toBe(10);
  });

  it('asks consensus about linearizable and lease queries, and the objects about local ones', async () => {
    await query('linearizable');
    await query('lease');
    await query('local');

    expect(toRaft.filter(({ type }) => type === 'readBlock')).toMatchObject([{ lease: false }, { lease: true }]);
    expect(toMachine).toMatchObject([{ type: 'runQueries', index: 0 }]);
  });

  it('settles queries of all kinds by their id', async () => {
    const queries = [await query('linearizable'), await query('lease'), await query('local'), await query('local')];
    const ids = [
      ...toRaft.flatMap((message) => (message.type === 'readBlock' ? [message.queryId] : [])),
      ...toMachine.flatMap((message) => (message.type === 'runQueries' ? [message.queryId] : [])),
    ];

    const blocks = ids.map((id) => resultsOf(0, id, [id])).toReversed();
    await tell({ type: 'queryResults', machine: 0, appliedIndex: logIndex(1), blocks });

    expect(new Set(ids).size).toBe(4);
    expect(await Promise.all(queries.map(({ outcome }) => outcome))).toEqual(ids);
  });

  it('never asks objects for less than an answer has shown already', async () => {
    await open(4);
    await command('a');
    await answer(4, 1, [1], 77);

    await query('local');

    expect(toMachine).toMatchObject([{ type: 'runQueries', index: 77 }]);
  });

  it('never asks objects for less than what changes has shown already, and begins no watch before', async () => {
    await tell({ type: 'watchedChanges', machine: 0, appliedIndex: logIndex(77), changes: [] });
    await query('local');
    const places = new Float64Array();
    const missed = { places, shapes: [], changes: new Uint8Array([0x90]) };
    await tell({
      type: 'watchBegun',
      machine: 0,
      watchId: 1,
      at: { index: 81, command: 0, change: 0 },
      missed,
      state: null,
    });

    const watch = caller.watch({ object: 'journal', key: undefined, from: null, read: null, signal: null });
    await rig.simulation.runFor(1);
    void watch.return();

    expect(toMachine.slice(0, 2)).toMatchObject([
      { type: 'runQueries', index: 77 },
      { type: 'watchChanges', index: 80 },
    ]);
  });

  it('fails queries for which no leader could be found, and no others', async () => {
    const [first, second] = [await query('linearizable'), await query('linearizable')];
    const [id] = toRaft.flatMap((message) => (message.type === 'readBlock' ? [message.queryId] : []));

    await tell({ type: 'queriesFailed', queryIds: [id!] });
    await tell({ type: 'queryResults', machine: 0, appliedIndex: logIndex(1), blocks: [resultsOf(0, id! + 3, [5])] });

    await expect(first.outcome).rejects.toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true });
    await expect(second.outcome).resolves.toBe(5);
  });

  it('holds queries back while there are no objects, fails those that were sent, and keeps commands', async () => {
    await open(4);
    const [a, sent] = [await command('a'), await query('local')];

    await tell({ type: 'machineLost', machine: 0, error: toPlainError(new Error('gone')) });
    const held = await query('local');
    expect(toMachine).toHaveLength(1);
    await tell({ type: 'machineBack', machine: 0 });
    expect(toMachine).toHaveLength(2);
    await answer(4, 1, [10]);
    const { queryId } = toMachine[1] as Extract<MachineMessage, { type: 'runQueries' }>;
    await tell({ type: 'queryResults', machine: 0, appliedIndex: logIndex(1), blocks: [resultsOf(0, queryId, [5])] });

    await expect(sent.outcome).rejects.toMatchObject({
      code: 'ERR_OBJECT_FAILED',
      mayBeApplied: false,
      retrySafe: true,
    });
    await expect(a.outcome).resolves.toBe(10);
    await expect(held.outcome).resolves.toBe(5);
  });

  it('times calls out a little after their time', async () => {
    await open(4);
    const [sent, read] = [await command('a'), await query('local')];
    await tellLeader(null);
    const [unsent, unled] = [await command('b'), await query('linearizable')];

    await rig.simulation.runFor(TIMEOUT_MS + 50);

    await expect(sent.outcome).rejects.toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: true });
    await expect(read.outcome).rejects.toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: false });
    await expect(unsent.outcome).rejects.toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false });
    await expect(unled.outcome).rejects.toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false });
  });

  it('looks at the clock for as long as anything waits, and no longer', async () => {
    await open(4);
    const isIdleBefore = !rig.simulation.step();
    const { outcome } = await command('a');
    outcome.catch(() => {});
    const isWatching = rig.simulation.step();

    await rig.simulation.runFor(TIMEOUT_MS + 50);

    await expect(outcome).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    expect([isIdleBefore, isWatching, rig.simulation.step()]).toEqual([true, true, false]);
  });

  it('settles everything when it is stopped, and refuses what comes later', async () => {
    await open(4);
    const [sent, read] = [await command('a'), await query('linearizable')];
    await tellLeader(null);
    const unsent = await command('b');

    caller.stop(new ConclaveError('ERR_OBJECT_FAILED', 'no more'));
    caller.stop(new ConclaveError('ERR_STOPPED', 'too late to matter'));

    await expect(sent.outcome).rejects.toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: true });
    await expect(read.outcome).rejects.toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: false });
    await expect(unsent.outcome).rejects.toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: false });
    const later = [
      () => caller.command(write, [1], ORDINARY_CALL),
      () => caller.query(reads.local, [], 'local', ORDINARY_CALL),
      () => caller.catchUp(ORDINARY_CALL),
      () => caller.tellCommand(write, [1]),
    ];
    for (const action of later) {
      expect(await errorOf(action)).toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: false });
    }
    expect(caller.pendingCommands).toBe(0);
  });

  it('catches up by a query that runs nothing', async () => {
    const done = caller.catchUp(ORDINARY_CALL);
    await rig.simulation.runFor(1);
    const [id] = toRaft.flatMap((message) => (message.type === 'readBlock' ? [message.queryId] : []));

    const blocks = [{ ...resultsOf(0, id!, []), count: 1, numbers: null }];
    await tell({ type: 'queryResults', machine: 0, appliedIndex: logIndex(1), blocks });

    await expect(done).resolves.toBeUndefined();
  });

  describe('that watches', () => {
    const request = { object: 'journal', key: undefined, from: null, read: null, signal: null };
    const nothing = { places: new Float64Array(0), shapes: [], changes: Uint8Array.of(0x90) };
    const ids = (type: 'watchChanges' | 'unwatchChanges'): number[] =>
      toMachine.flatMap((message) => (message.type === type ? [message.watchId] : []));
    const begin = (watchId: number): Promise<void> =>
      tell({
        type: 'watchBegun',
        machine: 0,
        watchId,
        at: { index: 6, command: 0, change: 0 },
        missed: nothing,
        state: null,
      });

    it('begins with nothing older than what its callers have seen', async () => {
      await open(4);
      await command('a');
      await answer(4, 1, [10], 5);

      caller.watch(request);
      await rig.simulation.runFor(1);

      expect(toMachine).toMatchObject([{ type: 'watchChanges', object: 'journal', index: 5, from: null }]);
    });

    it('has lost what changes while the objects are brought back, and asks once more for what has not begun', async () => {
      const watching = caller.watch(request);
      await rig.simulation.runFor(1);
      await begin(1);
      const beginning = caller.watch(request);
      await rig.simulation.runFor(1);

      await tell({ type: 'machineLost', machine: 0, error: toPlainError(new Error('it ended')) });
      await tell({ type: 'machineBack', machine: 0 });

      expect((await errorOf(() => watching.next())).code).toBe('ERR_CHANGES_LOST');
      expect([ids('watchChanges'), ids('unwatchChanges')]).toEqual([[1, 2, 3], [2]]);
      await begin(2);
      expect(beginning.hasBegun).toBe(false);
      await begin(3);
      expect(beginning.hasBegun).toBe(true);
    });

    it('has lost what was in a snapshot', async () => {
      const watching = caller.watch(request);
      await rig.simulation.runFor(1);
      await begin(1);

      await tell({ type: 'allChangesLost', machine: 0 });

      expect((await errorOf(() => watching.next())).code).toBe('ERR_CHANGES_LOST');
      await watching.return();
      expect(ids('unwatchChanges')).toEqual([]);
    });

    it('tells the objects when nobody watches any more, whether it has begun or not', async () => {
      const [watching, beginning] = [caller.watch(request), caller.watch(request)];
      await rig.simulation.runFor(1);
      await begin(1);

      await Promise.all([watching.return(), beginning.return()]);
      await rig.simulation.runFor(1);

      expect(ids('unwatchChanges')).toEqual([1, 2]);
    });

    it('ends when the caller is stopped', async () => {
      const watching = caller.watch(request);

      caller.stop(new ConclaveError('ERR_STOPPED', 'no more'));

      expect((await errorOf(() => watching.next())).code).toBe('ERR_STOPPED');
      expect((await errorOf(() => caller.watch(request).next())).code).toBe('ERR_STOPPED');
    });
  });
});
