/** Taking entries from a leader, in every role that listens to one; and what moves a node from one role to another. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import type { RoleName } from '../../../../../src/actors/raft/state.js';
import { logIndex, term } from '../../../../../src/ids.js';
import {
  A,
  append,
  B,
  C,
  D,
  entriesOf,
  install,
  MAX_MS,
  MIN_MS,
  sentLaterOf,
  sentOf,
  START_MS,
  storesOf,
  Subject,
  termsOf,
} from './fixture.js';

type Given = ConstructorParameters<typeof Subject>[0];

/** A node in a role that listens, in term 3 unless it campaigned in it. */
const listening: Readonly<Record<Exclude<RoleName, 'leader'>, (given: Given) => Subject>> = {
  follower: (given) => new Subject({ term: 3, ...given }),
  preCandidate: (given) => {
    const subject = new Subject({ term: 3, ...given });
    subject.tick(MAX_MS);
    return subject;
  },
  candidate: (given) => {
    const subject = new Subject({ term: 2, ...given });
    subject.tick(MAX_MS);
    subject.peer({ type: 'requestPreVoteReply', campaignTerm: term(3), voteGranted: true });
    subject.flush();
    return subject;
  },
  receivingSnapshot: (given) => {
    const subject = new Subject({ term: 3, ...given });
    subject.peer(install(99));
    subject.flush();
    return subject;
  },
};

const names = Object.keys(listening) as (keyof typeof listening)[];

describe.each(names)('a %s that hears from the leader of its term', (name) => {
  test('takes the entries, and follows', () => {
    const subject = listening[name]({ log: [1, 1] });
    expect(subject.core.role.name).toBe(name);
    subject.peer(append(2, 1, [2, 3], { leaderCommit: 3 }));
    expect(termsOf(subject.core)).toEqual([1, 1, 2, 3]);
    expect(subject.core).toMatchObject({ leader: B, commitIndex: 3, term: 3, leaderContactMs: subject.nowMs });
    expect(subject.core.role.name).toBe(name === 'receivingSnapshot' ? name : 'follower');
  });

  test('refuses entries of a leader of an earlier term, and tells it of the later one', () => {
    const subject = listening[name]({ log: [1, 1] });
    const { electionDeadlineMs } = subject.core;
    subject.peer(append(2, 1, [2], { term: 2, from: C }));
    expect(termsOf(subject.core)).toEqual([1, 1]);
    expect(subject.core.electionDeadlineMs).toBe(electionDeadlineMs);
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: C, message: { term: 3, success: false } }]);
  });

  test('follows a leader of a later term', () => {
    const subject = listening[name]({ log: [1, 1] });
    subject.peer(append(2, 1, [9], { term: 9, from: C }));
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 9, votedFor: null, leader: C });
    expect(storesOf(subject.flush())).toMatchObject([
      { hardState: { term: 9, votedFor: null }, append: { firstIndex: 3, lastIndex: 3 } },
    ]);
  });

  test('takes no notice of strangers', () => {
    const subject = listening[name]({ log: [1, 1] });
    subject.peer(append(2, 1, [9], { term: 9, from: D }));
    expect(subject.core).toMatchObject({ role: { name }, term: 3 });
    expect(termsOf(subject.core)).toEqual([1, 1]);
  });

  test.each([
    ['a stranger', D, 1],
    ['a member that has lost its memory', B, 2],
  ])('throws for a log of %s that contradicts what is committed, for it is of another cluster', (_, from, life) => {
    const subject = listening[name]({ log: [1, 1] });
    subject.peer(append(2, 1, [], { leaderCommit: 2 }));
    subject.connect(from, life);
    const other = append(0, 0, [2, 2, 2], { term: 9, from });
    expect(() => subject.peer(other)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    expect(subject.core).toMatchObject({ leader: null, commitIndex: 2 });
    expect(termsOf(subject.core)).toEqual([1, 1]);
  });

  test('throws for bytes that are no entries, and goes on', () => {
    const subject = listening[name]({ log: [1, 1] });
    const torn = { ...append(2, 1, [2]), entries: entriesOf(3, [2]).subarray(1) };
    expect(() => subject.peer(torn)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    const gap = { ...append(2, 1), entries: entriesOf(4, [2]) };
    expect(() => subject.peer(gap)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    const later = append(2, 1, [4]);
    expect(() => subject.peer(later)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    subject.peer(append(2, 1, [2]));
    expect(termsOf(subject.core)).toEqual([1, 1, 2]);
  });

  test('drops replies to what it may have asked as a leader', () => {
    const subject = listening[name]({ log: [1, 1] });
    const zero = { conflictIndex: logIndex(0), conflictTerm: term(0) };
    subject.peer(
      { type: 'appendEntriesReply', session: 1, round: 1, success: true, matchIndex: logIndex(2), ...zero },
      { type: 'installSnapshotReply', session: 1, round: 1, lastIncludedIndex: logIndex(2) },
    );
    expect(subject.core).toMatchObject({ role: { name }, commitIndex: 0 });
  });
});

describe('an acknowledgement', () => {
  test('goes out behind the entries in one store', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [1, 1], { session: 7, round: 5 }));
    const effects = subject.flush();
    expect(sentOf(effects)).toEqual([]);
    expect(storesOf(effects)).toMatchObject([
      {
        hardState: null,
        append: { firstIndex: 2, lastIndex: 3, entries: entriesOf(2, [1, 1]) },
        then: [{ to: B, message: { success: true, matchIndex: 3, session: 7, round: 5 } }],
      },
    ]);
  });

  test('speaks for all messages of a batch', () => {
    const subject = new Subject({ term: 1 });
    subject.peer(append(0, 0, [1]), append(1, 1, [1, 1], { round: 2 }), append(3, 1, [], { round: 3 }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { matchIndex: 3, round: 3 } }]);
  });

  test('of a doubled message says the same again', () => {
    const subject = new Subject({ term: 1 });
    subject.peer(append(0, 0, [1, 1]));
    subject.flush();
    subject.peer(append(0, 0, [1, 1]));
    const effects = subject.flush();
    expect(storesOf(effects)).toMatchObject([{ append: null }]);
    expect(sentLaterOf(effects)).toMatchObject([{ message: { success: true, matchIndex: 2 } }]);
  });

  test('of an old message does not cut off what has come since', () => {
    const subject = new Subject({ log: [1, 1, 1], term: 1 });
    subject.peer(append(0, 0, [1]));
    expect(termsOf(subject.core)).toEqual([1, 1, 1]);
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { success: true, matchIndex: 1 } }]);
  });

  test('speaks for what is committed, even where the message does not', () => {
    const subject = new Subject({ log: [1, 1, 1], term: 1 });
    subject.peer(append(3, 1, [], { leaderCommit: 3 }));
    subject.flush();
    subject.peer(append(1, 1));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { success: true, matchIndex: 3 } }]);
  });
});

describe('entries that contradict the log', () => {
  test('replace it from there on, in memory and in the store', () => {
    const subject = new Subject({ log: [1, 1, 2, 2, 2], term: 3 });
    subject.peer(append(1, 1, [1, 3]));
    expect(termsOf(subject.core)).toEqual([1, 1, 3]);
    expect(storesOf(subject.flush())).toMatchObject([{ append: { firstIndex: 3, lastIndex: 3 } }]);
  });

  test('are stored although what they replace had not been stored', () => {
    const subject = new Subject({ log: [1], term: 2 });
    subject.peer(append(1, 1, [2, 2, 2]));
    subject.peer(append(2, 2, [3], { term: 3, from: C }));
    // In as many requests as there are pieces of memory; the term with the first one, what follows with the last one.
    expect(storesOf(subject.flush())).toMatchObject([
      { hardState: { term: 3 }, append: { firstIndex: 2, lastIndex: 2, entries: entriesOf(2, [2]) }, then: [] },
      { hardState: null, append: { firstIndex: 3, lastIndex: 3, entries: entriesOf(3, [3]) }, then: [{}, {}] },
    ]);
  });
});

describe('a refusal', () => {
  test('of a log that is too short says where it ends', () => {
    const subject = new Subject({ log: [1, 1], term: 1 });
    subject.peer(append(5, 1, [1]));
    expect(sentLaterOf(subject.flush())).toMatchObject([
      { message: { success: false, matchIndex: 5, conflictIndex: 3, conflictTerm: 0 } },
    ]);
  });

  test('of another term says where that begins', () => {
    const subject = new Subject({ log: [1, 2, 2, 2], term: 3 });
    subject.peer(append(4, 3, [3]));
    expect(sentLaterOf(subject.flush())).toMatchObject([
      { message: { success: false, matchIndex: 4, conflictIndex: 2, conflictTerm: 2 } },
    ]);
    expect(termsOf(subject.core)).toEqual([1, 2, 2, 2]);
  });
});

describe('the commit index of a follower', () => {
  test('never goes back', () => {
    const subject = new Subject({ log: [1, 1], term: 1 });
    subject.peer(append(2, 1, [], { leaderCommit: 2 }), append(2, 1, [], { leaderCommit: 1 }));
    expect(subject.core.commitIndex).toBe(2);
  });
});

describe('time', () => {
  test('makes a follower ask for promises once its timeout is over, and changes no term', () => {
    const subject = new Subject({ log: [1, 2] });
    subject.tick(MIN_MS - 1);
    expect(subject.core.role.name).toBe('follower');
    const effects = subject.tick(1);
    expect(subject.core).toMatchObject({ role: { name: 'preCandidate' }, term: 2, leader: null });
    expect(sentOf(effects)).toMatchObject([
      { to: B, message: { type: 'requestPreVote', term: 2, campaignTerm: 3, lastLogIndex: 2, lastLogTerm: 2 } },
      { to: C, message: { type: 'requestPreVote' } },
    ]);
    expect(subject.flush()).toEqual([]);
  });

  test('makes a pre-candidate ask again', () => {
    const subject = listening.preCandidate({});
    expect(sentOf(subject.tick(MAX_MS)).map(({ to }) => to)).toEqual([B, C]);
    expect(subject.core.term).toBe(3);
  });

  test('makes a candidate ask for promises again, in the term that it reached', () => {
    const subject = listening.candidate({});
    const effects = subject.tick(MAX_MS);
    expect(subject.core).toMatchObject({ role: { name: 'preCandidate' }, term: 3 });
    expect(sentOf(effects)).toMatchObject([{ message: { type: 'requestPreVote', campaignTerm: 4 } }, {}]);
  });

  test.each([
    ['learner', majorityConfiguration([B, C], [A])],
    ['observer', majorityConfiguration([B, C])],
  ])('never makes a %s campaign', (_, configuration) => {
    const subject = new Subject({ configuration, term: 1 });
    subject.peer(append(0, 0));
    subject.flush();
    subject.tick(MAX_MS);
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, leader: null, term: 1 });
    expect(subject.flush()).toEqual([]);
  });
});

describe('a campaign', () => {
  test('begins with a quorum of promises: its term and vote are stored, and only then does anybody hear of it', () => {
    const subject = listening.preCandidate({ log: [1] });
    subject.peer({ type: 'requestPreVoteReply', campaignTerm: term(4), voteGranted: true });
    const effects = subject.flush();
    expect(subject.core).toMatchObject({ role: { name: 'candidate' }, term: 4, votedFor: A });
    expect(sentOf(effects)).toEqual([]);
    expect(storesOf(effects)).toMatchObject([
      {
        hardState: { term: 4, votedFor: A },
        then: [
          { type: 'tellSelf', message: { type: 'requestVoteReply', from: A, term: 4, voteGranted: true } },
          { to: B, message: { type: 'requestVote', lastLogIndex: 1, lastLogTerm: 1, leadershipTransfer: false } },
          { to: C, message: { type: 'requestVote' } },
        ],
      },
    ]);
  });

  test('does not begin with promises for another one, or refusals', () => {
    const subject = listening.preCandidate({});
    subject.peer(
      { type: 'requestPreVoteReply', campaignTerm: term(3), voteGranted: true },
      { type: 'requestPreVoteReply', campaignTerm: term(4), voteGranted: false },
    );
    expect(subject.core.role.name).toBe('preCandidate');
  });

  test('is given up for a refusal that tells of a later term', () => {
    const subject = listening.preCandidate({});
    subject.peer({ type: 'requestPreVoteReply', campaignTerm: term(4), voteGranted: false, term: 7 });
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 7 });
  });

  test('is won with a quorum of votes, the own one among them only once it is durable', () => {
    const subject = listening.candidate({ log: [1] });
    subject.peer({ type: 'requestVoteReply', voteGranted: true });
    expect(subject.core.role.name).toBe('candidate');
    subject.peer({ type: 'requestVoteReply', voteGranted: true, from: A });
    expect(subject.core.role.name).toBe('leader');
    expect(termsOf(subject.core)).toEqual([1, 3]);
  });

  test('is not won by one vote counted twice, by refusals or by votes of other terms', () => {
    const subject = new Subject({ configuration: majorityConfiguration([A, B, C, D, 'e' as typeof A]) });
    subject.tick(MAX_MS);
    const promise = { type: 'requestPreVoteReply', campaignTerm: term(1), voteGranted: true } as const;
    subject.peer(promise, { ...promise, from: C });
    subject.written(subject.flush());
    const vote = { type: 'requestVoteReply', voteGranted: true } as const;
    subject.peer(vote, vote, { ...vote, from: C, voteGranted: false }, { ...vote, from: D, term: 0 });
    expect(subject.core.role.name).toBe('candidate');
    subject.peer({ ...vote, from: D });
    expect(subject.core.role.name).toBe('leader');
  });

  test('of the only voter needs nobody else, but its disk', () => {
    const subject = new Subject({ configuration: majorityConfiguration([A]) });
    subject.tick(MAX_MS);
    expect(subject.core.role.name).toBe('candidate');
    subject.written(subject.flush());
    expect(subject.core.role.name).toBe('leader');
    subject.written(subject.flush());
    expect(subject.flush()).toContainEqual({ type: 'commit', index: 1 });
  });
});

describe('a node that starts again', () => {
  test('knows its term, its vote and its log, and nothing of what was committed', () => {
    const { core } = new Subject({ log: [1, 2], term: 4, votedFor: C });
    expect(core).toMatchObject({
      role: { name: 'follower' },
      term: 4,
      votedFor: C,
      leader: null,
      commitIndex: 0,
      storedIndex: 2,
      electionDeadlineMs: START_MS + MIN_MS,
    });
    expect(termsOf(core)).toEqual([1, 2]);
  });

  test('tells storage nothing that storage told it', () => {
    expect(new Subject({ log: [1, 2], term: 4, votedFor: C }).flush()).toEqual([]);
  });
});

describe('a follower whose disk stands still', () => {
  test('asks it for nothing more for each word of a leader: one answer is enough, once the disk goes on', () => {
    const subject = new Subject({ term: 3, log: [1, 1] });
    subject.local({ type: 'storageLag', isBehind: true });
    for (let round = 2; round < 10; round++) {
      subject.peer(append(2, 1, [], { round }));
      expect(storesOf(subject.flush())).toEqual([]);
    }
    subject.local({ type: 'storageLag', isBehind: false });
    expect(sentLaterOf(subject.flush())).toMatchObject([
      { to: B, message: { success: true, matchIndex: 2, round: 9 } },
    ]);
  });

  test('asks it for what is new all the same, and answers in order', () => {
    const subject = new Subject({ term: 3, log: [1, 1] });
    subject.local({ type: 'storageLag', isBehind: true });
    subject.peer(append(3, 3, [], { round: 2 }));
    subject.flush();
    subject.peer(append(2, 1, [3], { round: 3 }));
    const effects = subject.flush();
    expect(storesOf(effects)).toMatchObject([{ append: { firstIndex: 3, lastIndex: 3 } }]);
    expect(sentLaterOf(effects).map(({ message }) => message)).toMatchObject([
      { success: false, round: 2 },
      { success: true, matchIndex: 3, round: 3 },
    ]);
  });
});
