/**
 * A Caller whose objects are on two machines: what each keeps waiting, and what each has to say of the node's session.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MethodName } from '../../../../src/actors/replicated/block-names.js';
import { ORDINARY_CALL, type Consistency } from '../../../../src/actors/replicated/call.js';
import type { Caller } from '../../../../src/actors/replicated/caller.js';
import type { NodeStatus } from '../../../../src/actors/replicated/caller-messages.js';
import { ConclaveError, toPlainError } from '../../../../src/errors.js';
import { logIndex, nodeId, sessionId } from '../../../../src/ids.js';
import { readBlock } from './support/blocks.js';
import { callerRig, type CallerRig } from './support/caller-rig.js';

const OBJECTS = ['quick', 'slow'] as const;
const inc = OBJECTS.map((object) => new MethodName(object, 'inc')) as [MethodName, MethodName];
const get = OBJECTS.map((object) => new MethodName(object, 'get')) as [MethodName, MethodName];
const create = new MethodName('', 'create');

describe('a caller of objects on two machines', () => {
  let rig: CallerRig;
  let toRaft: CallerRig['toRaft'];
  let toMachines: CallerRig['toMachines'];
  let caller: Caller;
  let tell: CallerRig['tell'];
  let made: CallerRig['made'];

  beforeEach(async () => {
    rig = await callerRig(2, new Map([['slow', 1]]));
    ({ toRaft, toMachines, caller, tell, made } = rig);
    await tell({ type: 'nodeStatus', leader: nodeId('a:1'), codeVersion: 0 } as NodeStatus);
  });

  afterEach(() => rig.stop());

  const command = (machine: 0 | 1): ReturnType<CallerRig['made']> =>
    made(caller.command(inc[machine], [], ORDINARY_CALL));
  const query = (machine: 0 | 1, consistency: Consistency): ReturnType<CallerRig['made']> =>
    made(caller.query(get[machine], [], consistency, ORDINARY_CALL));

  const open = (machine: number, session: number): Promise<void> =>
    tell({ type: 'sessionOpened', machine, session: sessionId(session) });
  const expire = (machine: number, session: number): Promise<void> =>
    tell({ type: 'sessionExpired', machine, session: sessionId(session) });

  /** A block of one command is answered by this machine. */
  const answer = (machine: number, session: number, id: number, result: number, appliedIndex = 5): Promise<void> =>
    tell({
      type: 'commandResults',
      machine,
      appliedIndex: logIndex(appliedIndex),
      blocks: [
        { session: sessionId(session), id, count: 1, numbers: Float64Array.of(result), values: null, errors: null },
      ],
    });

  /** The session and the first sequence number of each block that was sent, and what it calls. */
  const sent = (): unknown[] =>
    toRaft.flatMap((message) =>
      message.type === 'submitBlock'
        ? [[message.session, message.firstSeq, readBlock(message.block).header.names.join()]]
        : [],
    );

  it('sends blocks that call one machine each, numbered as they leave', async () => {
    await open(0, 4);
    await open(1, 4);

    const calls = [0, 1, 0].map((machine) => caller.command(inc[machine]!, [], ORDINARY_CALL));
    await rig.simulation.runFor(1);
    await answer(1, 4, 3, 30);
    await tell({
      type: 'commandResults',
      machine: 0,
      appliedIndex: logIndex(5),
      blocks: [
        { session: sessionId(4), id: 1, count: 2, numbers: Float64Array.of(10, 11), values: null, errors: null },
      ],
    });

    expect(sent()).toEqual([
      [4, 1, 'quick.inc'],
      [4, 3, 'slow.inc'],
    ]);
    expect(await Promise.all(calls)).toEqual([10, 30, 11]);
  });

  it('goes on with one machine however long the other one keeps its calls waiting', async () => {
    await open(0, 4);
    await open(1, 4);
    for (let i = 0; i < 6; i++) await command(1);
    expect(sent()).toHaveLength(3);

    for (let i = 0; i < 6; i++) {
      const { outcome } = await command(0);
      await answer(0, 4, 4 + i, i);
      await expect(outcome).resolves.toBe(i);
    }
  });

  it('has objects created by the machine that they are to be on, in order with what is called on them', async () => {
    await open(0, 4);
    await open(1, 4);

    void made(caller.command(create, ['slow', 'ReplCounter', []], ORDINARY_CALL));
    void made(caller.command(new MethodName('.slow.ReplCounter', 'inc'), [], ORDINARY_CALL));
    await made(caller.command(create, ['other', 'ReplCounter', []], ORDINARY_CALL));

    expect(sent()).toEqual([
      [4, 1, '.create,.slow.ReplCounter.inc'],
      [4, 3, '.create'],
    ]);
  });

  it('waits for what a slow machine has to say of blocks before the end of the session', async () => {
    await open(0, 4);
    await open(1, 4);
    const [quick, slow] = [await command(0), await command(1)];

    await expire(0, 4);
    await open(0, 9);
    const [next, held] = [await command(0), await command(1)];
    // What the slow machine is to be asked next is not mixed up with what it was asked before.
    await answer(0, 9, 1, 20);
    await answer(1, 4, 2, 30);
    await expire(1, 4);
    await open(1, 9);
    await answer(1, 9, 2, 40);

    await expect(quick.outcome).rejects.toMatchObject({ code: 'ERR_SESSION_EXPIRED' });
    await expect(slow.outcome).resolves.toBe(30);
    await expect(next.outcome).resolves.toBe(20);
    await expect(held.outcome).resolves.toBe(40);
    expect(sent()).toEqual([
      [4, 1, 'quick.inc'],
      [4, 2, 'slow.inc'],
      [9, 1, 'quick.inc'],
      [9, 2, 'slow.inc'],
    ]);
    expect(toRaft.filter(({ type }) => type === 'openSession')).toHaveLength(2);
  });

  it('loses the results of the machine that was given a snapshot, and no others', async () => {
    await open(0, 4);
    await open(1, 4);
    const [quick, slow] = [await command(0), await command(1)];

    await tell({ type: 'sessionRestored', machine: 1, index: logIndex(20), session: sessionId(4), nextSeq: 3 });
    await answer(0, 4, 1, 10);

    await expect(slow.outcome).rejects.toMatchObject({ code: 'ERR_RESULT_LOST' });
    await expect(quick.outcome).resolves.toBe(10);
  });

  it('goes on in the session that a snapshot brings to the machine that had not come to the end of the last one', async () => {
    await open(0, 4);
    await open(1, 4);
    const lost = await command(1);
    await expire(0, 4);
    await open(0, 9);

    await tell({ type: 'sessionRestored', machine: 1, index: logIndex(20), session: sessionId(9), nextSeq: 1 });
    const next = await command(1);
    await answer(1, 9, 1, 30);

    await expect(lost.outcome).rejects.toMatchObject({ code: 'ERR_RESULT_LOST' });
    await expect(next.outcome).resolves.toBe(30);
    expect(sent()).toEqual([
      [4, 1, 'slow.inc'],
      [9, 1, 'slow.inc'],
    ]);
    expect(toRaft.filter(({ type }) => type === 'openSession')).toHaveLength(2);
  });

  it('asks each machine about its own objects, and none for less than the other one has shown', async () => {
    await open(0, 4);
    await open(1, 4);
    await command(0);
    await answer(0, 4, 1, 10, 77);

    const [quick, slow] = [await query(0, 'local'), await query(1, 'local')];
    await query(1, 'linearizable');
    const ids = toMachines.map(([message]) => (message as { queryId: number }).queryId);
    for (const machine of [1, 0]) {
      const block = { session: sessionId(0), id: ids[machine]!, count: 1, numbers: Float64Array.of(machine) };
      const blocks = [{ ...block, values: null, errors: null }];
      await tell({ type: 'queryResults', machine, appliedIndex: logIndex(77), blocks });
    }

    expect(toMachines).toMatchObject([[{ type: 'runQueries', index: 77 }], [{ type: 'runQueries', index: 77 }]]);
    expect(toRaft.at(-1)).toMatchObject({ type: 'readBlock', machine: 1 });
    expect(await Promise.all([quick.outcome, slow.outcome])).toEqual([0, 1]);
  });

  it('fails the queries, and ends the watches, of the machine that is lost only', async () => {
    await open(0, 4);
    const [quick, slow] = [await query(0, 'local'), await query(1, 'local')];
    const watches = OBJECTS.map((object) =>
      caller.watch({ object, key: undefined, from: null, read: null, signal: null }),
    );
    await rig.simulation.runFor(1);
    const missed = { places: new Float64Array(), shapes: [], changes: new Uint8Array([0x90]) };
    for (const machine of [0, 1]) {
      const at = { index: 6, command: 0, change: 0 };
      await tell({ type: 'watchBegun', machine, watchId: 1, at, missed, state: null });
    }

    await tell({ type: 'machineLost', machine: 1, error: toPlainError(new Error('gone')) });
    await query(1, 'local');
    await query(0, 'local');

    await expect(slow.outcome).rejects.toMatchObject({ code: 'ERR_OBJECT_FAILED' });
    await expect(watches[1]!.next()).rejects.toMatchObject({ code: 'ERR_CHANGES_LOST' });
    const isOpen = await Promise.race([watches[0]!.next().then(() => false), Promise.resolve(true)]);
    expect(isOpen).toBe(true);
    expect(toMachines.map((messages) => messages.filter(({ type }) => type === 'runQueries').length)).toEqual([2, 1]);
    caller.stop(new ConclaveError('ERR_STOPPED', 'over'));
    await expect(quick.outcome).rejects.toMatchObject({ code: 'ERR_STOPPED' });
  });

  it('has caught up, has a session, and a code version in force, when both machines have', async () => {
    let sessions = 0;
    caller.events.on('sessionOpened', () => sessions++);
    let isCaughtUp = false;
    void caller.catchUp(ORDINARY_CALL).then(() => (isCaughtUp = true));
    await rig.simulation.runFor(1);
    const ids = toRaft.flatMap((message) => (message.type === 'readBlock' ? [message.queryId] : []));
    const caughtUp = (machine: number): Promise<void> => {
      const block = { session: sessionId(0), id: ids[machine]!, count: 1, numbers: null, values: null, errors: null };
      return tell({ type: 'queryResults', machine, appliedIndex: logIndex(5), blocks: [block] });
    };

    await open(1, 4);
    await tell({ type: 'codeVersionRaised', machine: 1, codeVersion: 2 });
    await caughtUp(1);
    expect([sessions, caller.hadSession, caller.codeVersion, isCaughtUp]).toEqual([0, false, 0, false]);

    await open(0, 4);
    await tell({ type: 'codeVersionRaised', machine: 0, codeVersion: 2 });
    await caughtUp(0);
    expect([sessions, caller.hadSession, caller.codeVersion, isCaughtUp]).toEqual([1, true, 2, true]);
  });
});
