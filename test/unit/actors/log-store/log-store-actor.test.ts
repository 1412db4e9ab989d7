/**
 * The log store as its neighbours see it: what it is told, what it tells, and what becomes of it when the disk refuses.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logStoreActor, logStoreActorOn } from '../../../../src/actors/log-store/log-store-actor.js';
import type {
  LogStoreFigures,
  LogStoreMessage,
  RecoveredLog,
} from '../../../../src/actors/log-store/log-store-messages.js';
import type { LogStored } from '../../../../src/actors/raft/raft-actor-messages.js';
import { groupId, nodeId, term, type LastIncluded } from '../../../../src/ids.js';
import { ConclaveError } from '../../../../src/errors.js';
import type { Actor, ActorContext, ActorRef } from '../../../../src/runtime/actor.js';
import { ActorSystem } from '../../../../src/runtime/actor-system.js';
import { silentLogger, type Logger } from '../../../../src/runtime/logger.js';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { SimulationScheduler } from '../../../../src/runtime/simulation-scheduler.js';
import { appendRequest, modelEntry, modelSnapshot, type LogRequest } from '../../../../src/testing/log-store-model.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { corrupt, describeEntries, DIRECTORY, GROUP, HEADER_BYTES, overwrite, path } from './support/wal.js';

const SECOND = { timeoutMs: 1000 };
const OTHER = groupId(9);
const NOTHING: LogRequest = { hardState: null, reset: null, append: null };

let disk: SimulatedDisk;
let simulation: SimulationScheduler;
let system: ActorSystem;
let failures: Error[];
let warnings: { details: object; message: string }[];
let store: ActorRef<LogStoreMessage>;
/** What each raft actor was told. */
let told: Map<string, LogStored[]>;
let requests: Map<number, number>;

beforeEach(() => {
  disk = new SimulatedDisk(1);
  warnings = [];
  start();
});

afterEach(() => system.stop());

function start(segmentBytes = 4096): void {
  simulation = new SimulationScheduler(1);
  failures = [];
  told = new Map();
  requests = new Map();
  const warn: Logger['warn'] = (details, message) => void warnings.push({ details, message });
  system = new ActorSystem({
    name: 'simulated',
    scheduler: simulation,
    clock: simulation,
    random: new SeededRandom(disk.operations),
    logger: { ...silentLogger, warn },
    onFailure: (error) => failures.push(error),
  });
  store = system.spawn({ name: 'log', factory: logStoreActorOn(disk), data: { directory: DIRECTORY, segmentBytes } });
}

function recordRaft(name: string): void {
  const list: LogStored[] = [];
  told.set(name, list);
  system.spawn<LogStored, void>({
    name,
    data: undefined,
    factory: () => ({ receive: (message) => void list.push(message) }),
  });
}

async function recover(snapshots: LastIncluded | readonly LastIncluded[] = [], group = GROUP): Promise<RecoveredLog> {
  const name = `raft-${group}`;
  recordRaft(name);
  const answer = store.ask<RecoveredLog>(
    {
      type: 'recoverLog',
      group,
      snapshots: Array.isArray(snapshots) ? snapshots : [snapshots],
      raft: { system: 'simulated', name },
    },
    SECOND,
  );
  answer.catch(() => {});
  await simulation.runFor(1);
  return answer;
}

async function restart(snapshots: LastIncluded | readonly LastIncluded[] = []): Promise<RecoveredLog> {
  system.stop();
  start();
  return recover(snapshots);
}

/** Makes a request without giving the store a turn. */
function request(what: Partial<LogRequest>, group = GROUP): void {
  const number = (requests.get(group) ?? 0) + 1;
  requests.set(group, number);
  store.tell({ type: 'storeLog', group, request: number, ...NOTHING, ...what });
}

const entries = (first: number, last: number, inTerm = 1, bytes = 10): LogRequest =>
  appendRequest(
    first,
    Array.from({ length: last - first + 1 }, (_, i) => modelEntry(first + i, inTerm, bytes)),
  );

const found = ({ pieces }: RecoveredLog): string[] => describeEntries(pieces.map((piece) => new Uint8Array(piece)));

describe('storing', () => {
  test('of nothing is acknowledged, in its place', async () => {
    await recover();
    request(NOTHING);
    await simulation.runFor(1);
    request(entries(1, 1));
    request(NOTHING);
    await simulation.runFor(1);

    expect(told.get('raft-0')).toEqual([
      { type: 'logStored', request: 1 },
      { type: 'logStored', request: 3 },
    ]);
  });

  test('goes on in new segments, and those that are dropped are removed', async () => {
    await recover();
    for (let i = 1; i <= 40; i++) {
      request(entries(i, i, 1, 500));
      await simulation.runFor(1);
    }
    expect(disk.list(DIRECTORY).length).toBeGreaterThan(5);

    store.tell({ type: 'dropLog', group: GROUP, index: modelSnapshot(40, 1).index });
    await simulation.runFor(1);

    expect(disk.list(DIRECTORY).filter((name) => name.endsWith('.wal'))).toHaveLength(1);
    expect(found(await restart(modelSnapshot(40, 1)))).toEqual([]);
  });
});

describe('one turn', () => {
  const reply = { ok: () => {}, fail: (error: Error) => expect.unreachable(error.message) };
  let isFull: boolean;
  let acknowledged: [string, number][];
  let later: LogStoreMessage[];
  let actor: Actor<LogStoreMessage>;

  beforeEach(() => {
    isFull = false;
    acknowledged = [];
    later = [];
    const unused = (): never => expect.unreachable('the log store has no use for this');
    const raft = (name: string) => (message: unknown) => {
      if (isFull) throw new ConclaveError('ERR_MAILBOX_FULL', 'full');
      acknowledged.push([name, (message as LogStored).request]);
    };
    const context: ActorContext<LogStoreMessage> = {
      self: { address: { system: 'test', name: 'log' }, tell: () => {}, ask: unused },
      clock: simulation,
      random: new SeededRandom(1),
      logger: silentLogger,
      ref: (address) => ({ address, tell: raft(address.name), ask: unused }),
      spawn: unused,
      watch: unused,
      after: (_, message) => {
        later.push(message);
        return { cancel: unused };
      },
      every: unused,
      stop: unused,
    };
    actor = logStoreActorOn(disk)(context, { directory: DIRECTORY, segmentBytes: 4096 });
    for (const group of [GROUP, OTHER]) {
      receive({ type: 'recoverLog', group, snapshots: [], raft: { system: 'test', name: `${group}` } });
    }
  });

  afterEach(() => actor.stopped?.());

  const receive = (message: LogStoreMessage): void => actor.receive(message, reply);
  const storeLog = (number: number, what: Partial<LogRequest>, group = GROUP): void =>
    receive({ type: 'storeLog', group, request: number, ...NOTHING, ...what });

  test('is one write and one sync for all that came in it, and one acknowledgement for each group', () => {
    for (let i = 1; i <= 5; i++) storeLog(i, entries(i, i));
    storeLog(1, entries(1, 2), OTHER);
    storeLog(2, { hardState: { term: term(1), votedFor: null } }, OTHER);
    const before = disk.operations;

    actor.drained?.();

    expect(disk.operations - before).toBe(2);
    expect(acknowledged).toEqual([
      ['0', 5],
      ['9', 2],
    ]);
  });

  test('acknowledges later to one whose mailbox is full', () => {
    isFull = true;
    storeLog(1, entries(1, 1));
    actor.drained?.();
    storeLog(2, entries(2, 2));
    actor.drained?.();
    expect([acknowledged, later.length]).toEqual([[], 1]);

    receive(later.shift()!);
    isFull = false;
    // Asked for, and not durable when the others are told.
    storeLog(3, entries(3, 3));
    receive(later.shift()!);

    expect(acknowledged).toEqual([['0', 2]]);
    expect(later).toEqual([]);
  });
});

describe('recovery', () => {
  test('of nothing finds nothing, and makes the directory', async () => {
    expect(await recover()).toEqual({ hardState: null, base: { index: 0, term: 0, timestampMs: 0 }, pieces: [] });
    expect(disk.exists(DIRECTORY)).toBe(true);
  });

  test('finds what was acknowledged: entries behind the snapshot, and the hard state', async () => {
    await recover();
    request({ ...entries(1, 10), hardState: { term: term(3), votedFor: nodeId('a:1') } });
    await simulation.runFor(1);

    const log = await restart(modelSnapshot(4, 1));

    expect(log.hardState).toEqual({ term: 3, votedFor: 'a:1' });
    expect(log.base).toEqual(modelSnapshot(4, 1));
    expect(found(log)).toEqual(['1:5', '1:6', '1:7', '1:8', '1:9', '1:10']);
  });

  test('goes on where the log ends with the snapshot', async () => {
    await recover();
    request(entries(1, 10));
    await simulation.runFor(1);

    expect(found(await restart(modelSnapshot(10, 1)))).toEqual([]);
    request(entries(11, 12));
    await simulation.runFor(1);

    expect(found(await restart(modelSnapshot(10, 1)))).toEqual(['1:11', '1:12']);
  });

  test.each([
    ['ends before it', 20, 2],
    ['has another term there', 7, 2],
  ])('takes the snapshot instead of a log that %s', async (_, index, snapshotTerm) => {
    await recover();
    request({ ...entries(1, 10), hardState: { term: term(3), votedFor: null } });
    await simulation.runFor(1);
    const snapshot = modelSnapshot(index, snapshotTerm);

    const log = await restart(snapshot);
    expect(log).toEqual({ hardState: { term: 3, votedFor: null }, base: snapshot, pieces: [] });
    request(entries(index + 1, index + 2, 3));
    await simulation.runFor(1);

    expect(found(await restart(snapshot))).toEqual([`3:${index + 1}`, `3:${index + 2}`]);
  });

  test('refuses a log that is not connected to the snapshot', async () => {
    await recover();
    request({ ...entries(21, 22), reset: modelSnapshot(20, 1) });
    await simulation.runFor(1);
    const before = disk.files();

    await expect(restart(modelSnapshot(19, 1))).rejects.toEqual(corrupt(DIRECTORY));
    await expect(restart()).rejects.toEqual(corrupt(DIRECTORY));

    expect(disk.files()).toEqual(before);
    expect(failures).toMatchObject([{ code: 'ERR_STORAGE_CORRUPT' }]);
    expect(found(await restart(modelSnapshot(20, 1)))).toEqual(['1:21', '1:22']);
  });

  test('goes on behind the oldest snapshot that it is connected to', async () => {
    await recover();
    request(entries(1, 5));
    request({ ...entries(21, 22), reset: modelSnapshot(20, 1) });
    await simulation.runFor(1);

    const log = await restart([modelSnapshot(21, 1), modelSnapshot(20, 1), modelSnapshot(4, 1)]);

    expect(log.base).toEqual(modelSnapshot(20, 1));
    expect(found(log)).toEqual(['1:21', '1:22']);
  });

  test('warns of what it has cut off', async () => {
    await recover();
    request(entries(1, 1));
    await simulation.runFor(1);
    system.stop();
    overwrite(disk, path(1), HEADER_BYTES + 112, Uint8Array.of(0, 0, 0, 9));

    const log = await restart();

    expect(found(log)).toEqual(['1:1']);
    expect(warnings).toEqual([
      {
        details: { path: path(1), offset: HEADER_BYTES + 112, bytes: 56 },
        message: expect.stringContaining('cut off'),
      },
    ]);
  });

  test('that the disk refuses is told to whoever asks, and ends the system', async () => {
    disk.failAt(disk.operations + 3, 'ENOSPC');

    await expect(recover()).rejects.toMatchObject({ code: 'ERR_STORAGE', data: { errno: 'ENOSPC' } });

    expect(failures).toMatchObject([{ code: 'ERR_STORAGE' }]);
    expect(disk.openFiles).toBe(0);
  });
});

describe('what the disk refuses', () => {
  test.each([1, 2])('is acknowledged to nobody, and ends the system: operation %i', async (operation) => {
    await recover();
    request(entries(1, 1));
    disk.failAt(disk.operations + operation, 'EIO');

    await simulation.runFor(100);

    expect(failures).toMatchObject([{ code: 'ERR_STORAGE', data: { errno: 'EIO' } }]);
    expect(told.get('raft-0')).toEqual([]);
    expect(disk.openFiles).toBe(0);
  });
});

test('what is measured is the files of the log, also where it is a file system of its own', async () => {
  await recover();
  disk.makeDirectory(`${DIRECTORY}/lost+found`);
  const measured = store.ask<LogStoreFigures>({ type: 'measure' }, SECOND);
  await simulation.runFor(1);

  expect(await measured).toEqual({ bytes: disk.files().get(path(1))!.length });
});

describe('closing', () => {
  test('makes durable what was told before, says so, and closes the files', async () => {
    await recover();
    request(entries(1, 3));
    const closed = store.ask({ type: 'closeLog' }, SECOND);
    await simulation.runFor(1);

    await closed;
    expect(told.get('raft-0')).toEqual([{ type: 'logStored', request: 1 }]);
    expect(disk.openFiles).toBe(0);
    expect(found(await restart())).toEqual(['1:1', '1:2', '1:3']);
  });

  test('comes before all that follows: it is neither stored nor acknowledged', async () => {
    await recover();
    const closed = store.ask({ type: 'closeLog' }, SECOND);
    request(entries(1, 1));
    request(entries(2, 2));
    store.tell({ type: 'dropLog', group: GROUP, index: modelSnapshot(1, 1).index });
    await simulation.runFor(100);

    await closed;
    expect(failures).toEqual([]);
    expect(told.get('raft-0')).toEqual([]);
    expect(found(await restart())).toEqual([]);
  });

  test('of a log that was never recovered is in order', async () => {
    const closed = store.ask({ type: 'closeLog' }, SECOND);
    await simulation.runFor(1);

    await expect(closed).resolves.toBeUndefined();
  });
});

test.each([true, false])('on the real disk it is the same, fsync: %s', async (fsync) => {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-log-'));
  const spawn = (name: string): void => {
    store = system.spawn({ name, factory: logStoreActor, data: { directory, segmentBytes: 65_536, fsync } });
  };
  spawn('first');
  await recover();
  request(entries(1, 3));
  await simulation.runFor(1);
  const closed = store.ask({ type: 'closeLog' }, SECOND);
  await simulation.runFor(1);
  await closed;

  system.stop();
  start();
  spawn('second');

  expect(found(await recover())).toEqual(['1:1', '1:2', '1:3']);
  expect(readdirSync(directory)).toHaveLength(2);
  system.stop();
  rmSync(directory, { recursive: true });
});
