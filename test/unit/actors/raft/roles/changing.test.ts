/** How a leader changes the members: who counts when, what comes after what, and what is refused. */

import { describe, expect, test } from 'vitest';
import { configurationOf, majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { configurationContent } from '../../../../../src/actors/raft/configuration-entry.js';
import type { Effect } from '../../../../../src/actors/raft/effects.js';
import { RaftLog } from '../../../../../src/actors/raft/raft-log.js';
import { createCore } from '../../../../../src/actors/raft/state.js';
import { incarnation, logIndex, nodeId, observerId, term, type NodeId } from '../../../../../src/ids.js';
import { describeConfiguration } from '../../../../scenario/describe-message.js';
import { configurationAt, grantPreVote, grantVote, requestVote } from './campaigning.js';
import {
  A,
  append,
  B,
  blockOf,
  C,
  D,
  encode,
  firstLivesOf,
  foundedAs,
  HEARTBEAT_MS,
  lifeOf,
  MAX_MS,
  MIN_MS,
  sentOf,
  Subject,
} from './fixture.js';

const E = nodeId('e');
const ABC = majorityConfiguration([A, B, C]);
/** C_old,new in which d takes the place of c. */
const C_TO_D = configurationOf({
  ...ABC,
  voters: [A, B, D],
  old: { voters: [A, B, C], rule: 'majority' },
  admitted: new Map([A, B, C, D].map((id) => [id, lifeOf(id)])),
});
const WITHOUT_A = foundedAs(majorityConfiguration([B, C]), firstLivesOf(majorityConfiguration([B, C])))!;

/** Asks for a change. Returns why it is refused; null: it has been begun. */
function change(subject: Subject, add: NodeId | null, remove: NodeId | null): string | null {
  const knownIndex = subject.core.commitIndex;
  const effects = subject.local({ type: 'changeMembers', changeId: 7, add, remove, knownIndex });
  const answers = effects.filter((effect) => effect.type === 'changeAnswered');
  expect(answers).toHaveLength(1);
  expect(answers[0]!.changeId).toBe(7);
  return answers[0]!.refusal;
}

/** Peers hold everything, and answer the last round. */
function acknowledge(subject: Subject, ...from: NodeId[]): Effect[] {
  for (const id of from) subject.peer(subject.ack(id, subject.core.log.lastIndex));
  const effects = subject.flush();
  return [...effects, ...subject.written(effects), ...subject.flush()];
}

/** A round begins, and these answer it. */
function round(subject: Subject, ...from: NodeId[]): Effect[] {
  subject.tick(HEARTBEAT_MS);
  subject.written(subject.flush());
  return acknowledge(subject, ...from);
}

/** The configurations in the log, in words. */
function changesOf(subject: Subject): string[] {
  const words: string[] = [];
  for (let index = 1; index <= subject.core.log.lastIndex; index++) {
    const configuration = configurationAt(subject, index);
    if (configuration !== null) words.push(describeConfiguration(configuration));
  }
  return words;
}

/** A leader of a, b and c that has added d; d is connected and has answered nothing. */
function leaderWithLearner(replaces: NodeId | null = null): Subject {
  const subject = new Subject().establish();
  subject.connect(D);
  expect(change(subject, D, replaces)).toBeNull();
  subject.written(subject.flush());
  return subject;
}

describe('a member that is added', () => {
  test('learns first, and has no vote', () => {
    const subject = leaderWithLearner();
    expect(changesOf(subject)).toEqual(['a=a1 b=b1 c=c1 +d']);
    expect(subject.core.configurations.current.electors).toEqual([A, B, C]);
    expect(subject.leader.peers.get(D)).toMatchObject({ state: 'probe', matchIndex: 0 });
  });

  test('does not become a voter before its entry as a learner is committed', () => {
    const subject = leaderWithLearner();
    round(subject, D);
    round(subject, D);
    expect(changesOf(subject)).toHaveLength(1);
    round(subject, B, D);
    expect(changesOf(subject)).toEqual(['a=a1 b=b1 c=c1 +d', 'a=a1 b=b1 c=c1 -> a=a1 b=b1 c=c1 d=d1']);
  });

  test('becomes one once it has caught up, by way of a joint configuration', () => {
    const subject = leaderWithLearner();
    round(subject, B, C);
    round(subject, B, C);
    expect(changesOf(subject)).toHaveLength(1);
    round(subject, B, C, D);
    expect(changesOf(subject)).toHaveLength(2);
    round(subject, B, C, D);
    expect(changesOf(subject).slice(1)).toEqual(['a=a1 b=b1 c=c1 -> a=a1 b=b1 c=c1 d=d1', 'a=a1 b=b1 c=c1 d=d1']);
    round(subject, B, C, D);
    expect(subject.core.commitIndex).toBe(subject.core.log.lastIndex);
    expect(changesOf(subject)).toHaveLength(3);
  });

  test('has not caught up while each round of catching up takes longer than an election', () => {
    const subject = leaderWithLearner();
    for (let i = 0; i < 5; i++) {
      const target = subject.core.log.lastIndex;
      for (let passedMs = 0; passedMs <= 2 * MIN_MS; passedMs += HEARTBEAT_MS) round(subject, B, C);
      subject.local({ type: 'submit', content: blockOf(i) });
      subject.flush();
      subject.peer(subject.ack(D, target));
      acknowledge(subject, B, C);
    }
    expect(changesOf(subject)).toHaveLength(1);
  });

  test('has not caught up if it has fallen silent since: what it had before tells nothing of whether it is there', () => {
    const subject = leaderWithLearner();
    // Nothing may be changed while leadership is being handed over.
    subject.local({ type: 'transferLeadership', target: C });
    acknowledge(subject, B, D);
    subject.local({ type: 'peerDisconnected', peer: D });
    for (let passedMs = 0; passedMs <= 2 * MAX_MS; passedMs += HEARTBEAT_MS) round(subject, B);
    expect(subject.core.handover).toBeNull();
    expect(changesOf(subject)).toHaveLength(1);

    subject.connect(D);
    round(subject, B, D);
    expect(changesOf(subject)).toHaveLength(2);
  });

  test('begins anew when it has lost its memory, and votes as who it is then', () => {
    const subject = leaderWithLearner();
    acknowledge(subject, B, C);
    subject.connect(D, 2);
    expect(subject.leader.peers.get(D)).toMatchObject({ matchIndex: 0, catchUp: null });
    for (let i = 0; i < 3; i++) round(subject, B, C, D);
    expect(changesOf(subject).at(-1)).toBe('a=a1 b=b1 c=c1 d=d2');
  });

  test('is promoted by the next leader too', () => {
    const learning = configurationOf({
      ...foundedAs(ABC, firstLivesOf(ABC))!,
      learners: [{ id: D, replaces: null }],
    });
    const subject = new Subject({ configuration: learning });
    subject.connect(D);
    subject.elect();
    for (let i = 0; i < 4; i++) round(subject, B, C, D);
    expect(changesOf(subject).at(-1)).toBe('a=a1 b=b1 c=c1 d=d1');
  });

  test('takes the place of another in one change of voters', () => {
    const subject = leaderWithLearner(C);
    for (let i = 0; i < 4; i++) round(subject, B, C, D);
    expect(changesOf(subject)).toEqual([
      'a=a1 b=b1 c=c1 +d for c',
      'a=a1 b=b1 c=c1 -> a=a1 b=b1 d=d1',
      'a=a1 b=b1 d=d1',
    ]);
  });

  test('takes nobody’s place any more when that voter is removed meanwhile', () => {
    const subject = leaderWithLearner(C);
    round(subject, B, C);
    expect(change(subject, null, C)).toBeNull();
    for (let i = 0; i < 2; i++) round(subject, B, C);
    expect(changesOf(subject).at(-1)).toBe('a=a1 b=b1 +d');
  });

  test('takes over what a learner was to do that it replaces', () => {
    const subject = leaderWithLearner(C);
    round(subject, B, C);
    subject.connect(E);
    expect(change(subject, E, D)).toBeNull();
    expect(changesOf(subject).at(-1)).toBe('a=a1 b=b1 c=c1 +e for c');
  });

  test('is not promoted while leadership is being handed over', () => {
    const subject = leaderWithLearner();
    round(subject, B, C);
    subject.local({ type: 'transferLeadership', target: C });
    for (let i = 0; i < 3; i++) round(subject, B, D);
    expect(changesOf(subject)).toHaveLength(1);
  });
});

describe('a member that is removed', () => {
  test('votes and counts until the joint configuration is committed by both sets', () => {
    const subject = new Subject().establish();
    expect(change(subject, null, C)).toBeNull();
    subject.written(subject.flush());
    expect(changesOf(subject)).toEqual(['a=a1 b=b1 c=c1 -> a=a1 b=b1']);
    // With c a majority of the old set, but not of the new one.
    round(subject, C);
    expect(subject.core.commitIndex).toBe(1);
    round(subject, B);
    expect(changesOf(subject).at(-1)).toBe('a=a1 b=b1');
  });

  test('is still sent the log while it is connected, to hear of its removal, and forgotten then', () => {
    const subject = new Subject().establish();
    change(subject, null, C);
    for (let i = 0; i < 3; i++) round(subject, B, C);
    expect(subject.core.configurations.current.electors).toEqual([A, B]);
    expect(subject.leader.peers.get(C)).toMatchObject({ matchIndex: subject.core.log.lastIndex });
    subject.local({ type: 'peerDisconnected', peer: C });
    expect(subject.leader.peers.has(C)).toBe(false);
  });

  test('is forgotten at once if it is not connected', () => {
    const subject = new Subject({ lives: { c: null } }).elect();
    round(subject, B);
    change(subject, null, C);
    for (let i = 0; i < 2; i++) round(subject, B);
    expect([...subject.leader.peers.keys()]).toEqual([B]);
  });

  test('and added again is another tracking: what it acknowledged before does not count', () => {
    const subject = new Subject().establish();
    change(subject, null, C);
    for (let i = 0; i < 2; i++) round(subject, B, C);
    const old = subject.ack(C, subject.core.log.lastIndex);
    subject.local({ type: 'peerDisconnected', peer: C });
    expect(change(subject, C, null)).toBeNull();
    subject.connect(C);
    subject.peer(old);
    expect(subject.leader.peers.get(C)).toMatchObject({ matchIndex: 0, ackedRound: 0 });
  });

  test('and added again at once catches up anew: it may not have heard of that', () => {
    const subject = leaderWithLearner();
    acknowledge(subject, B, C);
    change(subject, null, D);
    acknowledge(subject, B, C, D);
    expect(change(subject, D, null)).toBeNull();
    acknowledge(subject, B, C);
    expect(changesOf(subject)).toEqual(['a=a1 b=b1 c=c1 +d', 'a=a1 b=b1 c=c1', 'a=a1 b=b1 c=c1 +d']);
  });

  test('only to learn goes in one step', () => {
    const subject = leaderWithLearner();
    round(subject, B);
    expect(change(subject, null, D)).toBeNull();
    expect(changesOf(subject).at(-1)).toBe('a=a1 b=b1 c=c1');
  });
});

describe('a change is refused, and nothing changed,', () => {
  test.each<[string, NodeId | null, NodeId | null, string]>([
    ['of one who is a voter already', B, null, 'already a member'],
    ['that removes nobody who belongs to it', null, D, 'no such member'],
    ['that replaces nobody who belongs to it', D, E, 'no such member'],
    ['that puts one in its own place', B, B, 'already a member'],
  ])('if it is one %s', (_, add, remove, refusal) => {
    const subject = new Subject().establish();
    expect(change(subject, add, remove)).toBe(refusal);
    expect(changesOf(subject)).toEqual([]);
  });

  test('if it is one of a learner', () => {
    const subject = leaderWithLearner();
    round(subject, B);
    expect(change(subject, D, null)).toBe('already a member');
  });

  test('if the last voter would go', () => {
    const alone = new Subject({ configuration: majorityConfiguration([A]) });
    alone.elect();
    alone.flush();
    expect(change(alone, null, A)).toBe('last voter');
  });

  test('if there were more than 15 voters', () => {
    const ids = Array.from({ length: 14 }, (_, i) => nodeId(`n${i}`));
    const subject = new Subject({ configuration: majorityConfiguration([A, ...ids.slice(0, 13)]) });
    subject.elect(ids.slice(0, 13));
    round(subject, ...ids.slice(0, 13));
    expect(change(subject, nodeId('m15'), null)).toBeNull();
    round(subject, ...ids.slice(0, 13));
    expect(change(subject, nodeId('m16'), null)).toBe('too many voters');
    expect(change(subject, nodeId('m16'), ids[0]!)).toBeNull();
  });

  test('if too few of the rest are there', () => {
    const subject = new Subject().establish();
    for (let passedMs = 0; passedMs <= MAX_MS; passedMs += HEARTBEAT_MS) round(subject, B);
    expect(change(subject, null, B)).toBe('no quorum left');
    expect(change(subject, null, C)).toBeNull();
  });

  test('if too few of the rest count', () => {
    const subject = new Subject({ lives: { c: 2 } }).elect();
    acknowledge(subject, B);
    subject.tick(HEARTBEAT_MS);
    subject.peer(subject.ack(C, 1));
    expect(change(subject, null, B)).toBe('no quorum left');
  });

  test('while another one is not committed', () => {
    const subject = leaderWithLearner();
    expect(change(subject, E, null)).toBe('under way');
    round(subject, B);
    expect(change(subject, E, null)).toBeNull();
  });

  test('while two sets of voters are needed', () => {
    const subject = new Subject().establish();
    change(subject, null, C);
    expect(change(subject, D, null)).toBe('under way');
  });

  test('while somebody is learning to take the same place', () => {
    const subject = leaderWithLearner(C);
    round(subject, B);
    expect(change(subject, E, C)).toBe('under way');
  });

  test('while leadership is being handed over', () => {
    const subject = new Subject().establish();
    subject.local({ type: 'transferLeadership', target: B });
    expect(change(subject, D, null)).toBe('under way');
  });

  test('before an entry of the leader’s own term is committed', () => {
    const subject = new Subject({ log: [1], term: 1 }).elect();
    expect(change(subject, D, null)).toBe('under way');
  });

  test('where no leader is known', () => {
    expect(change(new Subject(), D, null)).toBe('no leader');
  });
});

describe('while two sets of voters are needed', () => {
  /** A follower whose newest configuration is C_old,new, uncommitted. */
  function joint(self: NodeId = A): Subject {
    const subject = new Subject({ self, term: 1 });
    for (const id of [A, B, C, D]) if (id !== self) subject.connect(id);
    const from = self === B ? C : B;
    subject.peer({ ...append(0, 0, [], { from }), entries: encode(1, [[configurationContent(C_TO_D), 1]]) });
    subject.flush();
    return subject;
  }

  test.each<[string, NodeId[], boolean]>([
    ['a majority of the new one only', [D], false],
    ['a majority of the old one only', [C], false],
    ['one of both', [C, D], true],
    ['one who is in both', [B], true],
  ])('a candidate with %s', (_, voters, isElected) => {
    const subject = joint();
    subject.tick(MAX_MS);
    grantPreVote(subject, ...voters);
    expect(subject.core.role.name).toBe(isElected ? 'candidate' : 'preCandidate');
    if (!isElected) return;
    subject.written(subject.flush());
    grantVote(subject, ...voters);
    expect(subject.core.role.name).toBe('leader');
  });

  test('all of both are asked for their votes', () => {
    const subject = joint();
    const asked = sentOf(subject.tick(MAX_MS)).map(({ to }) => to);
    expect(asked).toEqual([B, C, D]);
  });

  test('who is in the old set only may be elected, and so may who is in the new set only', () => {
    for (const self of [C, D]) {
      const subject = joint(self);
      subject.tick(MAX_MS);
      grantPreVote(subject, A, B);
      expect(subject.core.role.name).toBe('candidate');
    }
  });

  test('neither round nor lease comes from one of them alone', () => {
    const subject = joint();
    subject.elect([B]);
    acknowledge(subject, B);
    expect(subject.core.configurations.lastIndex).toBe(3);

    const stuck = joint();
    stuck.elect([C, D]);
    const { quorumRound } = stuck.leader;
    round(stuck, C);
    expect(stuck.leader.quorumRound).toBe(quorumRound);
    round(stuck, D);
    expect(stuck.leader.quorumRound).toBeGreaterThan(quorumRound);
  });

  test('a leader that reaches one of them only steps down', () => {
    const subject = joint();
    subject.elect([C, D]);
    for (let passedMs = 0; passedMs <= MAX_MS + HEARTBEAT_MS && subject.core.role.name === 'leader';) {
      passedMs += HEARTBEAT_MS;
      subject.tick(HEARTBEAT_MS);
      subject.flush();
      if (subject.core.role.name === 'leader') subject.peer(subject.ack(C, 0));
    }
    expect(subject.core.role.name).toBe('follower');
  });

  test('a new leader finishes what it finds, once an entry of its own term is committed', () => {
    const subject = joint();
    subject.elect([B]);
    expect(changesOf(subject)).toHaveLength(1);
    acknowledge(subject, B);
    expect(changesOf(subject)).toEqual(['a=a1 b=b1 c=c1 -> a=a1 b=b1 d=d1', 'a=a1 b=b1 d=d1']);
  });

  test('a leader’s own entry that is cut off leaves the old set as it was', () => {
    const subject = joint();
    subject.peer(append(0, 0, [2], { term: 2, from: C }));
    expect(subject.core.configurations.current.electors).toEqual([A, B, C]);
    subject.tick(MAX_MS);
    grantPreVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
  });
});

describe('a leader that is left out', () => {
  /** It has removed itself, and that is not committed: b and c hold everything else. */
  function leaving(): Subject {
    const subject = new Subject().establish();
    expect(change(subject, null, A)).toBeNull();
    subject.written(subject.flush());
    round(subject, B, C);
    expect(changesOf(subject).at(-1)).toBe('b=b1 c=c1');
    return subject;
  }

  test('leads until that is committed, without counting itself', () => {
    const subject = leaving();
    subject.written(subject.flush());
    round(subject, B);
    expect(subject.core).toMatchObject({ role: { name: 'leader' }, commitIndex: subject.core.log.lastIndex - 1 });
  });

  test('steps down then, and has the best of the others campaign at once', () => {
    const subject = leaving();
    subject.peer(subject.ack(B, subject.core.log.lastIndex - 1));
    const effects = acknowledge(subject, B, C);
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, leader: null });
    expect(sentOf(effects).filter(({ message }) => message.type === 'timeoutNow')).toMatchObject([{ to: B }]);
  });

  test('tells the others of the commitment before it does', () => {
    const subject = leaving();
    const effects = acknowledge(subject, B, C);
    const told = sentOf(effects).filter(({ message }) => message.type === 'appendEntries');
    expect(told.map(({ to, message }) => [to, message.type === 'appendEntries' && message.leaderCommit])).toEqual([
      [B, subject.core.log.lastIndex],
      [C, subject.core.log.lastIndex],
    ]);
  });

  test('campaigns once more if it has crashed and nobody else may know: it alone may be electable', () => {
    const subject = new Subject({ term: 1 });
    subject.peer({ ...append(0, 0), entries: encode(1, [[configurationContent(WITHOUT_A), 1]]) });
    subject.tick(MAX_MS);
    expect(subject.core.role.name).toBe('preCandidate');
    grantPreVote(subject, B);
    expect(subject.core.role.name).toBe('preCandidate');
    grantPreVote(subject, C);
    subject.written(subject.flush());
    grantVote(subject, B, C);
    expect(subject.core.role.name).toBe('leader');
    acknowledge(subject, B, C);
    expect(subject.core.role.name).toBe('follower');
  });

  test('steps down when its objects have loaded a snapshot by which that was committed long ago', () => {
    const subject = new Subject({ term: 1 });
    subject.peer({ ...append(0, 0), entries: encode(1, [[configurationContent(WITHOUT_A), 1]]) });
    subject.elect([B, C]);
    expect(subject.core.role.name).toBe('leader');
    const lastIncluded = { index: logIndex(1), term: term(1), timestampMs: 1 };
    subject.local({ type: 'snapshotInstalled', lastIncluded, configuration: WITHOUT_A });
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, commitIndex: 1 });
  });

  test('does so no more once that is committed', () => {
    const subject = new Subject({ term: 1 });
    const entries = encode(1, [[configurationContent(WITHOUT_A), 1]]);
    subject.peer({ ...append(0, 0, [], { leaderCommit: 1 }), entries });
    subject.tick(MAX_MS);
    expect(subject.core.role.name).toBe('follower');
  });
});

describe('a node that is a member no more', () => {
  const removedOf = (effects: readonly Effect[]) => effects.filter(({ type }) => type === 'removed');

  test('hears so when all that the leader knows to be committed leaves it out, once', () => {
    const subject = new Subject({ term: 1 });
    const entries = encode(1, [[configurationContent(WITHOUT_A), 1]]);
    expect(removedOf(subject.peer({ ...append(0, 0), entries }))).toEqual([]);
    expect(removedOf(subject.peer(append(1, 1, [], { leaderCommit: 2 })))).toEqual([]);
    expect(removedOf(subject.peer(append(1, 1, [1], { leaderCommit: 2 })))).toHaveLength(1);
    expect(removedOf(subject.peer(append(2, 1, [], { leaderCommit: 2 })))).toEqual([]);
  });

  test('hears nothing of it if it has been let in again since', () => {
    const subject = new Subject({ term: 1 });
    const again = configurationOf({ ...WITHOUT_A, learners: [{ id: A, replaces: null }] });
    const removal = encode(1, [[configurationContent(WITHOUT_A), 1]]);
    expect(removedOf(subject.peer({ ...append(0, 0, [], { leaderCommit: 2 }), entries: removal }))).toEqual([]);
    const addition = encode(2, [[configurationContent(again), 1]]);
    expect(removedOf(subject.peer({ ...append(1, 1, [], { leaderCommit: 2 }), entries: addition }))).toEqual([]);
  });

  test('hears nothing of it from a leader that is yet to learn what is committed: that may let it in again', () => {
    const subject = new Subject({ term: 1 });
    const removal = encode(1, [[configurationContent(WITHOUT_A), 1]]);
    const { log } = subject.core;
    expect(removedOf(subject.peer({ ...append(0, 0, [], { leaderCommit: 1, term: 2 }), entries: removal }))).toEqual(
      [],
    );
    expect(removedOf(subject.peer(append(1, 1, [2], { leaderCommit: 1 })))).toEqual([]);
    expect(removedOf(subject.peer(append(log.lastIndex, 2, [], { leaderCommit: 2 })))).toHaveLength(1);
  });

  test('was one: who is yet to be added waits', () => {
    const subject = new Subject({ self: D, term: 1 });
    const entries = encode(1, [[configurationContent(WITHOUT_A), 1]]);
    expect(removedOf(subject.peer({ ...append(0, 0, [], { leaderCommit: 1 }), entries }))).toEqual([]);
  });

  test('does not bring others to a later term by what it answers', () => {
    const subject = new Subject().establish();
    change(subject, null, C);
    for (let i = 0; i < 2; i++) round(subject, B, C);
    subject.peer({ ...subject.ack(C, 1), term: 9 });
    expect(subject.core).toMatchObject({ term: 1, role: { name: 'leader' } });
  });

  test('does not depose a leader by asking for votes', () => {
    const subject = new Subject().establish();
    change(subject, null, C);
    for (let i = 0; i < 2; i++) round(subject, B, C);
    subject.peer(requestVote(9, [9, 9], { from: C }));
    expect(subject.core).toMatchObject({ term: 1, role: { name: 'leader' } });
  });
});

describe('a stranger that is connected', () => {
  function follower(): Subject {
    const subject = new Subject({ log: [1], term: 1 });
    subject.connect(D);
    subject.tick(MIN_MS);
    return subject;
  }

  test('is followed: it was let in and elected, and this node has yet to hear of that', () => {
    const subject = follower();
    const entries = encode(2, [[configurationContent(C_TO_D), 2]]);
    subject.peer({ ...append(1, 1, [], { from: D, term: 2 }), entries });
    expect(subject.core).toMatchObject({ term: 2, leader: D, log: { lastIndex: 2 } });
  });

  test('is voted for', () => {
    const subject = follower();
    subject.peer(requestVote(2, [5, 1], { from: D }));
    expect(subject.core).toMatchObject({ term: 2, votedFor: D });
  });

  test('is not taken for a second leader of a term: that is of another group', () => {
    const subject = follower();
    subject.peer(append(1, 1, [], { from: B }));
    subject.peer(append(1, 1, [1], { from: D }));
    expect(subject.core).toMatchObject({ leader: B, log: { lastIndex: 1 } });
  });

  test('is neither followed nor voted for if it is an observer', () => {
    const observer = observerId(incarnation('0'.repeat(32)));
    const subject = new Subject({ log: [1], term: 1 });
    subject.connect(observer);
    subject.tick(MIN_MS);
    subject.peer(append(1, 1, [], { from: observer, term: 2 }), requestVote(2, [5, 1], { from: observer }));
    expect(subject.core).toMatchObject({ term: 1, leader: null, votedFor: null });
  });

  test('counts for nothing', () => {
    const subject = follower();
    subject.tick(MAX_MS);
    grantPreVote(subject, D);
    expect(subject.core.role.name).toBe('preCandidate');
  });
});

describe('leadership', () => {
  test('is not handed over to a learner', () => {
    const subject = leaderWithLearner();
    round(subject, B, C);
    const effects = subject.local({ type: 'transferLeadership', target: D });
    expect(effects).toContainEqual({ type: 'transferEnded', error: 'no such voter' });
  });

  test('is not handed over to one who is about to go', () => {
    const subject = new Subject().establish();
    change(subject, null, C);
    const effects = subject.local({ type: 'transferLeadership', target: C });
    expect(effects).toContainEqual({ type: 'transferEnded', error: 'no such voter' });
  });
});

describe('a node that starts again', () => {
  test('goes by the newest configuration in its log, whatever it is started with', () => {
    const { options } = new Subject({ configuration: majorityConfiguration([A]) }).core;
    const log = new RaftLog();
    log.append(configurationContent(WITHOUT_A), term(1), 1);
    log.append(configurationContent(C_TO_D), term(1), 2);
    const hardState = { term: term(1), votedFor: null };
    const core = createCore(options, 0, { hardState, log, configuration: foundedAs(ABC, firstLivesOf(ABC)) });
    expect(core.configurations.current.electors).toEqual([A, B, C, D]);
    expect(core.configurations.previous?.electors).toEqual([B, C]);
    expect(core.electionDeadlineMs).toBeGreaterThan(0);
  });

  test('goes by what its snapshot says where the log has nothing newer', () => {
    const { options } = new Subject({ configuration: majorityConfiguration([A]) }).core;
    const core = createCore(options, 0, { hardState: null, log: new RaftLog(), configuration: C_TO_D });
    expect(core.configurations.current).toBe(C_TO_D);
  });
});
