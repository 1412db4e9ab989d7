/**
 * Raft thesis §10.2, claim by claim: writing to the leader's disk in parallel with replication (§10.2.1), and batching
 * and pipelining (§10.2.2). What storage says late, of entries that have been replaced meanwhile, is told in
 * storage-aba.txt.
 */

import { describe, expect, test } from 'vitest';
import { logIndex, term } from '../../../../../src/ids.js';
import {
  append,
  B,
  blockOf,
  C,
  HEARTBEAT_MS,
  sentLaterOf,
  sentOf,
  storesOf,
  Subject,
  termsOf,
} from '../roles/fixture.js';

function submit(subject: Subject, ...values: number[]): void {
  for (const value of values) subject.local({ type: 'submit', content: blockOf(value) });
}

/** What is sent to `b`, as the index before its entries and their bytes. */
function toB(effects: ReturnType<Subject['flush']>): [prevLogIndex: number, bytes: number][] {
  return sentOf(effects).flatMap(({ to, message }) =>
    to === B && message.type === 'appendEntries' ? [[message.prevLogIndex, message.entries.length]] : [],
  );
}

const ENTRY_BYTES = 41;

describe("§10.2.1: writing to the leader's disk in parallel", () => {
  test('§10.2.1: the leader sends an entry to its followers before its own disk has it', () => {
    const subject = new Subject().establish();
    submit(subject, 7);
    const effects = subject.flush();
    const store = effects.findIndex(({ type }) => type === 'store');
    expect(toB(effects)).toEqual([[1, ENTRY_BYTES]]);
    expect(storesOf(effects)).toMatchObject([{ append: { firstIndex: 2 }, then: [{ type: 'tellSelf' }] }]);
    expect(effects.slice(0, store).filter(({ type }) => type === 'send')).toHaveLength(2);
  });

  test('§10.2.1: it counts itself only once its disk has the entry', () => {
    const subject = new Subject().establish();
    submit(subject, 7);
    const effects = [...subject.flush()];
    subject.peer(subject.ack(B, 2));
    subject.flush();
    expect(subject.core.commitIndex).toBe(1);
    subject.written(effects);
    expect(subject.flush()).toContainEqual({ type: 'commit', index: 2 });
  });

  test('§10.2.1: an entry may be committed before the disk of the leader has it, by a majority of followers', () => {
    const subject = new Subject().establish();
    submit(subject, 7);
    subject.flush();
    subject.peer(subject.ack(B, 2), subject.ack(C, 2));
    expect(subject.flush()).toContainEqual({ type: 'commit', index: 2 });
    expect(subject.leader.durableIndex).toBe(1);
  });

  test('§10.2.1: a follower answers only once its disk has the entry', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(1, 1, [1]));
    const effects = subject.flush();
    expect(sentOf(effects)).toEqual([]);
    expect(sentLaterOf(effects)).toMatchObject([{ to: B, message: { matchIndex: 2 } }]);
  });

  test('§10.2.1: that the disk has an entry of an earlier term at the same place does not count', () => {
    const subject = new Subject({ log: [1] }).elect();
    // What it began this term with is replaced by another leader, and that by what it begins its next one with.
    subject.peer(append(1, 1, [3], { term: 3, from: C }));
    subject.peer(append(1, 1, [], { term: 4, from: C }));
    subject.elect();
    expect(termsOf(subject.core)).toEqual([1, 3, 5]);
    const { durableIndex } = subject.leader;
    submit(subject, 7);
    subject.flush();
    subject.local({ type: 'entriesWritten', index: logIndex(4), entryTerm: term(2) });
    subject.flush();
    expect(subject.leader.durableIndex).toBe(durableIndex);
    subject.peer(subject.ack(B, 4));
    subject.flush();
    expect(subject.core.commitIndex).toBe(3);
  });
});

describe('§10.2.2: batching and pipelining', () => {
  test('§10.2.2: what has gathered travels in one message, and is written in one go', () => {
    const subject = new Subject().establish();
    submit(subject, 1, 2, 3, 4);
    const effects = subject.flush();
    expect(toB(effects)).toEqual([[1, 4 * ENTRY_BYTES]]);
    expect(storesOf(effects)).toMatchObject([{ append: { firstIndex: 2, lastIndex: 5 } }]);
  });

  test('§10.2.2: the next entries follow before those before them are acknowledged, and none is sent twice', () => {
    const subject = new Subject().establish();
    const sent = [1, 2, 3].flatMap((value) => {
      submit(subject, value);
      return toB(subject.flush());
    });
    expect(sent).toEqual([
      [1, ENTRY_BYTES],
      [2, ENTRY_BYTES],
      [3, ENTRY_BYTES],
    ]);
    expect(subject.leader.peers.get(B)).toMatchObject({ matchIndex: 1, nextIndex: 5 });
  });

  test('§10.2.2: a follower refuses entries that have overtaken those before them', () => {
    const subject = new Subject({ log: [1], term: 1 });
    subject.peer(append(2, 1, [1]), append(1, 1, [1]));
    expect(termsOf(subject.core)).toEqual([1, 1]);
    expect(sentLaterOf(subject.flush())).toMatchObject([
      { message: { success: false, matchIndex: 2 } },
      { message: { success: true, matchIndex: 2 } },
    ]);
  });

  test('§10.2.2: when one is lost the leader goes back to it, and sends all from there on again', () => {
    const subject = new Subject().establish();
    for (const value of [1, 2, 3]) {
      submit(subject, value);
      subject.flush();
    }
    // The first one was lost; the second and the third are refused.
    subject.peer(subject.refusal(B, 2, 2, 0), subject.refusal(B, 3, 2, 0));
    expect(toB(subject.flush())).toEqual([[1, 3 * ENTRY_BYTES]]);
  });

  test('§10.2.2: there is a limit to what is under way', () => {
    const subject = new Subject({ inflightMessagesMax: 2 }).establish();
    const sent = [1, 2, 3, 4].flatMap((value) => {
      submit(subject, value);
      return toB(subject.flush());
    });
    expect(sent).toHaveLength(2);
    subject.peer(subject.ack(B, 2));
    expect(toB(subject.flush())).toEqual([[3, 2 * ENTRY_BYTES]]);
  });

  // We differ: where the logs match is found first, by one message at a time.
  test('§10.2.2: a leader pipelines to a follower only once it knows where their logs match', () => {
    const subject = new Subject({ log: [1] }).elect();
    submit(subject, 7);
    expect(toB(subject.flush())).toEqual([]);
    subject.tick(HEARTBEAT_MS);
    expect(toB(subject.flush())).toHaveLength(1);
    subject.peer(subject.ack(B, 2));
    subject.flush();
    submit(subject, 8);
    expect(toB(subject.flush())).toEqual([[3, ENTRY_BYTES]]);
  });
});
