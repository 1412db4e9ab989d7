/**
 * Raft §5.3, claim by claim: how a leader brings the logs of all to be like its own. That two entries of one index and
 * term say the same, and that the logs before them are the same (Log Matching), is seen in every history of
 * random-cluster.test.ts, which looks at all logs after each step.
 */

import { describe, expect, test } from 'vitest';
import { EntryReader } from '../../../../../src/actors/raft/entry.js';
import type { PeerMessage } from '../../../../../src/actors/raft/messages.js';
import { logIndex } from '../../../../../src/ids.js';
import {
  append,
  B,
  blockOf,
  C,
  HEARTBEAT_MS,
  payloadOf,
  sentLaterOf,
  sentOf,
  Subject,
  termsOf,
} from '../roles/fixture.js';
import { configurationOf, converse, votersOf } from './conversation.js';

function submit(subject: Subject, ...values: number[]): void {
  for (const value of values) subject.local({ type: 'submit', content: blockOf(value) });
}

/** What is sent to this peer, without the rest. */
function to(peer: typeof B, effects: ReturnType<Subject['flush']>): PeerMessage[] {
  return sentOf(effects).flatMap((sent) => (sent.to === peer ? [sent.message] : []));
}

function indexesIn(message: PeerMessage | undefined): (readonly [index: number, term: number, payload: Uint8Array])[] {
  if (message?.type !== 'appendEntries') return [];
  const { entries } = message;
  const found: (readonly [number, number, Uint8Array])[] = [];
  const reader = new EntryReader();
  reader.reset(entries);
  while (reader.next()) {
    found.push([reader.index, reader.term, entries.subarray(reader.payloadStart, reader.payloadEnd)]);
  }
  return found;
}

describe('a command', () => {
  test('§5.3: is appended to the log of the leader, and sent to each of the other servers in parallel', () => {
    const subject = new Subject().establish();
    submit(subject, 7);
    const effects = subject.flush();
    expect(termsOf(subject.core)).toEqual([1, 1]);
    for (const peer of [B, C]) expect(indexesIn(to(peer, effects)[0])).toEqual([[2, 1, payloadOf(7)]]);
  });

  test('§5.3: is stored with the term in which the leader received it, and its place in the log', () => {
    const subject = new Subject({ log: [1, 3], term: 5 }).establish();
    submit(subject, 7);
    subject.flush();
    expect(subject.core.log.entry(logIndex(4))).toMatchObject({ index: 4, term: 6, payload: payloadOf(7) });
  });

  test.each([1, 2, 3, 4, 5, 7, 15])(
    '§5.3: is committed once the leader has replicated it on a majority of %i servers, and not before',
    (size) => {
      const [, ...others] = votersOf(size);
      const subject = new Subject({ configuration: configurationOf(size) }).elect(others);
      for (const from of others) subject.peer(subject.ack(from, 1));
      subject.flush();
      submit(subject, 7);
      subject.written(subject.flush());
      subject.flush();
      let holders = 1;
      while (subject.core.commitIndex < 2) {
        subject.peer(subject.ack(others[holders++ - 1]!, 2));
        subject.flush();
      }
      expect(holders).toBe(Math.floor(size / 2) + 1);
    },
  );

  test('§5.3: when committed, commits all entries before it, those of earlier leaders too', () => {
    const subject = new Subject({ log: [1, 1, 2] }).elect();
    subject.peer(subject.ack(B, 4));
    expect(subject.flush()).toContainEqual({ type: 'commit', index: 4 });
  });

  test('§5.3: is applied by followers once they learn, from the next message, that it is committed', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [1], { leaderCommit: 1 }));
    expect(subject.flush()).toContainEqual({ type: 'commit', index: 1 });
    subject.peer(append(2, 1, [], { leaderCommit: 2 }));
    expect(subject.flush()).toContainEqual({ type: 'commit', index: 2 });
  });

  test('§5.3: does not wait for a slow follower', () => {
    const subject = new Subject({ inflightMessagesMax: 2 }).establish();
    for (let value = 0; value < 20; value++) {
      submit(subject, value);
      subject.written(subject.flush());
      subject.peer(subject.ack(B, subject.core.log.lastIndex));
      subject.flush();
    }
    expect(subject.core).toMatchObject({ commitIndex: 21, log: { lastIndex: 21 } });
    expect(subject.leader.peers.get(C)).toMatchObject({ matchIndex: 1 });
  });

  test('§5.3: is sent again and again until all followers have it, also after it has been committed', () => {
    const subject = new Subject().establish();
    submit(subject, 7);
    subject.written(subject.flush());
    subject.peer(subject.ack(B, 2));
    subject.flush();
    expect(subject.core.commitIndex).toBe(2);
    // c has lost the entry, and refuses what would follow it.
    subject.tick(HEARTBEAT_MS);
    subject.flush();
    subject.peer(subject.refusal(C, 2, 2, 0));
    for (let i = 0; i < 5; i++) {
      expect(indexesIn(to(C, subject.flush())[0])).toEqual([[2, 1, payloadOf(7)]]);
      subject.peer(subject.ack(B, 2));
      subject.tick(HEARTBEAT_MS);
    }
  });
});

describe('the consistency check', () => {
  test.each([
    ['has no entry there', [1, 1], 3, 1],
    ['has an entry of another term there', [1, 1, 2], 3, 3],
  ])('§5.3: a follower that %s refuses the new entries', (_, log, prevLogIndex, prevLogTerm) => {
    const subject = new Subject({ log, term: 3 });
    subject.peer(append(prevLogIndex, prevLogTerm, [3], { leaderCommit: 4 }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { success: false } }]);
    expect(termsOf(subject.core)).toEqual(log);
    expect(subject.core.commitIndex).toBe(0);
  });

  test('§5.3: success tells the leader that the logs are the same up to the new entries', () => {
    const subject = new Subject({ log: [1, 2], term: 3 });
    subject.peer(append(2, 2, [3, 3]));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { success: true, matchIndex: 4 } }]);
  });

  // Not up to where the follower's log ends: what is behind has not been compared.
  test('§5.3: and not any further', () => {
    const subject = new Subject({ log: [1, 2, 2, 2], term: 3 });
    subject.peer(append(2, 2, [], { leaderCommit: 4 }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ message: { success: true, matchIndex: 2 } }]);
    expect(subject.core.commitIndex).toBe(2);
  });

  test('§5.3 (figure 2): an entry that conflicts is deleted with all that follow it, one that does not is left alone', () => {
    const subject = new Subject({ log: [1, 1, 2, 2, 2], term: 3 });
    subject.peer(append(1, 1, [1, 2]));
    expect(termsOf(subject.core)).toEqual([1, 1, 2, 2, 2]);
    subject.peer(append(1, 1, [1, 2, 3]));
    expect(termsOf(subject.core)).toEqual([1, 1, 2, 3]);
  });

  test('§5.3 (figure 2): at the start of the log there is nothing to compare', () => {
    const subject = new Subject({ log: [1, 1], term: 3 });
    subject.peer(append(0, 0, [2, 3]));
    expect(termsOf(subject.core)).toEqual([2, 3]);
  });
});

describe('a leader', () => {
  test('§5.3: begins with nextIndex just behind its log, and knows of nothing that matches', () => {
    const subject = new Subject({ log: [1, 1, 2] });
    subject.elect();
    for (const peer of [B, C]) expect(subject.leader.peers.get(peer)).toMatchObject({ nextIndex: 4, matchIndex: 0 });
  });

  test('§5.3: never overwrites or deletes entries of its own log, whatever its followers say', () => {
    const subject = new Subject({ log: [1, 1, 2] }).elect();
    const before = termsOf(subject.core);
    for (let refused = 4; refused >= 0; refused--) {
      subject.peer(subject.refusal(B, refused, 0, 0), subject.refusal(C, refused, 1, 1), subject.ack(B, refused));
      subject.flush();
    }
    expect(termsOf(subject.core)).toEqual(before);
  });
});

/** The leader for term 8 at the top of figure 7, and the followers below it. */
describe('figure 7', () => {
  const LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

  test.each([
    ['a', 'lacks an entry', [1, 1, 1, 4, 4, 5, 5, 6, 6], 1],
    ['b', 'lacks several', [1, 1, 1, 4], 1],
    ['c', 'has one more', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], 0],
    ['d', 'has some of a later term', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], 0],
    ['e', 'has others, and lacks some', [1, 1, 1, 4, 4, 4, 4], 2],
    ['f', 'has those of two terms that nobody else has', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3], 2],
  ])(
    '§5.3: the log of follower (%s), which %s, comes to be like that of the leader, with a refusal for each term that differs at most',
    (_, __, log, refusals) => {
      const leader = new Subject({ log: LEADER, term: 7 }).elect([C]);
      const follower = new Subject({ self: B, log, term: 7 });
      leader.tick(HEARTBEAT_MS);

      const said = converse([leader, follower]);

      expect(termsOf(follower.core)).toEqual([...LEADER, 8]);
      expect(leader.leader.peers.get(B)).toMatchObject({ matchIndex: 11, state: 'replicate' });
      expect(leader.core.commitIndex).toBe(11);
      const refused = said.filter(({ message }) => message.type === 'appendEntriesReply' && !message.success);
      expect(refused).toHaveLength(refusals);
    },
  );
});
