/**
 * A follower that fetches a snapshot slowly, from a leader that takes one after the other, comes to the end all the
 * same.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MachineFeeds } from '../../../../src/actors/raft/machine-feeds.js';
import type { InstallSnapshot } from '../../../../src/actors/raft/messages.js';
import { SnapshotDesk } from '../../../../src/actors/raft/snapshot-desk.js';
import type { StoredLog } from '../../../../src/actors/raft/stored-log.js';
import type { MachineMessage } from '../../../../src/actors/replicated/machine-messages.js';
import { logIndex, type NodeId } from '../../../../src/ids.js';
import type { Transport } from '../../../../src/net/transport.js';
import type { ActorRef } from '../../../../src/runtime/actor.js';
import { A, B, C, HEARTBEAT_MS, MAX_MS, Subject } from '../raft/roles/fixture.js';
import { LossyNetwork, NO_FAULTS } from './support/lossy-network.js';
import type { SnapshotterRig } from './support/snapshotter-rig.js';

const STATE_BYTES = 1_400_000;
const ENTRIES = 3_000;

let network: LossyNetwork;
let leader: SnapshotterRig;
let follower: SnapshotterRig;
let subject: Subject;
let desk: SnapshotDesk;
let announced: number;

beforeEach(async () => {
  network = new LossyNetwork(1);
  leader = await network.join(A);
  follower = await network.join(C);
  await follower.applied(0);
  announced = 0;
  subject = new Subject({ log: Array.from({ length: ENTRIES }, () => 1) }).elect();
  acknowledged();
  subject.local({ type: 'applied', index: logIndex(ENTRIES) });
  const feeds = new MachineFeeds([{} as ActorRef<MachineMessage>], 1);
  const lastIncluded = { index: logIndex(ENTRIES), term: subject.core.term, timestampMs: 0 };
  const snapshot = { lastIncluded, configuration: null };
  feeds.start({ type: 'machineReady', machine: 0, machineId: 1, snapshot, session: null, nextSeq: 1 });
  const send = (_to: NodeId, message: InstallSnapshot): void => offered(message);
  const transport = { isConnected: () => true, send } as unknown as Transport;
  desk = new SnapshotDesk(subject.core, feeds, {} as StoredLog, transport, leader.snapshotter, null);
});

afterEach(() => network.stop());

/** `b` has everything, so the leader goes on leading. */
function acknowledged(): void {
  subject.peer(subject.ack(B, subject.core.log.lastIndex));
  subject.flush();
}

/** The follower's consensus hears the offer. */
function offered(message: InstallSnapshot): void {
  const { lastIncludedIndex: index, lastIncludedTerm: term, lastIncludedTimestampMs: timestampMs } = message;
  const { snapshotId, snapshotBytes } = message;
  const lastIncluded = { index, term, timestampMs };
  follower.snapshotter.tell({ type: 'fetchSnapshot', from: A, lastIncluded, snapshotId, snapshotBytes });
}

/** The leader takes a snapshot of so much. */
async function taken(index: number): Promise<void> {
  await leader.taken(index, STATE_BYTES);
  hear();
}

/** The leader's consensus hears of snapshots. */
function hear(): void {
  for (const each of leader.announced.slice(announced)) desk.taken(each);
  announced = leader.announced.length;
}

/** One heartbeat passes. */
async function heartbeat(isOffered = true): Promise<void> {
  subject.tick(HEARTBEAT_MS);
  subject.flush();
  acknowledged();
  desk.dropLog();
  const { round } = subject.leader;
  if (isOffered) desk.offer({ type: 'sendSnapshot', to: C, session: 1, round, term: subject.core.term });
  await network.simulation.runFor(HEARTBEAT_MS);
}

const toInstall = (): (number | undefined)[] =>
  follower.toMachine.map((message) =>
    message.type === 'installSnapshot' ? message.snapshot.lastIncluded.index : undefined,
  );

describe('a slow follower of a leader that takes one snapshot after the other', () => {
  /** Snapshots are taken, much faster than one is fetched, until the first one has been. */
  async function fetchFirst(): Promise<number> {
    network.faults = { ...NO_FAULTS, delayMsMax: 80 };
    await taken(100);
    await heartbeat();
    let index = 100;
    while (toInstall().length === 0 && index < ENTRIES) {
      await taken((index += 100));
      expect(leader.files.length).toBeLessThanOrEqual(3);
      await heartbeat();
    }
    return index;
  }

  test('is given the one that it began with, from its beginning to its end, and once', async () => {
    const newest = await fetchFirst();

    expect(toInstall()).toEqual([100]);
    expect(newest).toBeGreaterThan(500);
    expect(network.requests.filter(({ offset }) => offset === 0)).toHaveLength(1);
  });

  test('finds the log behind it, while its objects are loaded and until it has caught up', async () => {
    const newest = await fetchFirst();
    for (let i = 0; i < 10; i++) await heartbeat();
    expect(subject.core.log.firstIndex).toBe(101);
    const { session } = subject.leader.peers.get(C)!;
    const { round } = subject.leader;

    subject.peer({ type: 'installSnapshotReply', from: C, session, round, lastIncludedIndex: logIndex(100) });
    for (let past = 0; past < 2 * MAX_MS; past += HEARTBEAT_MS) await heartbeat(false);

    expect(subject.core.log.firstIndex).toBe(101);
    subject.peer(subject.ack(C, ENTRIES));
    await heartbeat(false);
    expect(subject.core.log.firstIndex).toBe(newest + 1);
  });

  test('is given a newer one when the log has become too large meanwhile', async () => {
    network.faults = { ...NO_FAULTS, lost: 100 };
    for (const index of [100, 200, 300]) {
      await taken(index);
      await heartbeat();
    }
    expect(subject.core.log.firstIndex).toBe(101);
    vi.spyOn(subject.core.log, 'byteLength', 'get').mockReturnValue(2 ** 30);

    network.faults = NO_FAULTS;
    for (let i = 0; i < 40 && toInstall().length === 0; i++) await heartbeat();

    expect(toInstall()).toEqual([300]);
    expect(subject.core.log.firstIndex).toBe(201);
  });

  test('that has gone is waited for by nobody', async () => {
    network.faults = { ...NO_FAULTS, lost: 100 };
    await taken(100);
    await heartbeat();
    await taken(200);
    await taken(300);

    for (let past = 0; past <= 2 * MAX_MS; past += HEARTBEAT_MS) await heartbeat(false);

    expect(desk.newestIndex).toBe(300);
    expect(subject.core.log.firstIndex).toBe(201);
    await leader.runFor(31_000);
    expect(leader.files).toHaveLength(2);
  });

  test('is given another one when the leader finds that the one offered is damaged', async () => {
    await taken(100);
    network.faults = { ...NO_FAULTS, lost: 100 };
    await heartbeat();
    await taken(200);
    const { snapshotId } = leader.announced[0]!;
    leader.ask({ type: 'newestSnapshot', damaged: [snapshotId], unreadable: [] });
    await leader.settle();

    network.faults = NO_FAULTS;
    for (let i = 0; i < 100 && toInstall().length === 0; i++) {
      await heartbeat();
      hear();
    }

    expect(toInstall()).toEqual([200]);
  });

  /** Heartbeats until the follower has one, or nothing will come of it; folds that are started make snapshots. */
  async function untilInstalled(): Promise<void> {
    for (let i = 0; i < 1_000 && toInstall().length === 0; i++) {
      await heartbeat();
      if (leader.runner.isRunning) leader.runner.finish(STATE_BYTES);
      hear();
    }
  }

  test.each(['damaged', 'unreadable'] as const)('is given a newer one when the one offered is %s', async (how) => {
    await taken(100);
    spoil(how, leader.files[0]!);
    await heartbeat();
    await taken(200);

    await untilInstalled();

    expect(toInstall()).toEqual([200]);
  });

  test.each(['damaged', 'unreadable'] as const)(
    'is given another one, taken at once, when the newest is %s',
    async (how) => {
      await taken(100);
      await taken(200);
      await leader.applied(201);
      const newest = leader.files.find((path) => path.includes('0200-'))!;
      spoil(how, newest);
      desk.dropLog();
      subject.core.log.dropTo(logIndex(200));

      await untilInstalled();

      expect(toInstall()).toEqual([201]);
      expect(leader.runner.tasks.at(-1)).toMatchObject({ log: { firstIndex: 101, lastIndex: 201 } });
    },
  );

  /** In the middle of it, where only who reads all of it finds out. */
  function spoil(how: 'damaged' | 'unreadable', path: string): void {
    if (how === 'damaged') leader.disk.flipBit(path, 700_000, 3);
    else leader.disk.makeUnreadable(path, 1_024 * 512);
  }
});
