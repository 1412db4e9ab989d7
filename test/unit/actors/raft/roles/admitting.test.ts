/** Whose votes and acknowledgements count, and letting in those who have lost their memory. */

import { describe, expect, test } from 'vitest';
import { majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { forgetfulVoters } from '../../../../../src/actors/raft/admitting.js';
import { createCore } from '../../../../../src/actors/raft/state.js';
import { statusOf } from '../../../../../src/actors/raft/status.js';
import { logIndex, nodeId, term, type NodeId } from '../../../../../src/ids.js';
import { admissionAt, admissionContent, candidate, grantPreVote, grantVote } from './campaigning.js';
import {
  A,
  append,
  B,
  blockOf,
  C,
  D,
  encode,
  HEARTBEAT_MS,
  lifeOf,
  MAX_MS,
  sentOf,
  Subject,
  type Admission,
  firstLivesOf,
  foundedAs,
  type Given,
  termsOf,
} from './fixture.js';

const E = nodeId('e');
const FIVE = majorityConfiguration([A, B, C, D, E]);

function submit(subject: Subject): void {
  subject.local({ type: 'submit', content: blockOf(1) });
}

/** Peers hold everything, and answer the last round. */
function acknowledge(subject: Subject, ...from: NodeId[]): void {
  for (const id of from) subject.peer(subject.ack(id, subject.core.log.lastIndex));
  subject.written(subject.flush());
}

/** A round begins, and these answer it. */
function round(subject: Subject, ...from: NodeId[]): void {
  subject.tick(HEARTBEAT_MS);
  subject.flush();
  acknowledge(subject, ...from);
}

/** A leader that `c` has elected: `b` has lost its memory. Nothing of its term is committed. */
function leaderOfReturned(given: Given = {}): Subject {
  return new Subject({ lives: { b: 2 }, ...given }).elect([C]);
}

describe('a node that remembers a cluster', () => {
  /** Nobody was heard from for long. */
  function leaderless(given: Given): Subject {
    const subject = new Subject(given);
    subject.tick(6 * MAX_MS);
    return subject;
  }

  test('knows when too many of the others remember nothing for there to be a leader again', () => {
    const { core } = leaderless({ lives: { b: 2, c: 2 } });
    expect(statusOf(core)).toMatchObject({ isMemoryLost: true, isFounded: true });
    expect(forgetfulVoters(core)).toEqual([B, C]);
  });

  test('knows it of itself too', () => {
    expect(statusOf(leaderless({ lives: { a: 2, b: 2 } }).core).isMemoryLost).toBe(true);
  });

  test.each<[string, Given]>([
    ['one of three has', { lives: { b: 2 } }],
    ['the other one is away, and may come back with its memory', { lives: { b: 2, c: null } }],
    ['there never was a cluster', { admissions: [], lives: { b: 2, c: 2 } }],
    ['two of five have', { configuration: FIVE, lives: { b: 2, c: 2 } }],
  ])('does not take all for lost when %s', (_, given) => {
    expect(statusOf(leaderless(given).core).isMemoryLost).toBe(false);
  });

  test('waits for the leader of those who may have been admitted since, and believes it', () => {
    const subject = new Subject({ lives: { b: 2, c: 2 } });
    subject.tick(4 * MAX_MS);
    expect(statusOf(subject.core).isMemoryLost).toBe(false);
    subject.peer(append(0, 0, [], { term: 1 }));
    subject.tick(4 * MAX_MS);
    expect(statusOf(subject.core).isMemoryLost).toBe(false);
    subject.tick(2 * MAX_MS);
    expect(statusOf(subject.core).isMemoryLost).toBe(true);
  });
});

describe.each([
  ['of an incarnation that the log has not admitted', { lives: { b: 2 } }],
  ['of a node that was never connected', { lives: { b: null } }],
  [
    'of a node that has been retired',
    { admissions: [A, B, C].map((id) => [id, id === B ? null : lifeOf(id)] as const) },
  ],
])('a vote %s', (_, given) => {
  test('does not make a pre-candidate a candidate', () => {
    const subject = new Subject(given);
    subject.tick(MAX_MS);
    grantPreVote(subject, B);
    expect(subject.core.role.name).toBe('preCandidate');
    grantPreVote(subject, C);
    expect(subject.core.role.name).toBe('candidate');
  });

  test('does not elect', () => {
    const subject = candidate(given, [C]);
    grantVote(subject, B);
    expect(subject.core.role.name).toBe('candidate');
    grantVote(subject, C);
    expect(subject.core.role.name).toBe('leader');
  });
});

describe('a node that the log has not admitted', () => {
  test('does not campaign, however long it hears from nobody', () => {
    const subject = new Subject({ lives: { a: 2 } });
    expect(sentOf(subject.tick(MAX_MS))).toEqual([]);
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 0 });
  });

  test('does not campaign when its leader tells it to', () => {
    const subject = new Subject({ lives: { a: 2 }, term: 1 });
    subject.peer(append(0, 0));
    subject.peer({ type: 'timeoutNow' });
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 1 });
  });

  test('campaigns once its log has admitted it, whether that is committed or not', () => {
    const subject = new Subject({ lives: { a: 2 }, term: 1 });
    const admission = admissionContent([[A, lifeOf(A, 2)]]);
    subject.peer({ ...append(0, 0), entries: encode(1, [[admission, 1]]) });
    subject.tick(MAX_MS);
    expect(subject.core.role.name).toBe('preCandidate');
  });

  test('does so no more once that is cut off', () => {
    const subject = new Subject({ lives: { a: 2 }, term: 1 });
    const admission = admissionContent([[A, lifeOf(A, 2)]]);
    subject.peer({ ...append(0, 0), entries: encode(1, [[admission, 1]]) });
    subject.peer(append(0, 0, [2], { term: 2, from: C }));
    subject.tick(MAX_MS);
    expect(subject.core.role.name).toBe('follower');
  });

  test('gives its vote nonetheless: it is for the candidate to know what it is worth', () => {
    const subject = new Subject({ lives: { a: 2 }, term: 1 });
    subject.tick(MAX_MS);
    subject.peer({
      type: 'requestVote',
      term: 2,
      lastLogIndex: logIndex(0),
      lastLogTerm: term(0),
      leadershipTransfer: false,
    });
    expect(subject.core.votedFor).toBe(B);
  });
});

describe('to a leader, the acknowledgement of one who has lost its memory', () => {
  test('commits nothing', () => {
    const subject = leaderOfReturned();
    acknowledge(subject, B);
    expect(subject.core.commitIndex).toBe(0);
    acknowledge(subject, C);
    expect(subject.core.commitIndex).toBe(1);
  });

  test('confirms no read', () => {
    const subject = leaderOfReturned();
    acknowledge(subject, C);
    subject.tick(HEARTBEAT_MS);
    subject.local({ type: 'read', readId: 7, lease: false, timeoutMs: 1_000 });
    subject.flush();
    const { round: asked } = subject.leader;
    subject.peer(subject.ack(B, 1, asked));
    expect(subject.flush().filter(({ type }) => type === 'readReady')).toEqual([]);
    subject.peer(subject.ack(C, 1, asked));
    expect(subject.flush()).toContainEqual({ type: 'readReady', readIds: [7], index: 1 });
  });

  test('gives no lease', () => {
    const subject = leaderOfReturned();
    acknowledge(subject, C);
    subject.tick(MAX_MS);
    subject.flush();
    subject.peer(subject.ack(B, 1));
    subject.local({ type: 'read', readId: 7, lease: true, timeoutMs: 1_000 });
    expect(subject.flush().filter(({ type }) => type === 'readReady')).toEqual([]);
  });

  test('does not keep it leading', () => {
    const subject = leaderOfReturned();
    for (let passed = 0; passed <= MAX_MS && subject.core.role.name === 'leader'; passed += HEARTBEAT_MS) {
      subject.tick(HEARTBEAT_MS);
      subject.flush();
      if (subject.core.role.name === 'leader') subject.peer(subject.ack(B, 1));
    }
    expect(subject.core.role.name).toBe('follower');
  });

  test('does not make it the best successor', () => {
    const subject = leaderOfReturned();
    acknowledge(subject, C);
    submit(subject);
    subject.flush();
    subject.peer(subject.ack(B, 2));
    subject.local({ type: 'transferLeadership', target: null });
    subject.flush();
    expect(subject.core.handover).toMatchObject({ target: C });
  });
});

describe('a leader that is connected to a peer', () => {
  test('in a new incarnation begins anew with it: what the former one acknowledged is not there', () => {
    const subject = new Subject().establish();
    const old = subject.ack(B, 1);
    const { session } = subject.leader.peers.get(B)!;
    subject.connect(B, 2);
    subject.peer(old);
    expect(subject.leader.peers.get(B)).toMatchObject({ state: 'probe', matchIndex: 0, ackedRound: 0 });
    expect(subject.leader.peers.get(B)!.session).not.toBe(session);
  });

  test('in the same incarnation goes on from what is acknowledged', () => {
    const subject = new Subject().establish();
    const { session } = subject.leader.peers.get(B)!;
    subject.connect(B);
    expect(subject.leader.peers.get(B)).toMatchObject({ session, matchIndex: 1 });
  });

  test('for the first time goes on as it was elected', () => {
    const subject = new Subject({ lives: { b: null } }).elect([C]);
    const { session } = subject.leader.peers.get(B)!;
    subject.connect(B);
    expect(subject.leader.peers.get(B)).toMatchObject({ session });
  });
});

describe('a voter that comes back without its memory', () => {
  test('is retired, then let in, each once what came before is committed without it', () => {
    const subject = leaderOfReturned();
    round(subject, B);
    expect(termsOf(subject.core)).toEqual([1]);

    acknowledge(subject, C);
    expect(admissionAt(subject, 2)).toEqual([[B, null]]);
    acknowledge(subject, B);
    subject.flush();
    expect(subject.core).toMatchObject({ commitIndex: 1, log: { lastIndex: 2 } });

    acknowledge(subject, C);
    expect(subject.core.commitIndex).toBe(2);
    expect(admissionAt(subject, 3)).toEqual([[B, 'b2']]);

    // From here on it counts.
    acknowledge(subject, B);
    expect(subject.core).toMatchObject({ commitIndex: 3, log: { lastIndex: 3 } });
    subject.flush();
    expect(subject.core.log.lastIndex).toBe(3);
  });

  test('is not retired before others have answered a round with it, though its former life has answered the last one', () => {
    const subject = new Subject().establish();
    subject.connect(B, 2);
    subject.flush();
    acknowledge(subject, B);
    expect(subject.core.log.lastIndex).toBe(1);
    acknowledge(subject, C);
    expect(admissionAt(subject, 2)).toEqual([[B, null]]);
  });

  test('is one at a time', () => {
    const subject = new Subject({ configuration: FIVE, lives: { b: 2, d: 2 } }).elect([C, E]);
    round(subject, B, C, D, E);
    const changes: (Admission[] | null)[] = [];
    for (let index = 2; index <= 6; index++) {
      if (subject.core.log.lastIndex >= index) changes.push(admissionAt(subject, index));
      acknowledge(subject, C, E);
    }
    expect(changes).toEqual([[[B, null]], [[B, 'b2']], [[D, null]], [[D, 'd2']]]);
  });

  test('is not retired by a leader that it has not answered: what that knows of it may be older than the log', () => {
    // The log has let b in as b2, by another leader; this one was connected to b1 last.
    const admissions = [A, B, C].map((id) => [id, lifeOf(id, id === B ? 2 : 1)] as const);
    const subject = new Subject({ admissions }).elect([C]);
    round(subject, C);
    round(subject, C);
    expect(termsOf(subject.core)).toEqual([1]);
    subject.connect(B, 2);
    round(subject, B, C);
    expect(termsOf(subject.core)).toEqual([1]);
  });

  test('is let in although it has forgotten again, as the last one that it is', () => {
    const subject = leaderOfReturned();
    round(subject, B, C);
    expect(admissionAt(subject, 2)).toEqual([[B, null]]);
    subject.connect(B, 3);
    acknowledge(subject, C);
    expect(subject.core.log.lastIndex).toBe(2);
    round(subject, B);
    expect(admissionAt(subject, 3)).toEqual([[B, 'b3']]);
  });

  test('waits while leadership is being handed over', () => {
    const subject = leaderOfReturned();
    subject.local({ type: 'transferLeadership', target: C });
    round(subject, B, C);
    expect(subject.core.log.lastIndex).toBe(1);
  });

  test('has everybody told without delay that it was let in', () => {
    const subject = leaderOfReturned();
    round(subject, B, C);
    acknowledge(subject, C);
    subject.peer(subject.ack(B, 3), subject.ack(C, 3));
    const told = sentOf(subject.flush()).map(({ to, message }) => [
      to,
      message.type === 'appendEntries' && message.leaderCommit,
    ]);
    expect(told).toEqual([
      [B, 3],
      [C, 3],
    ]);
  });
});

describe('a follower whose log is cut off', () => {
  test('counts as it did before', () => {
    const subject = new Subject({ term: 1 });
    const retired = admissionContent([[B, null]]);
    subject.peer({ ...append(0, 0, [], { from: C }), entries: encode(1, [[retired, 1]]) });
    expect(subject.core.configurations.current.admitted.get(B)).toBeUndefined();
    subject.peer(append(0, 0, [2], { term: 2 }));
    expect(subject.core.configurations.current.admitted.get(B)).toBe('b1');
  });
});

describe('a node that starts again', () => {
  test('knows what snapshot and log say together', () => {
    const subject = new Subject({ log: [1] });
    const { options, log } = subject.core;
    const configuration = foundedAs(options.configuration, firstLivesOf(options.configuration));
    log.append(admissionContent([[B, null]]), term(1), 1);
    const hardState = { term: term(1), votedFor: null };
    const again = createCore(options, 0, { hardState, log, configuration });
    expect(again.configurations.at(logIndex(1))!.admitted.get(B)).toBe('b1');
    expect(again.configurations.current.admitted.has(B)).toBe(false);
  });
});
