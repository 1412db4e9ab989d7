/** Each checker sees the broken promise that it watches over, and nothing where all is as it should be. */

import { beforeEach, describe, expect, test } from 'vitest';
import type { StoreLog } from '../../../../src/actors/log-store/log-store-messages.js';
import type { RaftMessage } from '../../../../src/actors/raft/messages.js';
import { logIndex, term, type NodeId } from '../../../../src/ids.js';
import type { NodeWitness } from '../../../../src/testing/simulation/simulated-node.js';
import { A, B, blockOf, C, encode, entriesOf, lifeOf, Subject } from '../../actors/raft/roles/fixture.js';
import { acknowledgement, appended, Scene, TICK } from './scene.js';

let scene: Scene;

beforeEach(() => {
  scene = new Scene();
});

describe('election safety', () => {
  test('holds for one who has the votes of a quorum', () => {
    const a = scene.start(A);
    scene.start(B);
    scene.storedTerm(A, 1, A);
    scene.storedTerm(B, 1, A);
    scene.votes(B, A, 1);
    a.elect();
    scene.stepped(A, a);

    expect(scene.violations.first).toBeNull();
  });

  test('is broken by two leaders of one term', () => {
    const [a, b] = [scene.start(A), scene.start(B)];
    scene.start(C);
    for (const id of [A, B, C]) scene.storedTerm(id, 1, id === B ? B : A);
    scene.votes(C, A, 1);
    a.elect();
    scene.stepped(A, a);
    b.elect([C]);
    scene.stepped(B, b);

    expect(scene.broken).toBe('election safety');
    expect(scene.violations.first!.what).toContain('were both elected in term 1');
  });

  test('is broken by one whom no quorum has elected', () => {
    const a = scene.start(A);
    a.elect();

    scene.stepped(A, a);

    expect(scene.violations.first).toMatchObject({ what: 'a leads term 1, elected by a only' });
  });

  test('is broken by a vote of somebody whom the log does not admit', () => {
    const admissions = [
      [A, lifeOf(A)],
      [B, lifeOf(B, 2)],
      [C, lifeOf(C)],
    ] as const;
    scene = new Scene(admissions);
    const a = scene.start(A, { admissions, lives: { [B]: 2 } });
    scene.start(B, { admissions });
    scene.storedTerm(B, 1, A);
    scene.votes(B, A, 1);
    a.elect();
    scene.stepped(A, a);

    expect(scene.broken).toBe('election safety');
  });
});

describe('logs', () => {
  test('match where an index has the same term', () => {
    scene.start(A, { log: [1, 1, 2] });
    scene.start(B, { log: [1, 1, 3] });

    expect(scene.violations.first).toBeNull();
  });

  test('do not match with another entry of the same index and term', () => {
    scene.start(A, { log: [1, 1] });
    const b = scene.start(B, { log: [1] });
    b.core.log.appendEncoded(encode(2, [[blockOf(99), 1]]));
    scene.stepped(B, b);

    expect(scene.broken).toBe('log matching');
  });

  test('get shorter only where something else takes the place', () => {
    const a = scene.start(A, { log: [1, 1, 1] });
    a.core.log.truncateAfter(logIndex(1));
    a.core.log.append(blockOf(2), term(2), 5);
    scene.stepped(A, a);

    expect(scene.violations.first).toBeNull();
  });

  test('do not get shorter otherwise', () => {
    const a = scene.start(A, { log: [1, 1, 1] });
    a.core.log.truncateAfter(logIndex(1));
    scene.stepped(A, a);

    expect(scene.broken).toBe('log matching');
  });

  test('do not run backwards in time', () => {
    const a = scene.start(A, { log: [1, 1] });
    a.core.log.append(blockOf(3), term(1), a.core.log.lastTimestampMs - 1);
    scene.stepped(A, a);

    expect(scene.broken).toBe('timestamps');
  });

  test('do not match with another entry before the same one', () => {
    scene.start(A, { log: [1, 2, 3] });
    scene.start(B, { log: [1, 1, 3] });

    expect(scene.broken).toBe('log matching');
  });
});

describe('what is committed', () => {
  function commit(id: NodeId, subject: Subject, index: number): void {
    subject.core.commitIndex = logIndex(index);
    scene.stepped(id, subject);
  }

  test('is durable on a quorum', () => {
    const a = scene.start(A, { log: [1, 1] });
    scene.start(B);
    for (const id of [A, B]) scene.storedEntries(id, 1, [1, 1]);

    commit(A, a, 2);

    expect(scene.violations.first).toBeNull();
  });

  test('is not, if it is durable on one disk only', () => {
    const a = scene.start(A, { log: [1, 1] });
    scene.start(B);
    scene.storedEntries(A, 1, [1, 1]);
    scene.storedEntries(B, 1, [1]);

    commit(A, a, 2);

    expect(scene.violations.first).toMatchObject({
      promise: 'commitment',
      what: 'a takes 2 of term 1 for committed, durable on a only',
    });
  });

  test('is durable on a disk that has been lost since, too', () => {
    const a = scene.start(A, { log: [1] });
    scene.start(B);
    for (const id of [A, B]) scene.storedEntries(id, 1, [1]);
    scene.checkers.lost(B);

    commit(A, a, 1);

    expect(scene.violations.first).toBeNull();
  });

  test('is the same everywhere', () => {
    const [a, b] = [scene.start(A, { log: [1] }), scene.start(B, { log: [2] })];
    scene.start(C);
    for (const id of [A, C]) scene.storedEntries(id, 1, [1]);
    commit(A, a, 1);

    commit(B, b, 1);

    expect(scene.broken).toBe('state machine safety');
  });

  test('is in the log of whoever is elected later', () => {
    const a = scene.start(A, { log: [1, 1], term: 1 });
    for (const id of [B, C]) scene.start(id, { log: [1], term: 1 });
    for (const id of [A, B]) scene.storedEntries(id, 1, [1, 1]);
    commit(A, a, 2);
    const c = scene.start(C, { log: [1], term: 1 });
    scene.storedTerm(C, 2, C);
    scene.storedTerm(B, 2, C);
    scene.votes(B, C, 2);
    c.elect();
    scene.stepped(C, c);

    expect(scene.broken).toBe('leader completeness');
  });
});

describe('nothing is said before it is durable', () => {
  test('a vote', () => {
    scene.start(A);
    scene.storedTerm(A, 1);

    scene.votes(A, B, 1);

    expect(scene.broken).toBe('durable before sent');
  });

  test('the candidacy of a node', () => {
    scene.start(A);

    scene.sent(A, B, { type: 'requestVote', term: term(1), lastLogIndex: 0, lastLogTerm: 0 } as never);

    expect(scene.broken).toBe('durable before sent');
  });

  test('an acknowledgement', () => {
    const a = scene.start(A, { log: [1, 1] });
    scene.storedTerm(A, 1);
    scene.storedEntries(A, 1, [1]);
    scene.stepped(A, a, appended([1, 1]));

    scene.sent(A, B, acknowledgement(1, 1));
    expect(scene.violations.first).toBeNull();

    scene.sent(A, B, acknowledgement(2, 1));
    expect(scene.broken).toBe('durable before sent');
  });

  test('a second vote in the same term, after a change of mind', () => {
    scene.start(A);
    scene.storedTerm(A, 1, B);
    scene.votes(A, B, 1);
    scene.storedTerm(A, 1, C);

    scene.votes(A, C, 1);

    expect(scene.broken).toBe('votes');
  });
});

describe('a later term', () => {
  test.each(['appendEntries', 'requestVote'])('is adopted at a word that may be a leader’s: %s', (type) => {
    const a = scene.start(A);
    a.core.term = term(2);
    scene.stepped(A, a, { type } as RaftMessage);

    expect(scene.violations.first).toBeNull();
  });

  test.each(['requestPreVote', 'changeReply', 'versionReply', 'transferReply', 'membersKnown'])(
    'is not adopted at what means the same in any term: %s',
    (type) => {
      const a = scene.start(A);
      a.core.term = term(2);
      scene.stepped(A, a, { type } as RaftMessage);

      expect(scene.broken).toBe('terms');
    },
  );
});

describe('what never goes down', () => {
  test.each([
    ['the term', (subject: Subject) => (subject.core.term = term(1))],
    ['the commit index', (subject: Subject) => (subject.core.commitIndex = logIndex(0))],
    ['what is applied', (subject: Subject) => (subject.core.lastApplied = logIndex(0))],
  ])('is %s', (what, lower) => {
    const a = scene.start(A, { log: [1, 1], term: 2 });
    scene.start(B);
    for (const id of [A, B]) scene.storedEntries(id, 1, [1, 1]);
    a.core.commitIndex = logIndex(2);
    a.core.lastApplied = logIndex(2);
    scene.stepped(A, a);

    lower(a);
    scene.stepped(A, a);

    expect(scene.broken).toBe('monotonicity');
    expect(scene.violations.first!.what).toContain(what);
  });
});

describe('a leader', () => {
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

  test('never cuts its log', () => {
    const a = leader();

    a.core.log.truncateAfter(logIndex(1));
    scene.stepped(A, a);

    expect(scene.broken).toBe('leader append-only');
  });

  test('takes for matching only what is on the disk of the peer', () => {
    const a = leader();

    a.leader.peers.get(B)!.matchIndex = logIndex(1);
    scene.stepped(A, a);

    expect(scene.broken).toBe('replication');
  });

  test('never sends what it knows to be there', () => {
    const a = leader();

    a.leader.peers.get(B)!.nextIndex = logIndex(0);
    scene.stepped(A, a);

    expect(scene.violations.first).toMatchObject({
      promise: 'monotonicity',
      what: 'a: would send 0 to b, which has 0',
    });
  });
});

describe('a node that starts again', () => {
  function restart(id: NodeId, hardState: StoreLog['hardState'], terms: readonly number[], life = 1): NodeWitness {
    const witness = scene.checkers.witnessOf(id);
    witness.opened!(lifeOf(id, life));
    const pieces = terms.length === 0 ? [] : [entriesOf(1, terms).slice().buffer];
    witness.logStore!.recovered({ hardState, base: { index: logIndex(0), term: term(0), timestampMs: 0 }, pieces });
    return witness;
  }

  beforeEach(() => {
    scene.start(A);
    scene.storedTerm(A, 2, B);
    scene.storedEntries(A, 1, [1, 2]);
  });

  test('has what was durable, and may have more', () => {
    restart(A, { term: term(3), votedFor: null }, [1, 2, 3]);

    expect(scene.violations.first).toBeNull();
  });

  test('may have what a later leader was about to put in place of it', () => {
    restart(A, { term: term(3), votedFor: null }, [1, 3]);

    expect(scene.violations.first).toBeNull();
  });

  test.each([
    ['an entry', { term: term(2), votedFor: B }, [1], 1, 'entry 2 of term 2 is lost'],
    ['its term', { term: term(1), votedFor: B }, [1, 2], 1, 'term 2 is forgotten'],
    ['its vote', { term: term(2), votedFor: null }, [1, 2], 1, 'the vote for b in term 2 is forgotten'],
    ['everything', null, [], 2, 'has forgotten everything'],
  ] as const)('must not have lost %s', (_, hardState, terms, life, what) => {
    restart(A, hardState, terms, life);

    expect(scene.broken).toBe('durability');
    expect(scene.violations.first!.what).toContain(what);
  });

  test.each([
    ['in an earlier term', { log: [1] }, 'term 1, and its disk has 2'],
    ['without its vote', { log: [1, 2] }, 'a vote for null in term 2, and its disk has one for b'],
  ])('must not go on %s', (_, given, what) => {
    const witness = restart(A, { term: term(2), votedFor: B }, [1, 2]);

    witness.raft!.stepped(new Subject({ self: A, ...given }).core, TICK);

    expect(scene.broken).toBe('durability');
    expect(scene.violations.first!.what).toContain(what);
  });
});

describe('a read', () => {
  /** Two nodes have an entry, which is committed, as far as the second one knows; the first one reads at `index`. */
  function readAt(index: number): void {
    const a = scene.start(A, { log: [1, 1] });
    const b = scene.start(B, { log: [1, 1] });
    for (const id of [A, B]) scene.storedEntries(id, 1, [1, 1]);
    b.core.commitIndex = logIndex(2);
    scene.stepped(B, b);
    scene.stepped(A, a, { type: 'read', readId: 7, lease: true, timeoutMs: 100 });
    a.core.effects.push({ type: 'readReady', readIds: [7], index: logIndex(index) });
    scene.stepped(A, a);
  }

  test('sees what was committed before it was made', () => {
    readAt(2);

    expect(scene.violations.first).toBeNull();
  });

  test('must not see less', () => {
    readAt(1);

    expect(scene.broken).toBe('fresh reads');
  });
});

test('all nodes agree on who counts', () => {
  const [a, b] = [scene.start(A, { log: [1] }), scene.start(B, { log: [1], admissions: [[A, lifeOf(A, 2)]] })];
  for (const id of [A, B]) scene.storedEntries(id, 1, [1]);
  scene.start(C);
  scene.storedEntries(C, 1, [1]);
  a.core.commitIndex = logIndex(1);
  scene.stepped(A, a);
  b.core.commitIndex = logIndex(1);

  scene.stepped(B, b);

  expect(scene.broken).toBe('members');
});
