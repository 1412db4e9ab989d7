import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { majorityConfiguration, NOBODY } from '../../../../src/actors/raft/configuration.js';
import { encodeConfiguration } from '../../../../src/actors/raft/configuration-entry.js';
import { EntryKind, EntryReader } from '../../../../src/actors/raft/entry.js';
import { MemoryLogStore } from '../../../../src/actors/raft/memory-log-store.js';
import { RaftActor } from '../../../../src/actors/raft/raft-actor.js';
import type { Store } from '../../../../src/actors/raft/effects.js';
import type { LogStore } from '../../../../src/actors/raft/log-store.js';
import type { RaftActorMessage } from '../../../../src/actors/raft/raft-actor-messages.js';
import type { CallerMessage } from '../../../../src/actors/replicated/caller-messages.js';
import type { MachineMessage } from '../../../../src/actors/replicated/machine-messages.js';
import type { SnapshotterMessage } from '../../../../src/actors/snapshotter/snapshotter-messages.js';
import { crc32 } from '../../../../src/checksum.js';
import { groupId, incarnation, logIndex, nodeId, sessionId, term, type NodeId } from '../../../../src/ids.js';
import { MemoryNetwork } from '../../../../src/net/memory-transport.js';
import type { ActorRef } from '../../../../src/runtime/actor.js';
import { simulatedSystem } from '../../runtime/inline-system.js';
import { contentOf } from './content.js';
import { CODE } from '../../net/support/code.js';

const IDS = ['a:1', 'b:1', 'c:1'].map(nodeId);
const ELECTION_TIMEOUT_MS = [200, 400] as const;
const APPLY_BYTES_MAX = 4_000;

/** One RaftActor between a recorded caller and recorded objects. */
interface Node {
  readonly id: NodeId;
  readonly raft: ActorRef<RaftActorMessage>;
  readonly toCaller: CallerMessage[];
  readonly toMachine: MachineMessage[];
  readonly toSnapshotter: SnapshotterMessage[];
}

describe('RaftActor', () => {
  let rig: ReturnType<typeof simulatedSystem>;
  let network: MemoryNetwork;

  beforeEach(() => {
    rig = simulatedSystem(11);
    network = new MemoryNetwork({ defer: (task) => void rig.simulation.after(0, task) });
  });

  afterEach(() => rig.system.stop());

  function record(name: string, into: unknown[], mailboxMax = 65_536): void {
    rig.system.spawn<unknown, void>({
      name,
      mailboxMax,
      data: undefined,
      factory: () => ({ receive: (message) => void into.push(message) }),
    });
  }

  function spawn(
    id: NodeId,
    ids: readonly NodeId[],
    applyBytesMax: number,
    logStore: LogStore,
    tickMs = 10,
    callerMailboxMax?: number,
    configuration = majorityConfiguration(ids),
  ): Node {
    const toCaller: CallerMessage[] = [];
    const toMachine: MachineMessage[] = [];
    const toSnapshotter: SnapshotterMessage[] = [];
    record(`caller ${id}`, toCaller, callerMailboxMax);
    record(`machine ${id}`, toMachine);
    record(`snapshotter ${id}`, toSnapshotter);
    const remembered = incarnation(id[0]!.repeat(32));
    const raft = rig.system.spawn<RaftActorMessage, void>({
      name: `raft ${id}`,
      data: undefined,
      factory: (context) =>
        new RaftActor(context, {
          core: {
            group: groupId(0),
            self: id,
            incarnation: remembered,
            configuration,
            electionTimeoutMs: ELECTION_TIMEOUT_MS,
            heartbeatMs: 50,
            codeVersionMax: 0,
            autoCodeVersion: false,
            limits: {
              inflightMessagesMax: 16,
              inflightBytesMax: 100_000,
              appendBytesMax: 10_000,
              submissionBytesInflightMax: 100_000,
            },
          },
          peers: ids.filter((other) => other !== id),
          snapshot: null,
          sessionContent: contentOf(EntryKind.session, new Uint8Array(16)),
          transport: network.transport({
            cluster: 'test',
            self: id,
            incarnation: remembered,
            peers: ids.filter((other) => other !== id),
            settings: {},
            code: CODE,
          }),
          logStore,
          machines: [{ system: 'simulated', name: `machine ${id}` }],
          caller: { system: 'simulated', name: `caller ${id}` },
          snapshotter: { system: 'simulated', name: `snapshotter ${id}` },
          tickMs,
          applyBytesMax,
        }),
    });
    return { id, raft, toCaller, toMachine, toSnapshotter };
  }

  async function start(
    ids: readonly NodeId[],
    applyBytesMax = APPLY_BYTES_MAX,
    logStore = (_id: NodeId): LogStore => new MemoryLogStore(),
  ): Promise<Node[]> {
    const nodes = ids.map((id) => spawn(id, ids, applyBytesMax, logStore(id)));
    await Promise.all([...nodes.map(({ raft }) => raft.ask({ type: 'start' }, { timeoutMs: 1_000 })), run(50)]);
    await rig.simulation.runUntil(() => nodes.some((node) => lastStatus(node)?.role === 'leader'), 5_000);
    await run(100);
    return nodes;
  }

  const run = (ms: number): Promise<void> => rig.simulation.runFor(ms);

  function lastStatus({ toCaller }: Node) {
    return toCaller.findLast((message) => message.type === 'nodeStatus');
  }

  const leaderOf = (nodes: readonly Node[]): Node => nodes.find((node) => lastStatus(node)?.role === 'leader')!;

  /** What the objects have been sent: for each message, its machine, the indexes in it and its payloads' sizes. */
  function fed({ toMachine }: Node): { machineId: number; indexes: number[]; bytes: number }[] {
    const reader = new EntryReader();
    return toMachine.flatMap((message) => {
      if (message.type !== 'applyEntries') return [];
      const indexes: number[] = [];
      reader.reset(new Uint8Array(message.entries));
      while (reader.next()) indexes.push(reader.index);
      return [{ machineId: message.machineId, indexes, bytes: message.entries.byteLength }];
    });
  }

  const applied = (machineId: number, index: number, nextSeq = 1): RaftActorMessage => ({
    type: 'machineApplied',
    machine: 0,
    machineId,
    index: logIndex(index),
    session: sessionId(2),
    nextSeq,
    gap: false,
    expired: null,
    codeVersion: 0,
  });

  /** Objects that hold nothing yet. */
  const ready = (machineId: number): RaftActorMessage => ({
    type: 'machineReady',
    machine: 0,
    machineId,
    snapshot: null,
    session: null,
    nextSeq: 1,
  });

  const submit = (node: Node, firstSeq: number, bytes = 100): void => {
    const block = new ArrayBuffer(bytes);
    const crc = crc32(new Uint8Array(block));
    node.raft.tell({ type: 'submitBlock', session: sessionId(2), firstSeq, block, crc });
  };

  it('that is to join goes on meeting whom its options name, whatever it is told of members', async () => {
    const [joiner, named, stale, replaced] = ['a:1', 'b:1', 'c:1', 'd:1'].map(nodeId) as [
      NodeId,
      NodeId,
      NodeId,
      NodeId,
    ];
    const made = vi.spyOn(network, 'transport');
    const { raft } = spawn(joiner, [joiner, named], APPLY_BYTES_MAX, new MemoryLogStore(), 10, undefined, NOBODY);
    await run(10);
    const [transport] = made.mock.results.flatMap((each) => (each.type === 'return' ? [each.value] : []));
    const setPeers = vi.spyOn(transport!, 'setPeers');

    raft.tell({ type: 'linkUp', peer: stale, incarnation: incarnation('c'.repeat(32)), codeVersionMax: 0 });
    raft.tell({
      type: 'membersKnown',
      group: groupId(0),
      from: stale,
      term: term(1),
      commitIndex: logIndex(3),
      hasLeader: false,
      configuration: encodeConfiguration(majorityConfiguration([stale, replaced])),
    });
    await run(100);

    expect(setPeers.mock.lastCall![0].toSorted()).toEqual([named, stale, replaced]);
  });

  it('tells its caller how it stands, and only when that has changed', async () => {
    const nodes = await start(IDS);
    const leader = leaderOf(nodes);
    const { length } = leader.toCaller;

    await run(ELECTION_TIMEOUT_MS[0] / 2);

    expect(lastStatus(leader)).toMatchObject({ role: 'leader', leader: leader.id, hasQuorum: true, commitIndex: 1 });
    for (const node of nodes) expect(lastStatus(node)).toMatchObject({ leader: leader.id });
    expect(leader.toCaller.length).toBeLessThanOrEqual(length + 1);
  });

  it('tells when the others were last heard from, once in a shortest election timeout', async () => {
    const nodes = await start(IDS);
    const leader = leaderOf(nodes);
    const { length } = leader.toCaller;

    await run(10 * ELECTION_TIMEOUT_MS[0]);

    expect(leader.toCaller.length).toBeGreaterThanOrEqual(length + 10);
    expect(leader.toCaller.length).toBeLessThanOrEqual(length + 22);
  });

  it('feeds the objects nothing before they are ready, and then everything in order', async () => {
    const nodes = await start(IDS);
    submit(leaderOf(nodes), 1);
    await run(100);
    for (const node of nodes) expect(fed(node)).toEqual([]);

    for (const { raft } of nodes) raft.tell(ready(5));
    submit(leaderOf(nodes), 2);
    await run(100);

    for (const node of nodes) {
      expect(fed(node).flatMap(({ indexes }) => indexes)).toEqual([1, 2, 3]);
      expect(fed(node).every(({ machineId }) => machineId === 5)).toBe(true);
    }
  });

  it('feeds objects that keep up with what is new, and no more than so much at once', async () => {
    const [node] = await start(IDS.slice(0, 1));
    node!.raft.tell(ready(5));

    for (let seq = 1; seq <= 100; seq++) {
      submit(node!, seq, 500);
      await run(1);
    }
    const before = fed(node!);
    const index = before.at(-1)!.indexes.at(-1)!;
    node!.raft.tell(applied(5, index));
    await run(1);

    const bytes = before.reduce((sum, piece) => sum + piece.bytes, 0);
    expect(bytes).toBeLessThan(APPLY_BYTES_MAX + 1_000);
    expect(fed(node!).length).toBeGreaterThan(before.length);
    expect(fed(node!).flatMap(({ indexes }) => indexes)).toEqual(
      Array.from({ length: fed(node!).at(-1)!.indexes.at(-1)! }, (_, i) => i + 1),
    );
  });

  it('feeds new objects from the start, and is not confused by what the old ones still say', async () => {
    const [node] = await start(IDS.slice(0, 1));
    node!.raft.tell(ready(5));
    submit(node!, 1);
    await run(10);

    node!.raft.tell(ready(6));
    node!.raft.tell(applied(5, 2, 2));
    await run(10);

    expect(
      fed(node!)
        .filter(({ machineId }) => machineId === 6)
        .flatMap(({ indexes }) => indexes),
    ).toEqual([1, 2]);
    expect(lastStatus(node!)).toMatchObject({ appliedIndex: 0 });
  });

  it('runs queries at an index that the leader has confirmed', async () => {
    const nodes = await start(IDS);
    for (const node of nodes) {
      node.raft.tell({
        type: 'readBlock',
        machine: 0,
        queryId: 3,
        lease: false,
        timeoutMs: 1_000,
        block: new ArrayBuffer(8),
      });
    }

    await run(100);

    for (const node of nodes) expect(node.toMachine).toMatchObject([{ type: 'runQueries', queryId: 3, index: 1 }]);
  });

  it('fails queries for which no leader confirms itself in time', async () => {
    const nodes = await start(IDS);
    const leader = leaderOf(nodes);
    for (const other of nodes) if (other !== leader) network.partition(leader.id, other.id);

    leader.raft.tell({
      type: 'readBlock',
      machine: 0,
      queryId: 3,
      lease: false,
      timeoutMs: 100,
      block: new ArrayBuffer(8),
    });
    await run(200);

    expect(leader.toCaller).toContainEqual({ type: 'queriesFailed', queryIds: [3] });
    expect(leader.toMachine).toEqual([]);
  });

  it('hands leadership over when asked, by another node perhaps, one at a time', async () => {
    const nodes = await start(IDS);
    const leader = leaderOf(nodes);
    const [target] = nodes.filter((node) => node !== leader);
    const ask = (node: Node): Promise<void> => {
      const outcome = node.raft.ask<void>({ type: 'handOver', target: target!.id }, { timeoutMs: 2_000 });
      outcome.catch(() => {});
      return outcome;
    };

    const [first, second, third] = [ask(leader), ask(leader), ask(target!)];
    await run(1_000);

    await expect(first).resolves.toBeUndefined();
    await expect(second).rejects.toMatchObject({ code: 'ERR_TRANSFER_FAILED', mayBeApplied: false });
    await expect(third).rejects.toMatchObject({ code: 'ERR_TRANSFER_FAILED' });
    expect(lastStatus(target!)).toMatchObject({ role: 'leader' });
  });

  it('never fills the mailbox of objects that do not keep up, however small the entries are', async () => {
    const [node] = await start(IDS.slice(0, 1), 1_000_000);
    node!.raft.tell(ready(5));

    for (let seq = 1; seq <= 1_200; seq++) {
      submit(node!, seq, 1);
      await run(1);
    }

    expect(lastStatus(node!)!.commitIndex).toBeGreaterThan(1_200);
    expect(fed(node!).length).toBeLessThanOrEqual(1_024);
  });

  it('acknowledges and commits when its storage answers in turns of its own', async () => {
    const storeMs = 20;
    const slow = (id: NodeId): LogStore =>
      new SlowLogStore((request) => {
        const raft = rig.system.ref<RaftActorMessage>({ system: 'simulated', name: `raft ${id}` });
        rig.simulation.after(storeMs, () => raft.tell({ type: 'logStored', request }));
      });
    const nodes = await start(IDS, APPLY_BYTES_MAX, slow);
    const leader = leaderOf(nodes);
    const { commitIndex } = lastStatus(leader)!;

    submit(leader, 1);
    await run(storeMs - 5);
    const early = lastStatus(leader)!.commitIndex;
    await run(40);

    expect(early).toBe(commitIndex);
    expect(lastStatus(leader)!.commitIndex).toBe(commitIndex + 1);
    expect(rig.failures).toEqual([]);
  });

  it('tells the Snapshotter of what is applied once its own storage has it too, and not before', async () => {
    const held: number[] = [];
    let isHolding = false;
    const store = (id: NodeId): LogStore =>
      new SlowLogStore((request) => {
        if (isHolding && id === 'a:1') held.push(request);
        else {
          const raft = rig.system.ref<RaftActorMessage>({ system: 'simulated', name: `raft ${id}` });
          rig.simulation.after(1, () => raft.tell({ type: 'logStored', request }));
        }
      });
    const nodes = await start(IDS, APPLY_BYTES_MAX, store);
    const node = nodes.find(({ id }) => id === 'a:1')!;
    node.raft.tell(ready(5));
    await run(20);
    const { commitIndex: before } = lastStatus(node)!;
    const told = (): number[] =>
      node.toSnapshotter.flatMap((message) => (message.type === 'logApplied' ? [message.index] : []));
    node.raft.tell(applied(5, before));
    await run(20);

    isHolding = true;
    submit(leaderOf(nodes), 1);
    await run(100);
    node.raft.tell(applied(5, before + 1));
    await run(50);
    const whileHeld = told();
    isHolding = false;
    node.raft.tell({ type: 'logStored', request: held.at(-1)! });
    await run(50);

    expect(lastStatus(node)!.commitIndex).toBe(before + 1);
    expect(whileHeld).toEqual([before]);
    expect(told()).toEqual([before, before + 1]);
  });

  it('is elected although its thread is so slow that every tick is late', async () => {
    const { 0: id } = IDS;
    const node = spawn(id!, [id!], APPLY_BYTES_MAX, new MemoryLogStore(), ELECTION_TIMEOUT_MS[0]);

    await rig.simulation.runUntil(() => lastStatus(node)?.role === 'leader', 10 * ELECTION_TIMEOUT_MS[1]);

    expect(lastStatus(node)).toMatchObject({ role: 'leader' });
  });

  it('tells of failed queries later when its caller has no room for the news', async () => {
    const { 0: id } = IDS;
    const node = spawn(id!, IDS, APPLY_BYTES_MAX, new MemoryLogStore(), 10, 1);
    const caller = rig.system.ref<unknown>({ system: 'simulated', name: `caller ${id}` });
    rig.system.spawn<'fill', void>({
      name: 'filling',
      data: undefined,
      factory: (context) => {
        context.every(1, 'fill');
        return { receive: () => tellIfRoom(caller) };
      },
    });

    for (let queryId = 3; queryId < 303; queryId += 3) {
      node.raft.tell({
        type: 'readBlock',
        machine: 0,
        queryId,
        lease: false,
        timeoutMs: queryId,
        block: new ArrayBuffer(8),
      });
    }
    await run(1_000);

    const failed = node.toCaller.flatMap((message) => (message?.type === 'queriesFailed' ? message.queryIds : []));
    expect(failed.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => 3 * (i + 1)));
    expect(rig.failures).toEqual([]);
  });

  it('leaves the network when it is stopped', async () => {
    const nodes = await start(IDS);
    const [first, ...others] = nodes;

    const stopped = first!.raft.ask({ type: 'stop' }, { timeoutMs: 1_000 });
    await run(1_000);
    await stopped;

    for (const node of others) expect(lastStatus(node)!.connected).not.toContain(first!.id);
    expect(rig.failures).toEqual([]);
  });
});

/** Takes up the room of a mailbox, if there is some. */
function tellIfRoom(to: ActorRef<unknown>): void {
  try {
    to.tell({ type: 'nothing' });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MAILBOX_FULL') throw error;
  }
}

/** Storage on another thread, which says so when it is done. */
class SlowLogStore implements LogStore {
  readonly unstoredBytes = 0;
  readonly #storeElsewhere: (request: number) => void;
  readonly #waiting: (() => void)[] = [];
  #requests = 0;

  constructor(storeElsewhere: (request: number) => void) {
    this.#storeElsewhere = storeElsewhere;
  }

  store(request: Store, written: (request: Store) => void): void {
    this.#waiting.push(() => written(request));
    this.#storeElsewhere(++this.#requests);
  }

  onStored(): void {
    this.#waiting.shift()!();
  }
}
