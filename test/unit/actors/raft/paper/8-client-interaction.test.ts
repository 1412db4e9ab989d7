/**
 * Raft §8, claim by claim: what clients see. We differ: a client is a node, and a follower does not send it away but
 * forwards what it wants to the leader. That a command is executed once is in thesis-6-3-sessions.test.ts, and reading
 * in thesis-6-4-reading.test.ts.
 */

import { expect, test } from 'vitest';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import type { PeerMessage } from '../../../../../src/actors/raft/messages.js';
import { logIndex } from '../../../../../src/ids.js';
import { append, B, blockOf, C, payloadOf, sentOf, Subject } from '../roles/fixture.js';

function forwarded(sent: readonly { to: typeof B; message: PeerMessage }[]): [to: string, payload: Uint8Array][] {
  return sent.flatMap(({ to, message }) => (message.type === 'forward' ? [[to, message.payload]] : []));
}

test('§8: clients send all of their requests to the leader: a follower does that for them, once it knows of one', () => {
  const subject = new Subject({ log: [1], term: 1 });
  subject.local({ type: 'submit', content: blockOf(7) });
  expect(sentOf(subject.flush())).toEqual([]);
  subject.peer(append(1, 1, [], { from: C }));
  expect(forwarded(sentOf(subject.flush()))).toEqual([[C, payloadOf(7)]]);
});

test('§8: when the leader crashes, requests that it has not answered are sent again, to the next one', () => {
  const subject = new Subject({ log: [1], term: 1 });
  subject.peer(append(1, 1, [], { from: C }));
  subject.local({ type: 'submit', content: blockOf(7) }, { type: 'submit', content: blockOf(8) });
  subject.flush();
  subject.local({ type: 'submissionsApplied', count: 1 });
  subject.peer(append(1, 1, [], { from: B, term: 2 }));
  expect(forwarded(sentOf(subject.flush()))).toEqual([[B, payloadOf(8)]]);
});

test('§8: a leader commits a blank no-op at the start of its term, and so finds out which entries are committed', () => {
  const subject = new Subject({ log: [1, 1] }).elect();
  expect(subject.core.log.entry(logIndex(3))).toMatchObject({ kind: EntryKind.noop, payload: new Uint8Array(0) });
  expect(subject.core.commitIndex).toBe(0);
  subject.peer(subject.ack(C, 3));
  expect(subject.flush()).toContainEqual({ type: 'commit', index: 3 });
});

test('§8: until then it does not know, and answers no read', () => {
  const subject = new Subject({ log: [1, 1] }).elect();
  subject.local({ type: 'read', readId: 1, lease: false, timeoutMs: 1_000 });
  subject.flush();
  subject.peer(subject.ack(B, 2), subject.ack(C, 2));
  expect(subject.flush().filter(({ type }) => type === 'readReady')).toEqual([]);
});
