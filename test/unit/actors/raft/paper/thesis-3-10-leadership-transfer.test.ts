/**
 * Raft thesis §3.10, claim by claim: handing leadership over. Each way in which that ends, and what is held back
 * meanwhile, is in roles/submitting.test.ts; a partition in the midst of it in transfer-partition.txt.
 */

import { describe, expect, test } from 'vitest';
import type { PeerMessage } from '../../../../../src/actors/raft/messages.js';
import { requestVote } from '../roles/campaigning.js';
import { A, append, B, blockOf, C, HEARTBEAT_MS, MAX_MS, sentLaterOf, sentOf, Subject } from '../roles/fixture.js';
import { converse, type Said } from './conversation.js';

/** A leader, and two followers that have everything and have heard from it just now. */
function cluster(): [leader: Subject, target: Subject, other: Subject] {
  const nodes = [A, B, C].map((self) => new Subject({ self })) as [Subject, Subject, Subject];
  const [leader, ...followers] = nodes;
  leader.elect();
  leader.tick(HEARTBEAT_MS);
  for (const follower of followers) follower.nowMs += MAX_MS - 1;
  converse(nodes);
  return nodes;
}

function typesOf(said: readonly Said[]): PeerMessage['type'][] {
  return said.map(({ message }) => message.type);
}

function transfer(subject: Subject): void {
  subject.local({ type: 'transferLeadership', target: B });
}

test('§3.10: the target leads in the next term, without a pre-vote and before any election timeout has passed', () => {
  const nodes = cluster();
  const [leader, target, other] = nodes;
  const before = target.nowMs;
  transfer(leader);
  const said = converse(nodes);
  expect(nodes.map(({ core }) => [core.role.name, core.term, core.leader])).toEqual([
    ['follower', 2, B],
    ['leader', 2, B],
    ['follower', 2, B],
  ]);
  expect(typesOf(said)).not.toContain('requestPreVote');
  expect([target.nowMs, other.nowMs]).toEqual([before, before]);
});

test('§3.10: the prior leader stops accepting new requests, and has lost none of them when the target leads', () => {
  const nodes = cluster();
  const [leader, target] = nodes;
  transfer(leader);
  leader.local({ type: 'submit', content: blockOf(7) });
  const effects = leader.flush();
  expect(leader.core.log.lastIndex).toBe(1);
  converse(nodes, sentOf(effects));
  expect(target.core).toMatchObject({ role: { name: 'leader' }, log: { lastIndex: 3 }, commitIndex: 3 });
});

test('§3.10: it first brings the log of the target to be like its own', () => {
  const nodes = cluster();
  const [leader, , other] = nodes;
  leader.local({ type: 'submit', content: blockOf(7) });
  leader.written(leader.flush());
  transfer(leader);
  expect(sentOf(leader.flush())).toEqual([]);
  leader.peer(leader.ack(C, 2));
  expect(typesOf(sentOf(leader.flush()))).not.toContain('timeoutNow');
  leader.peer(leader.ack(B, 2));
  expect(sentOf(leader.flush())).toContainEqual({ to: B, message: expect.objectContaining({ type: 'timeoutNow' }) });
  expect(other.core.term).toBe(1);
});

test('§3.10: timeoutNow is to the target what its own election timer is: it begins an election in a new term', () => {
  const [, target] = cluster();
  target.peer({ type: 'timeoutNow', from: A });
  expect(target.core).toMatchObject({ role: { name: 'candidate' }, term: 2, votedFor: B });
  expect(sentLaterOf(target.flush())).toMatchObject([
    { to: A, message: { type: 'requestVote', term: 2, leadershipTransfer: true } },
    { to: C, message: { type: 'requestVote', term: 2, leadershipTransfer: true } },
  ]);
});

describe('a target that cannot take over', () => {
  test('§3.10: after about an election timeout the prior leader goes on, with what has come meanwhile', () => {
    const subject = new Subject().establish();
    transfer(subject);
    subject.local({ type: 'submit', content: blockOf(7) });
    const start = subject.nowMs;
    let effects = subject.flush();
    while (!effects.some(({ type }) => type === 'transferEnded')) {
      subject.acknowledge();
      subject.tick(1);
      effects = [...subject.flush()];
    }
    expect(subject.nowMs - start).toBe(MAX_MS);
    expect(subject.core).toMatchObject({ role: { name: 'leader' }, term: 1, log: { lastIndex: 2 } });
  });

  test('§3.10: an election that comes after that is an ordinary one: the prior leader follows who wins it', () => {
    const subject = new Subject().establish();
    transfer(subject);
    for (let passed = 0; passed <= MAX_MS; passed += HEARTBEAT_MS) {
      subject.tick(HEARTBEAT_MS);
      subject.flush();
      subject.acknowledge();
    }
    expect(subject.core.handover).toBeNull();
    subject.peer(requestVote(2, [1, 1], { transfer: true }));
    expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 2, votedFor: B });
  });

  test('§3.10: a target that lacks something is elected by nobody, though the leader told it to campaign', () => {
    const subject = new Subject({ self: C, log: [1, 1], term: 1 });
    subject.peer(append(2, 1, [], { from: A }));
    subject.flush();
    subject.peer(requestVote(2, [1, 1], { transfer: true }));
    expect(sentLaterOf(subject.flush())).toMatchObject([{ to: B, message: { voteGranted: false } }]);
  });
});

test('§3.10: only the leader of the present term can tell a node to campaign', () => {
  const subject = new Subject({ term: 2 });
  subject.peer(append(0, 0, [], { from: C }));
  subject.peer({ type: 'timeoutNow', from: B }, { type: 'timeoutNow', from: C, term: 1 });
  expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 2 });
});
