/** What a node that does not lead asks of its leader for its own callers, and what the leader makes of it. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import type { Effect, VersionRefusal } from '../../../../../src/actors/raft/effects.js';
import { decodeVersionRefusal, encodeVersionRefusal } from '../../../../../src/actors/raft/version-refusal.js';
import { logIndex, nodeId, observerId, term, type NodeId } from '../../../../../src/ids.js';
import { A, append, B, blockOf, C, D, GROUP, HEARTBEAT_MS, lifeOf, MAX_MS, sentOf, Subject } from './fixture.js';

const E = nodeId('e');
const OBSERVER = observerId(lifeOf(nodeId('0123456789ab')));

/** A follower of `b`, in term 1. */
function follower(): Subject {
  const subject = new Subject({ term: 1 });
  subject.peer(append(0, 0));
  return subject;
}

function want(subject: Subject, add: NodeId | null, remove: NodeId | null, knownIndex = 0): Effect[] {
  return subject.local({ type: 'changeMembers', changeId: 7, add, remove, knownIndex: logIndex(knownIndex) });
}

function answered(refusal: string | null, index = 0): object {
  return { type: 'changeAnswered', changeId: 7, refusal, index };
}

/** What a leader answers to a question of `from`. */
function ask(subject: Subject, add: NodeId | null, remove: NodeId | null, knownIndex: number, from = B): string | null {
  const effects = subject.peer({
    type: 'changeRequest',
    question: 9,
    add,
    remove,
    knownIndex: logIndex(knownIndex),
    from,
  });
  const [{ to, message }] = sentOf(effects) as [ReturnType<typeof sentOf>[number]];
  expect(to).toBe(from);
  if (message.type !== 'changeReply') throw new Error(message.type);
  expect(message.question).toBe(9);
  return message.refusal;
}

describe('a change of members, on a node that follows', () => {
  test('is asked of the leader, and what that answers is what the caller is told', () => {
    const subject = follower();

    expect(sentOf(want(subject, D, C, 5))).toEqual([
      {
        to: B,
        message: {
          type: 'changeRequest',
          group: GROUP,
          from: A,
          term: 1,
          question: 1,
          add: D,
          remove: C,
          knownIndex: 5,
        },
      },
    ]);
    expect(subject.peer({ type: 'changeReply', question: 1, refusal: 'last voter', index: logIndex(0) })).toEqual([
      answered('last voter'),
    ]);
  });

  test('is answered once', () => {
    const subject = follower();
    want(subject, D, null);
    subject.peer({ type: 'changeReply', question: 1, refusal: null, index: logIndex(5) });

    expect(subject.peer({ type: 'changeReply', question: 1, refusal: null, index: logIndex(5) })).toEqual([]);
    expect(subject.tick(MAX_MS).filter(({ type }) => type === 'changeAnswered')).toEqual([]);
  });

  test('is answered by nobody but the one that was asked, and not in place of another', () => {
    const subject = follower();
    want(subject, D, null);

    expect(subject.peer({ type: 'changeReply', question: 1, refusal: null, index: logIndex(5), from: C })).toEqual([]);
    expect(subject.peer({ type: 'changeReply', question: 2, refusal: null, index: logIndex(5) })).toEqual([]);
  });

  test('may have been begun when the leader does not answer in time', () => {
    const subject = follower();
    want(subject, D, null);

    expect(subject.tick(MAX_MS - 1)).not.toContainEqual(answered('unanswered'));
    expect(subject.tick(1)).toContainEqual(answered('unanswered'));
  });

  test('may have been begun when another one leads, or this node itself', () => {
    const subject = follower();
    want(subject, D, null);
    subject.peer(append(0, 0, [], { term: 2, from: C }));
    expect(subject.tick(0)).toEqual([answered('unanswered')]);

    want(subject, D, null);
    subject.elect();
    expect(subject.core.askedChanges.size).toBe(0);
  });

  test('is bounded in number', () => {
    const subject = follower();
    for (let i = 0; i < 64; i++) expect(sentOf(want(subject, D, null))).toHaveLength(1);

    expect(want(subject, D, null)).toEqual([answered('under way')]);
  });

  test('that another one asks is refused: it does not lead', () => {
    expect(ask(follower(), D, null, 0, C)).toBe('no leader');
  });
});

describe('a leader that is asked for a change', () => {
  test.each([
    ['a member', C],
    ['an observer', OBSERVER],
    ['the one that is to be added', D],
  ])('by %s begins it, and says so', (_, from) => {
    const subject = new Subject().establish();
    subject.connect(from);

    expect(ask(subject, D, null, 1, from)).toBeNull();
    expect(subject.core.configurations.current.learners).toEqual([{ id: D, replaces: null }]);
  });

  test('by one that is not connected takes no notice', () => {
    const subject = new Subject().establish();
    const change = {
      type: 'changeRequest',
      question: 9,
      add: D,
      remove: null,
      knownIndex: logIndex(1),
      from: E,
    } as const;

    expect(subject.peer(change)).toEqual([]);
    expect(subject.core.configurations.current.learners).toEqual([]);
  });

  test.each<[string, NodeId | null, NodeId | null]>([
    ['adds', D, null],
    ['removes', null, C],
    ['replaces', D, C],
  ])('that %s again says that it has been begun, and does nothing', (_, add, remove) => {
    const subject = new Subject().establish();
    const known = subject.core.commitIndex;
    expect(ask(subject, add, remove, known)).toBeNull();
    const { lastIndex } = subject.core.log;

    expect(ask(subject, add, remove, known)).toBeNull();
    expect(subject.core.log.lastIndex).toBe(lastIndex);
  });

  test('does not begin it again when it has been undone since', () => {
    const subject = new Subject().establish();
    const known = subject.core.commitIndex;
    ask(subject, D, null, known);
    subject.written(subject.flush());
    subject.acknowledge();
    expect(ask(subject, null, D, subject.core.commitIndex)).toBeNull();
    subject.written(subject.flush());
    subject.acknowledge();

    expect(ask(subject, D, null, known)).toBeNull();
    expect(subject.core.configurations.current.learners).toEqual([]);
  });

  test('does not take another change for it', () => {
    const subject = new Subject().establish();
    const known = subject.core.commitIndex;
    ask(subject, D, null, known);
    subject.written(subject.flush());
    subject.acknowledge();

    expect(ask(subject, D, C, known)).toBe('already a member');
    expect(ask(subject, null, E, known)).toBe('no such member');
  });

  /** What is committed is in a snapshot, and the log begins behind it. */
  function drop(subject: Subject): void {
    const { core } = subject;
    core.log.dropTo(core.commitIndex);
    core.configurations.dropTo(core.commitIndex);
  }

  test('that has dropped what was changed since begins nothing', () => {
    const subject = new Subject().establish();
    const known = subject.core.commitIndex;
    ask(subject, D, null, known);
    subject.written(subject.flush());
    subject.acknowledge();
    drop(subject);

    expect(ask(subject, E, null, known)).toBe('outdated');
    expect(ask(subject, E, null, subject.core.commitIndex)).toBeNull();
  });

  test('that has dropped the log, in which nothing was changed since, begins it', () => {
    const subject = new Subject().establish();
    ask(subject, D, null, subject.core.commitIndex);
    subject.written(subject.flush());
    subject.acknowledge();
    const known = subject.core.commitIndex;
    subject.local({ type: 'submit', content: blockOf(1) });
    subject.written(subject.flush());
    subject.acknowledge();
    drop(subject);

    expect(subject.core.log.firstIndex).toBeGreaterThan(known + 1);
    expect(ask(subject, D, null, known)).toBe('already a member');
    expect(ask(subject, E, null, known)).toBeNull();
  });
});

describe('a code version, on a node that follows', () => {
  const wantVersion = (subject: Subject): Effect[] =>
    subject.local({ type: 'setCodeVersion', changeId: 7, version: 2 });
  const versionAnswered = (refusal: VersionRefusal | null): object => ({
    type: 'versionAnswered',
    changeId: 7,
    refusal,
  });
  const reply = (refusal: VersionRefusal | null, question = 1) =>
    ({ type: 'versionReply', question, refusal: encodeVersionRefusal(refusal) }) as const;

  test('is asked of the leader, and what that answers is what the caller is told', () => {
    const subject = follower();
    const refusal: VersionRefusal = {
      reason: 'unsupported',
      lacking: [
        [C, 1],
        [D, null],
      ],
    };

    expect(sentOf(wantVersion(subject))).toEqual([
      { to: B, message: { type: 'versionRequest', group: GROUP, from: A, term: 1, question: 1, version: 2 } },
    ]);
    expect(subject.peer(reply(refusal))).toEqual([versionAnswered(refusal)]);
    expect(subject.peer(reply(null))).toEqual([]);
  });

  test('is answered by nobody but the one that was asked, and not in place of another', () => {
    const subject = follower();
    wantVersion(subject);

    expect(subject.peer({ ...reply(null), from: C })).toEqual([]);
    expect(subject.peer(reply(null, 2))).toEqual([]);
    expect(subject.peer(reply(null))).toEqual([versionAnswered(null)]);
  });

  test('is not answered by what is no answer, and the question is given up in time', () => {
    const subject = follower();
    wantVersion(subject);

    expect(() => subject.peer({ type: 'versionReply', question: 1, refusal: Uint8Array.of(1) })).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL' }),
    );
    expect(subject.tick(MAX_MS)).toContainEqual(versionAnswered({ reason: 'unanswered' }));
  });

  test('may have been begun when the leader does not answer in time, or another one leads', () => {
    const subject = follower();
    wantVersion(subject);
    expect(subject.tick(MAX_MS - 1)).not.toContainEqual(versionAnswered({ reason: 'unanswered' }));
    expect(subject.tick(1)).toContainEqual(versionAnswered({ reason: 'unanswered' }));

    subject.peer(append(0, 0, [], { term: 2, from: B }));
    wantVersion(subject);
    subject.peer(append(0, 0, [], { term: 3, from: C }));
    expect(subject.tick(0)).toEqual([versionAnswered({ reason: 'unanswered' })]);
  });

  test('is refused where no leader is known, and where too many are asked for', () => {
    expect(wantVersion(new Subject())).toEqual([versionAnswered({ reason: 'no leader' })]);
    const subject = follower();
    for (let i = 0; i < 64; i++) expect(sentOf(wantVersion(subject))).toHaveLength(1);

    expect(wantVersion(subject)).toEqual([versionAnswered({ reason: 'under way' })]);
  });
});

describe('who is asked for a code version', () => {
  /** What is answered. */
  function askFor(subject: Subject, version: number): VersionRefusal | null {
    const [{ to, message }] = sentOf(subject.peer({ type: 'versionRequest', question: 9, version, from: B })) as [
      ReturnType<typeof sentOf>[number],
    ];
    expect(to).toBe(B);
    if (message.type !== 'versionReply') throw new Error(message.type);
    expect(message.question).toBe(9);
    return decodeVersionRefusal(message.refusal);
  }

  function leader(): Subject {
    const subject = new Subject({ codeVersionMax: 3 });
    for (const id of [B, C]) subject.connect(id, 1, 2);
    subject.establish();
    subject.local({ type: 'applied', index: subject.core.log.lastIndex });
    return subject;
  }

  test('begins it once as leader, however often it is asked', () => {
    const subject = leader();
    const { lastIndex } = subject.core.log;

    expect([askFor(subject, 2), askFor(subject, 2)]).toEqual([null, null]);
    expect(subject.core.log.lastIndex).toBe(lastIndex + 1);
  });

  test('says as leader why not', () => {
    const subject = leader();
    askFor(subject, 2);

    expect(askFor(subject, 1)).toEqual({ reason: 'lower', current: 2 });
    expect(askFor(subject, 3)).toMatchObject({
      reason: 'unsupported',
      lacking: [
        [B, 2],
        [C, 2],
      ],
    });
  });

  test('says that it does not lead, whatever term the question is of', () => {
    const subject = new Subject({ configuration: majorityConfiguration([A, B, C]), term: 3 });

    expect(askFor(subject, 2)).toEqual({ reason: 'no leader' });
    const effects = subject.peer({ type: 'versionRequest', question: 9, version: 2, from: B, term: term(1) });
    expect(sentOf(effects)).toMatchObject([{ to: B, message: { type: 'versionReply' } }]);
  });
});

describe('a transfer of leadership, on a node that follows', () => {
  function wanted(target: NodeId | null = C): Subject {
    const subject = follower();
    subject.local({ type: 'transferLeadership', target });
    return subject;
  }

  test('is asked of the leader, which answers what has become of it', () => {
    const subject = follower();

    expect(sentOf(subject.local({ type: 'transferLeadership', target: C }))).toEqual([
      { to: B, message: { type: 'transferRequest', group: GROUP, from: A, term: 1, question: 1, target: C } },
    ]);
    expect(subject.peer({ type: 'transferReply', question: 1, error: 'timed out' })).toEqual([
      { type: 'transferEnded', error: 'timed out' },
    ]);
    expect(subject.peer({ type: 'transferReply', question: 1, error: null })).toEqual([]);
  });

  test.each<[string, NodeId | null, string | null]>([
    ['the one that was wanted', C, null],
    ['any other, if any would do', null, null],
    ['another one than was wanted', A, 'another node was elected'],
  ])('has ended when there is another leader: %s', (_, target, error) => {
    const subject = wanted(target);
    subject.peer(append(0, 0, [], { term: 2, from: C }));

    expect(subject.tick(0)).toEqual([{ type: 'transferEnded', error }]);
  });

  test('to itself has ended when it leads', () => {
    const subject = wanted(A);
    subject.peer({ type: 'timeoutNow' });
    subject.written(subject.flush());
    subject.peer({ type: 'requestVoteReply', voteGranted: true });

    expect(subject.tick(HEARTBEAT_MS)).toContainEqual({ type: 'transferEnded', error: null });
  });

  test('is given up in time, and is one at a time', () => {
    const subject = wanted();
    expect(subject.local({ type: 'transferLeadership', target: null })).toEqual([
      { type: 'transferEnded', error: 'already under way' },
    ]);

    for (let passedMs = 0; passedMs < 2 * MAX_MS; passedMs += HEARTBEAT_MS) {
      subject.tick(HEARTBEAT_MS);
      subject.peer(append(0, 0));
    }
    expect(subject.core.askedTransfer).toBeNull();
  });
});

describe('a leader that is asked to hand leadership over', () => {
  test('does so, and tells the one that asked when the other leads', () => {
    const subject = new Subject().establish();
    subject.peer({ type: 'transferRequest', question: 9, target: C, from: B });
    subject.flush();
    expect(subject.core.handover).toMatchObject({ target: C, isTimeoutNowSent: true });
    subject.peer(append(1, 1, [], { term: 2, from: C }));

    expect(sentOf(subject.flush())).toEqual([
      { to: B, message: { type: 'transferReply', group: GROUP, from: A, term: 2, question: 9, error: null } },
    ]);
  });

  test.each<[string, NodeId, string | null]>([
    ['to one that is no voter', D, 'no such voter'],
    ['to itself', A, null],
  ])('%s says so at once', (_, target, error) => {
    const subject = new Subject().establish();

    expect(sentOf(subject.peer({ type: 'transferRequest', question: 9, target, from: B }))).toMatchObject([
      { to: B, message: { type: 'transferReply', question: 9, error } },
    ]);
  });

  test('but does not lead says so', () => {
    const subject = new Subject({ configuration: majorityConfiguration([A, B, C]), term: 3 });

    expect(
      sentOf(subject.peer({ type: 'transferRequest', question: 9, target: null, from: B, term: term(1) })),
    ).toMatchObject([{ to: B, message: { type: 'transferReply', question: 9, error: 'no leader' } }]);
  });
});
