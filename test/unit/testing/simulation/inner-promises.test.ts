/** What the checkers see inside of nodes, long before anybody would be told anything wrong. */

import { beforeEach, describe, expect, test } from 'vitest';
import { configurationOf, majorityConfiguration } from '../../../../src/actors/raft/configuration.js';
import { configurationContent } from '../../../../src/actors/raft/configuration-entry.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import type { RaftMessage } from '../../../../src/actors/raft/messages.js';
import type { Machine } from '../../../../src/actors/replicated/machine.js';
import { groupId, logIndex, term, type Incarnation, type NodeId } from '../../../../src/ids.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { SessionOrder } from '../../../../src/testing/simulation/checkers/session-order.js';
import type { Subject } from '../../actors/raft/roles/fixture.js';
import { A, B, C, HEARTBEAT_MS, lifeOf, MAX_MS, MIN_MS } from '../../actors/raft/roles/fixture.js';
import { acknowledgement, appended, Scene } from './scene.js';

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

/** Elected in term 2 by `b`. */
function leader(): Subject {
  const a = scene.start(A, { log: [1], term: 1 });
  scene.start(B);
  for (const id of [A, B]) scene.storedTerm(id, 2, A);
  scene.votes(B, A, 2);
  a.elect();
  scene.stepped(A, a);
  expect(scene.violations.first).toBeNull();
  return a;
}

describe('whoever has just started', () => {
  function voteAfter(ms: number, leadershipTransfer: boolean): void {
    const a = scene.start(A, { term: 1 });
    a.core.votedFor = B;
    scene.nowMs = ms;
    const log = { lastLogIndex: logIndex(0), lastLogTerm: term(0) };
    const asked = {
      type: 'requestVote',
      group: groupId(0),
      from: B,
      term: term(1),
      ...log,
      leadershipTransfer,
      founders: new Uint8Array(0),
    } as const;
    scene.stepped(A, a, asked);
  }

  test.each([
    ['votes once a timeout is over', MIN_MS, false],
    ['votes for one to whom leadership is handed over', 1, true],
  ])('%s', (_, ms, isTransfer) => {
    voteAfter(ms, isTransfer);

    expect(scene.violations.first).toBeNull();
  });

  test('does not vote before', () => {
    voteAfter(MIN_MS / 2, false);

    expect(scene.broken).toBe('votes');
  });
});

describe('a round', () => {
  function confirm(a: Subject): void {
    a.tick(HEARTBEAT_MS);
    a.flush();
    scene.stepped(A, a);
    a.peer(a.ack(B, 0));
    a.flush();
    scene.stepped(A, a);
  }

  function confirmed(): Subject {
    const a = leader();
    scene.sent(B, A, { ...acknowledgement(0, 2), success: false } as never);
    confirm(a);
    expect(scene.violations.first).toBeNull();
    return a;
  }

  function read(a: Subject, lease: boolean): void {
    scene.stepped(A, a, { type: 'read', readId: 7, lease, timeoutMs: 100 });
    a.core.effects.push({ type: 'readReady', readIds: [7], index: logIndex(1) });
    scene.stepped(A, a);
  }

  test('is not confirmed by what nobody has answered', () => {
    confirm(leader());

    expect(scene.broken).toBe('rounds');
  });

  test('says nothing of a read that was made after it was begun', () => {
    read(confirmed(), false);

    expect(scene.broken).toBe('fresh reads');
  });

  test('gives a lease', () => {
    read(confirmed(), true);

    expect(scene.violations.first).toBeNull();
  });

  test('gives one that ends before any voter may vote again', () => {
    const a = confirmed();
    scene.nowMs += MIN_MS * 0.96;

    read(a, true);

    expect(scene.broken).toBe('leases');
  });

  test('gives none once somebody was told to campaign at once', () => {
    const a = confirmed();
    scene.sent(A, B, { type: 'timeoutNow', term: term(2) } as never);

    read(a, true);

    expect(scene.broken).toBe('leases');
  });
});

describe('whoever campaigns', () => {
  function campaign(promisedTerm: number): void {
    const a = scene.start(A, { log: [1], term: 1 });
    scene.start(B);
    const promise = { type: 'requestPreVoteReply', campaignTerm: term(promisedTerm), voteGranted: true } as const;
    scene.sent(B, A, { ...promise, term: term(1) });
    a.tick(MAX_MS);
    a.peer({ type: 'requestPreVoteReply', campaignTerm: term(2), voteGranted: true });
    scene.stepped(A, a);
  }

  test('has the promises of a quorum', () => {
    campaign(2);

    expect(scene.violations.first).toBeNull();
  });

  test('has them for this campaign', () => {
    campaign(1);

    expect(scene.broken).toBe('campaigns');
  });
});

describe('an acknowledgement', () => {
  function counted(sessionOf: (a: Subject) => number): void {
    const a = leader();
    const session = sessionOf(a);
    a.peer(a.ack(B, 0));
    const said = { ...acknowledgement(0, 2), group: groupId(0), from: B, session } as RaftMessage;
    scene.stepped(A, a, said);
  }

  test('is counted', () => {
    counted((a) => a.leader.peers.get(B)!.session);

    expect(scene.violations.first).toBeNull();
  });

  test('of another tracking is not', () => {
    counted(() => 99);

    expect(scene.broken).toBe('acknowledgements');
  });

  test('is of what was compared, no more', () => {
    const a = scene.start(A, { log: [1, 1] });
    scene.storedTerm(A, 1);
    scene.storedEntries(A, 1, [1, 1]);
    scene.stepped(A, a, appended([1]));

    scene.sent(A, B, acknowledgement(2, 1));

    expect(scene.broken).toBe('acknowledgements');
  });

  test('of a former incarnation says nothing of the one after it', () => {
    const a = leader();
    scene.storedEntries(B, 1, [1]);
    a.leader.peers.get(B)!.matchIndex = logIndex(1);
    scene.stepped(A, a);
    expect(scene.violations.first).toBeNull();

    a.core.incarnations.set(B, lifeOf(B, 2));
    scene.stepped(A, a);

    expect(scene.broken).toBe('replication');
  });
});

describe('who counts', () => {
  /** An entry says that these do; the node goes by it if it notices. */
  function state(admitted: readonly (readonly [NodeId, Incarnation])[], isNoticed: boolean): void {
    const a = scene.start(A, { log: [1] });
    const content = configurationContent(
      configurationOf({ ...majorityConfiguration([A, B, C]), admitted: new Map(admitted) }),
    );
    const index = a.core.log.append(content, term(1), 9);
    if (isNoticed) a.core.configurations.appended(index, content.payload);
    scene.stepped(A, a);
  }
  const first = (id: NodeId): readonly [NodeId, Incarnation] => [id, lifeOf(id)];

  test('changes by steps between which quorums overlap', () => {
    state([first(A), first(B)], true);

    expect(scene.violations.first).toBeNull();
  });

  test('does not change from one incarnation to the next at once', () => {
    state([first(A), first(B), [C, lifeOf(C, 2)]], true);

    expect(scene.violations.first!.what).toContain('quorums need not overlap');
  });

  test('is what the log says last', () => {
    state([first(A), first(B)], false);

    expect(scene.violations.first).toMatchObject({
      what: expect.stringMatching(/^a goes by .* and its log to 2 says /),
    });
  });
});

describe('what is dropped from a log', () => {
  function drop(disk: SimulatedDisk): void {
    const a = scene.start(A, { log: [1, 1] }, { disk, isRotten: false });
    scene.start(B);
    for (const id of [A, B]) scene.storedEntries(id, 1, [1, 1]);
    a.core.commitIndex = logIndex(2);
    scene.stepped(A, a);
    a.core.log.dropTo(logIndex(2));
    scene.stepped(A, a);
  }

  function diskWith(lastIndex: number): SimulatedDisk {
    const disk = new SimulatedDisk(1);
    disk.makeDirectory('/snapshots');
    const file = disk.open(`/snapshots/000000000000000${lastIndex}-1-aa.snapshot`, 'create');
    file.write([new Uint8Array(9)], 0);
    file.sync();
    file.close();
    return disk;
  }

  test('is in a snapshot', () => {
    const disk = diskWith(2);
    disk.syncDirectory('/snapshots');

    drop(disk);

    expect(scene.violations.first).toBeNull();
  });

  test('is in one that has all of it', () => {
    const disk = diskWith(1);
    disk.syncDirectory('/snapshots');

    drop(disk);

    expect(scene.broken).toBe('durability');
  });

  test('is in one whose name is durable', () => {
    drop(diskWith(2));

    expect(scene.broken).toBe('durability');
  });
});

describe('a session', () => {
  const LIFE = new Uint8Array([1, 2]);
  let broken: string[];
  let order: SessionOrder;

  beforeEach(() => {
    broken = [];
    order = new SessionOrder((promise) => void broken.push(promise));
    order.committed(1, EntryKind.session, LIFE);
  });

  /** A block of one command. */
  function block(firstSeq: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(24));
    view.setFloat64(0, 1, true);
    view.setFloat64(8, firstSeq, true);
    view.setUint32(16, 1, true);
    return new Uint8Array(view.buffer);
  }

  test.each([
    ['the next block', 1, 'apply'],
    ['a block behind a missing one', 2, 'gap'],
    ['a block that was applied', 0, 'duplicate'],
  ] as const)('takes %s for what it is', (_, firstSeq, verdict) => {
    order.committed(2, EntryKind.block, block(firstSeq));

    order.applied('a', { appliedIndex: 2 } as Machine, verdict);

    expect(broken).toEqual([]);
  });

  test('takes no block for another one', () => {
    order.committed(2, EntryKind.block, block(2));

    order.applied('a', { appliedIndex: 2 } as Machine, 'apply');

    expect(broken).toEqual(['exactly once (sessions)']);
  });

  test('is the only one of its life', () => {
    const sessions = [
      [1, 1, '0102'],
      [5, 1, '0102'],
    ];

    order.look('a', { appliedIndex: 5, save: () => ({ sessions }) } as unknown as Machine);

    expect(broken).toEqual(['exactly once (sessions)']);
  });
});
