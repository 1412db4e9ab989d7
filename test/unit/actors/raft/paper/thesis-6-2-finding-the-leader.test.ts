/**
 * Raft thesis §6.2, claim by claim, as far as it is about leaders: one that cannot reach a majority steps down, so that
 * clients look for another one. How a client finds it is no question here, for clients are nodes
 * (8-client-interaction).
 */

import { expect, test } from 'vitest';
import { append, B, blockOf, C, D, HEARTBEAT_MS, MAX_MS, sentOf, Subject } from '../roles/fixture.js';
import { configurationOf, votersOf } from './conversation.js';

/** Time passes, in which these answer each heartbeat. */
function listen(subject: Subject, forMs: number, ...answering: (typeof B)[]): void {
  for (let passed = 0; passed < forMs && subject.core.role.name === 'leader'; passed += HEARTBEAT_MS) {
    subject.tick(HEARTBEAT_MS);
    subject.flush();
    for (const from of answering) {
      if (subject.core.role.name === 'leader') subject.peer(subject.ack(from, subject.core.log.lastIndex));
    }
    subject.flush();
  }
}

test.each([
  [3, 1],
  [4, 2],
  [5, 2],
  [7, 3],
])('§6.2: a leader of %i that hears %i others stays, and without one of them steps down', (size, needed) => {
  const others = votersOf(size).slice(1, 1 + needed);
  const subject = new Subject({ configuration: configurationOf(size) }).elect(votersOf(size).slice(1));
  listen(subject, 10 * MAX_MS, ...others);
  expect(subject.core.role.name).toBe('leader');
  listen(subject, 2 * MAX_MS, ...others.slice(1));
  expect(subject.core).toMatchObject({ role: { name: 'follower' }, term: 1, leader: null });
});

test('§6.2: it does not matter which of them answer, as long as they are a majority within an election timeout', () => {
  const subject = new Subject({ configuration: configurationOf(5) }).elect([B, C]);
  for (let i = 0; i < 20; i++) listen(subject, MAX_MS / 2, ...(i % 2 === 0 ? [B, C] : [C, D]));
  expect(subject.core.role.name).toBe('leader');
});

test('§6.2: clients of a leader that has stepped down ask the next one, for all that they have not had an answer to', () => {
  const subject = new Subject().establish();
  subject.local({ type: 'submit', content: blockOf(7) });
  subject.local({ type: 'read', readId: 1, lease: false, timeoutMs: 10_000 });
  subject.flush();
  subject.tick(2 * MAX_MS);
  subject.flush();
  expect(subject.core.role.name).toBe('follower');
  subject.peer(append(2, 1, [], { term: 2, from: C }));
  expect(sentOf(subject.flush()).map(({ to, message }) => [to, message.type])).toEqual([
    [C, 'forward'],
    [C, 'readIndex'],
  ]);
});
