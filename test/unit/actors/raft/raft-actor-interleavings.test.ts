/**
 * Attacks on the shell of consensus: what it says while storage is slow, mailboxes are full, or neighbours are not
 * there yet.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeConfiguration, encodeConfiguration } from '../../../../src/actors/raft/configuration-entry.js';
import { configurationOf, majorityConfiguration } from '../../../../src/actors/raft/configuration.js';
import type { Store } from '../../../../src/actors/raft/effects.js';
import { EntryKind, EntryReader } from '../../../../src/actors/raft/entry.js';
import type { LogStore } from '../../../../src/actors/raft/log-store.js';
import type { PeerMessage } from '../../../../src/actors/raft/messages.js';
import { RaftActor } from '../../../../src/actors/raft/raft-actor.js';
import type { RaftActorMessage } from '../../../../src/actors/raft/raft-actor-messages.js';
import { RaftLog } from '../../../../src/actors/raft/raft-log.js';
import type { Recovered } from '../../../../src/actors/raft/state.js';
import type { LogPiece } from '../../../../src/actors/snapshotter/snapshotter-messages.js';
import { groupId, logIndex, sessionId, term, type NodeId } from '../../../../src/ids.js';
import type { NodeMessage, Transport, TransportHandler } from '../../../../src/net/transport.js';
import type { ActorRef } from '../../../../src/runtime/actor.js';
import { simulatedSystem } from '../../runtime/inline-system.js';
import { contentOf } from './content.js';
import { A, append, B, blockOf, C, lifeOf } from './roles/fixture.js';

const GROUP = groupId(0);
const TICK_MS = 10;

/** Has done what it is asked for only when the test says so. */
class SlowStore implements LogStore {
  readonly unstoredBytes = 0;
  readonly requests: Store[] = [];
  isFast = true;
  #waiting: (() => void)[] = [];

  store(request: Store, written: (request: Store) => void): void {
    this.requests.push(request);
    if (this.isFast) written(request);
    else this.#waiting.push(() => written(request));
  }

  onStored(count: number): void {
    for (const written of this.#waiting.splice(0, count)) written();
  }
}

class FakeTransport implements Transport {
  setPeers(): void {}

  handler!: TransportHandler;
  readonly sent: { readonly to: NodeId; readonly message: NodeMessage }[] = [];

  start(handler: TransportHandler): Promise<void> {
    this.handler = handler;
    return Promise.resolve();
  }

  send(to: NodeId, message: NodeMessage): void {
    this.sent.push({ to, message });
  }

  flush(): void {}

  isConnected(): boolean {
    return true;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

describe('the shell of consensus', () => {
  let rig: ReturnType<typeof simulatedSystem>;
  let store: SlowStore;
  let transport: FakeTransport;
  let raft: ActorRef<RaftActorMessage>;
  let toMachine: unknown[];
  let toSnapshotter: unknown[];

  beforeEach(() => {
    rig = simulatedSystem(11);
    store = new SlowStore();
    transport = new FakeTransport();
    toMachine = [];
    toSnapshotter = [];
  });

  afterEach(() => rig.system.stop());

  const run = (ms: number): Promise<void> => rig.simulation.runFor(ms);

  async function start(
    voters: readonly NodeId[],
    recovered?: Recovered,
    { mailboxMax = 65_536, machines = 1, machineMailboxMax = 65_536, snapshotterMailboxMax = 65_536 } = {},
  ): Promise<void> {
    for (const [name, into, roomFor] of [
      ['caller', [], 65_536],
      ['machine', toMachine, machineMailboxMax],
      ['snapshotter', toSnapshotter, snapshotterMailboxMax],
    ] as const) {
      rig.system.spawn<unknown, void>({
        name,
        data: undefined,
        mailboxMax: roomFor,
        factory: () => ({ receive: (message) => void (into as unknown[]).push(message) }),
      });
    }
    raft = rig.system.spawn<RaftActorMessage, void>({
      name: 'raft',
      data: undefined,
      mailboxMax,
      factory: (context) =>
        new RaftActor(context, {
          core: {
            group: GROUP,
            self: A,
            incarnation: lifeOf(A),
            configuration: majorityConfiguration(voters),
            electionTimeoutMs: [200, 400],
            heartbeatMs: 50,
            codeVersionMax: 0,
            autoCodeVersion: false,
            limits: {
              inflightMessagesMax: 16,
              inflightBytesMax: 100_000,
              appendBytesMax: 10_000,
              submissionBytesInflightMax: 100_000_000,
            },
          },
          ...(recovered === undefined ? {} : { recovered }),
          peers: voters.filter((id) => id !== A),
          snapshot: null,
          sessionContent: contentOf(EntryKind.session, new Uint8Array(16)),
          transport,
          logStore: store,
          machines: Array.from({ length: machines }, () => ({ system: 'simulated', name: 'machine' })),
          caller: { system: 'simulated', name: 'caller' },
          snapshotter: { system: 'simulated', name: 'snapshotter' },
          tickMs: TICK_MS,
          applyBytesMax: 100_000,
        }),
    });
    const started = raft.ask({ type: 'start' }, { timeoutMs: 1_000 });
    await run(1);
    await started;
  }

  const foundedBy = (...ids: NodeId[]): Recovered => ({
    hardState: { term: term(1), votedFor: null },
    log: new RaftLog(),
    configuration: configurationOf({
      ...majorityConfiguration(ids),
      admitted: new Map(ids.map((id) => [id, lifeOf(id)])),
    }),
  });

  type Said = Omit<PeerMessage, 'group' | 'from' | 'term'> & { readonly [field: string]: unknown };
  const say = (from: NodeId, atTerm: number, message: Said): void =>
    transport.handler.onMessage({ group: GROUP, from, term: term(atTerm), ...message } as unknown as NodeMessage);

  const sentTo = (to: NodeId, type: string): PeerMessage[] =>
    transport.sent
      .filter((each) => each.to === to && each.message.type === type)
      .map(({ message }) => message as never);

  /** `from` votes for this node whenever it is asked. */
  async function elect(from: readonly NodeId[]): Promise<number> {
    for (let waited = 0; waited < 5_000; waited += TICK_MS) {
      await run(TICK_MS);
      for (const { to, message } of transport.sent.splice(0)) {
        if (!from.includes(to)) continue;
        if (message.type === 'requestPreVote') {
          const { campaignTerm } = message;
          say(to, message.term, { type: 'requestPreVoteReply', campaignTerm, voteGranted: true });
        } else if (message.type === 'requestVote') {
          say(to, message.term, { type: 'requestVoteReply', voteGranted: true });
        } else if (message.type === 'appendEntries') {
          transport.sent.push({ to, message });
          return message.term;
        }
      }
    }
    throw new Error('nobody was elected');
  }

  const told = (): number[] =>
    toSnapshotter.flatMap((message) => {
      const { type, index } = message as { type: string; index: number };
      return type === 'logApplied' ? [index] : [];
    });

  const applied = (index: number, machine = 0): RaftActorMessage => ({
    type: 'machineApplied',
    machine,
    machineId: 5,
    index: logIndex(index),
    session: null,
    nextSeq: 1,
    gap: false,
    expired: null,
    codeVersion: 0,
  });

  async function followerThatRewrites(): Promise<void> {
    await start([A, B, C], foundedBy(A, B, C));
    raft.tell({ type: 'machineReady', machine: 0, machineId: 5, snapshot: null, session: null, nextSeq: 1 });
    transport.handler.onConnected(B, lifeOf(B), 0);
    transport.handler.onConnected(C, lifeOf(C), 0);
    await run(1);
  }

  test('names no entry to a fold whose place on the disk is still another’s', async () => {
    await followerThatRewrites();
    say(B, 1, append(0, 0, [1, 1, 1, 1]));
    await run(1);
    store.isFast = false;
    say(C, 2, append(1, 1, [2, 2], { leaderCommit: 3 }));
    await run(1);
    raft.tell(applied(3));
    await run(5 * TICK_MS);
    expect(told().at(-1)).toBe(1);
    raft.tell({ type: 'logStored', request: 1 });
    await run(5 * TICK_MS);
    expect(told().at(-1)).toBe(3);
  });

  test('nor when what was there is durable only after it has been replaced', async () => {
    await followerThatRewrites();
    store.isFast = false;
    say(B, 1, append(0, 0, [1, 1, 1, 1]));
    await run(1);
    say(C, 2, append(1, 1, [2, 2], { leaderCommit: 3 }));
    await run(1);
    raft.tell(applied(3));
    raft.tell({ type: 'logStored', request: 1 });
    await run(5 * TICK_MS);
    expect(told().at(-1) ?? 0).toBeLessThanOrEqual(1);
    raft.tell({ type: 'logStored', request: 1 });
    await run(5 * TICK_MS);
    expect(told().at(-1)).toBe(3);
  });

  test('nor while the log on the disk is still the one before a snapshot that was installed', async () => {
    await followerThatRewrites();
    say(B, 1, append(0, 0, [1, 1, 1, 1, 1, 1]));
    await run(1);
    store.isFast = false;
    say(C, 2, append(9, 2, []));
    const lastIncluded = { index: logIndex(4), term: term(2), timestampMs: 1 };
    const configuration = encodeConfiguration(foundedBy(A, B, C).configuration!);
    raft.tell({
      type: 'machineReady',
      machine: 0,
      machineId: 5,
      snapshot: { lastIncluded, configuration },
      session: null,
      nextSeq: 1,
    });
    say(C, 2, append(4, 2, [2, 2], { leaderCommit: 6 }));
    await run(1);
    raft.tell(applied(6));
    await run(5 * TICK_MS);
    expect(told().at(-1)).toBeLessThanOrEqual(4);
  });

  test('takes no link for newer than what it was told of the peer since', async () => {
    await start([A, B], undefined, { mailboxMax: 4 });
    for (let i = 0; i < 4; i++) raft.tell(applied(0));
    transport.handler.onConnected(B, lifeOf(B, 1), 0);
    await run(0.1);
    transport.handler.onDisconnected(B, 'it has ended');
    transport.handler.onConnected(B, lifeOf(B, 2), 0);
    await run(2 * TICK_MS);
    await elect([B]);
    const reader = new EntryReader();
    const admitted = store.requests.flatMap(({ append: appended }): [string, string][] => {
      if (appended === null) return [];
      reader.reset(appended.entries);
      reader.next();
      return [...decodeConfiguration(appended.entries.subarray(reader.payloadStart, reader.payloadEnd)).admitted];
    });
    expect(admitted).toEqual([
      [A, lifeOf(A)],
      [B, lifeOf(B, 2)],
    ]);
  });

  test('offers a snapshot that it has not been told of at a later heartbeat', async () => {
    const log = new RaftLog();
    log.resetTo({ index: logIndex(10), term: term(1), timestampMs: 1 });
    await start([A, B, C], { ...foundedBy(A, B, C), log });
    transport.handler.onConnected(B, lifeOf(B), 0);
    await run(1);
    const atTerm = await elect([B]);
    const probe = sentTo(B, 'appendEntries')[0] as never as { session: number; round: number; prevLogIndex: number };
    say(B, atTerm, {
      type: 'appendEntriesReply',
      session: probe.session,
      round: probe.round,
      success: false,
      matchIndex: probe.prevLogIndex,
      conflictIndex: 1,
      conflictTerm: 0,
    });
    await run(20);
    expect(rig.failures).toEqual([]);
    raft.tell({
      type: 'snapshotTaken',
      lastIncluded: { index: logIndex(10), term: term(1), timestampMs: 1 },
      snapshotId: 'up to 10',
      snapshotBytes: 1,
      oldestIndex: logIndex(0),
      keptIds: ['up to 10'],
    });
    await run(100);
    expect(sentTo(B, 'installSnapshot')).toMatchObject([{ lastIncludedIndex: 10 }, {}]);
  });

  test('takes in nothing new when storage has far too many requests, however small they are', async () => {
    await start([A, B, C], foundedBy(A, B, C));
    transport.handler.onConnected(B, lifeOf(B), 0);
    await run(1);
    await elect([B]);
    store.isFast = false;
    const before = store.requests.length;
    const { payload, crc } = blockOf(1);
    for (let seq = 1; seq <= 6_000; seq++) {
      raft.tell({ type: 'submitBlock', session: sessionId(1), firstSeq: seq, block: payload.slice().buffer, crc });
      await run(0.01);
    }
    expect(store.requests.length - before).toBeLessThan(5_000);
  });

  test('lets go of a session that is not in a snapshot, though its objects have been made anew in between', async () => {
    await start([A, B, C], foundedBy(A, B, C));
    transport.handler.onConnected(B, lifeOf(B), 0);
    say(B, 1, append(0, 0, [1, 1, 1, 1], { leaderCommit: 4 }));
    raft.tell({ type: 'machineReady', machine: 0, machineId: 5, snapshot: null, session: null, nextSeq: 1 });
    await run(1);
    raft.tell({ ...applied(2), session: sessionId(2) } as RaftActorMessage);
    const { payload, crc } = blockOf(1);
    raft.tell({ type: 'submitBlock', session: sessionId(2), firstSeq: 1, block: payload.slice().buffer, crc });
    await run(1);
    expect(sentTo(B, 'forward')).toHaveLength(1);
    raft.tell({ type: 'machineReady', machine: 0, machineId: 6, snapshot: null, session: null, nextSeq: 1 });
    const lastIncluded = { index: logIndex(9), term: term(1), timestampMs: 1 };
    const snapshot = { lastIncluded, configuration: encodeConfiguration(foundedBy(A, B, C).configuration!) };
    raft.tell({ type: 'machineReady', machine: 0, machineId: 7, snapshot, session: null, nextSeq: 1 });
    for (let heard = 0; heard < 100; heard++) {
      say(B, 1, append(9, 1));
      await run(100);
    }
    expect(sentTo(B, 'forward')).toHaveLength(1);
  });

  test('hands over the log piece by piece to a Snapshotter that has no room for more, and goes on as it has', async () => {
    const log = new RaftLog();
    for (let i = 0; i < 5; i++) log.append(contentOf(EntryKind.block, new Uint8Array(400_000)), term(1), 1);
    await start([A, B, C], { ...foundedBy(A, B, C), log }, { snapshotterMailboxMax: 1 });
    await run(TICK_MS);

    raft.tell({ type: 'readLog', read: 1, firstIndex: logIndex(1), lastIndex: logIndex(5) });
    await run(20 * TICK_MS);

    expect(rig.failures).toEqual([]);
    const pieces = toSnapshotter.filter((message) => (message as LogPiece).type === 'logPiece') as LogPiece[];
    expect(pieces.map(({ isLast }) => isLast)).toEqual([false, false, false, false, true]);
    const read = Buffer.concat(pieces.map(({ entries }) => Buffer.from(entries!)));
    const whole = Buffer.concat([1, 2, 3, 4, 5].map((i) => log.slice(logIndex(i), logIndex(i), Infinity).bytes));
    expect(read.equals(whole)).toBe(true);
  });

  describe('whose machine has no room for more', () => {
    const ofType = (type: string): unknown[] =>
      toMachine.filter((message) => (message as { readonly type: string }).type === type);

    test('feeds it as it has', async () => {
      const log = new RaftLog();
      for (let i = 0; i < 10; i++) log.append(contentOf(EntryKind.block, new Uint8Array(30_000)), term(1), 1);
      await start([A, B, C], { ...foundedBy(A, B, C), log }, { machineMailboxMax: 1 });
      transport.handler.onConnected(B, lifeOf(B), 0);
      raft.tell({ type: 'machineReady', machine: 0, machineId: 5, snapshot: null, session: null, nextSeq: 1 });
      say(B, 1, append(10, 1, [], { leaderCommit: 10 }));
      for (let tick = 0; tick < 20; tick++) {
        await run(TICK_MS);
        const entries = Buffer.concat(
          (ofType('applyEntries') as { readonly entries: ArrayBuffer }[]).map((each) => Buffer.from(each.entries)),
        );
        raft.tell(applied(Math.floor(entries.length / 30_000)));
      }

      expect(rig.failures).toEqual([]);
      const whole = Buffer.concat(
        Array.from({ length: 10 }, (_, i) => log.slice(logIndex(i + 1), logIndex(i + 1), Infinity).bytes),
      );
      const fed = Buffer.concat(
        (ofType('applyEntries') as { readonly entries: ArrayBuffer }[]).map((each) => Buffer.from(each.entries)),
      );
      expect(fed.equals(whole)).toBe(true);
    });

    test('has each block of queries run once, as it has', async () => {
      await start([A], undefined, { machineMailboxMax: 1 });
      raft.tell({ type: 'machineReady', machine: 0, machineId: 5, snapshot: null, session: null, nextSeq: 1 });
      await run(2_000);

      for (const queryId of [1, 2, 3]) {
        const block = new ArrayBuffer(8);
        raft.tell({ type: 'readBlock', machine: 0, queryId, lease: false, timeoutMs: 1_000, block });
      }
      await run(20 * TICK_MS);

      expect(rig.failures).toEqual([]);
      const ran = (ofType('runQueries') as { readonly queryId: number }[]).map(({ queryId }) => queryId);
      expect(ran.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    });

    test('has it load a newer snapshot, as it has', async () => {
      const log = new RaftLog();
      log.resetTo({ index: logIndex(10), term: term(1), timestampMs: 1 });
      await start([A, B, C], { ...foundedBy(A, B, C), log }, { machines: 2, machineMailboxMax: 1 });
      for (const machine of [0, 1]) {
        raft.tell({ type: 'machineReady', machine, machineId: 5, snapshot: null, session: null, nextSeq: 1 });
      }
      await run(20 * TICK_MS);

      expect(rig.failures).toEqual([]);
      expect(ofType('reload')).toEqual([
        { type: 'reload', machineId: 5 },
        { type: 'reload', machineId: 5 },
      ]);
    });
  });

  async function followerWithTwoMachines(): Promise<void> {
    await start([A, B, C], foundedBy(A, B, C), { machines: 2 });
    transport.handler.onConnected(B, lifeOf(B), 0);
    say(B, 1, append(0, 0, [1, 1, 1, 1], { leaderCommit: 4 }));
    for (const machine of [0, 1]) {
      raft.tell({ type: 'machineReady', machine, machineId: 5, snapshot: null, session: null, nextSeq: 1 });
    }
    await run(1);
  }

  test('takes for applied what the slowest machine has', async () => {
    await followerWithTwoMachines();

    raft.tell(applied(4, 1));
    await run(5 * TICK_MS);
    expect(told()).toEqual([]);

    raft.tell(applied(3, 0));
    await run(5 * TICK_MS);
    expect(told()).toEqual([3]);
  });

  test('takes a snapshot for installed when the last machine has it', async () => {
    await followerWithTwoMachines();
    const lastIncluded = { index: logIndex(9), term: term(1), timestampMs: 1 };
    const snapshot = { lastIncluded, configuration: encodeConfiguration(foundedBy(A, B, C).configuration!) };
    const offer = { session: 1, round: 1, lastIncludedIndex: 9, lastIncludedTerm: 1, lastIncludedTimestampMs: 1 };
    say(B, 1, { type: 'installSnapshot', ...offer, snapshotId: 'up to 9', snapshotBytes: 1 });
    await run(1);

    raft.tell({ type: 'machineReady', machine: 1, machineId: 6, snapshot, session: null, nextSeq: 1 });
    raft.tell({ ...applied(9, 1), machineId: 6 } as RaftActorMessage);
    await run(5 * TICK_MS);
    expect(sentTo(B, 'installSnapshotReply')).toEqual([]);

    raft.tell({ type: 'machineReady', machine: 0, machineId: 7, snapshot, session: null, nextSeq: 1 });
    await run(5 * TICK_MS);
    expect(sentTo(B, 'installSnapshotReply')).toMatchObject([{ lastIncludedIndex: 9 }]);
    expect(told().at(-1)).toBe(9);
  });

  test('sends its submissions again once for a gap that each of its machines comes to', async () => {
    await followerWithTwoMachines();
    const { payload, crc } = blockOf(1);
    for (const firstSeq of [1, 2]) {
      raft.tell({ type: 'submitBlock', session: sessionId(2), firstSeq, block: payload.slice().buffer, crc });
    }
    const stand = { session: sessionId(2), gap: true };
    await run(1);

    raft.tell({ ...applied(3, 0), ...stand });
    await run(1);
    raft.tell({ ...applied(4, 0), session: sessionId(2), nextSeq: 2 } as RaftActorMessage);
    raft.tell({ ...applied(3, 1), ...stand });
    await run(1);

    // The first sending of both, and the second one of both; the gap that the slower machine tells of is the same.
    expect(sentTo(B, 'forward')).toHaveLength(4);
  });
});
