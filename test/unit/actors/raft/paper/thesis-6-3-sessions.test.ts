/**
 * Raft thesis §6.3, claim by claim, across consensus and the table of sessions: a command may be in the log twice, and
 * is executed once. What the table does with each case is in replicated/session-table.test.ts, and what the machine
 * makes of it in replicated/machine.test.ts.
 */

import { expect, test } from 'vitest';
import { SessionTable } from '../../../../../src/actors/replicated/session-table.js';
import { logIndex, sessionId } from '../../../../../src/ids.js';
import { A, B, blockOf, HEARTBEAT_MS, Subject } from '../roles/fixture.js';
import { converse } from './conversation.js';

const SESSION = sessionId(1);

/** The payloads of a log, each one being the number of a command within its session. */
function commandsOf({ core: { log } }: Subject): number[] {
  const found: number[] = [];
  for (let index = 1; index <= log.lastIndex; index++) found.push(...log.entry(logIndex(index)).payload);
  return found;
}

/** A leader whose client has submitted commands 1 to 3, which only its successor has got, and that one. */
function afterChangeOfLeader(): { client: Subject; successor: Subject } {
  const client = new Subject();
  const successor = new Subject({ self: B });
  client.elect();
  client.tick(HEARTBEAT_MS);
  converse([client, successor]);
  for (const seq of [1, 2, 3]) client.local({ type: 'submit', content: blockOf(seq) });
  converse([client, successor]);
  client.local({ type: 'transferLeadership', target: B });
  converse([client, successor]);
  expect([successor.core.role.name, client.core.leader]).toEqual(['leader', B]);
  return { client, successor };
}

test('§6.3: a client that did not hear of the outcome sends its commands again, in their order, and they are twice in the log', () => {
  const { client, successor } = afterChangeOfLeader();
  expect(commandsOf(successor)).toEqual([1, 2, 3, 1, 2, 3]);
  expect(commandsOf(client)).toEqual([1, 2, 3, 1, 2, 3]);
});

test('§6.3: the serial numbers of a session let every state machine find that, and execute each command once', () => {
  const { client, successor } = afterChangeOfLeader();
  const executed = [client, successor].map((node) => {
    const table = new SessionTable(10);
    table.open(SESSION, A);
    return commandsOf(node).filter((seq) => table.admit(SESSION, seq, 1) === 'apply');
  });
  expect(executed).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test('§6.3: all servers agree on which session expires, for the log alone decides; its commands are refused, not executed', () => {
  const log = [
    [1, 1],
    [2, 1],
    [1, 2],
    [3, 1],
    [2, 2],
    [1, 3],
  ] as const;
  const outcomes = [0, 1].map(() => {
    const table = new SessionTable(2);
    return log.map(([session, seq]) => {
      if (seq === 1) table.open(sessionId(session), `client ${session}`);
      return table.admit(sessionId(session), seq, 1);
    });
  });
  expect(outcomes[0]).toEqual(['apply', 'apply', 'apply', 'apply', 'unknown session', 'apply']);
  expect(outcomes[1]).toEqual(outcomes[0]);
});

test('§6.3: what is let go of has been applied: a client keeps each command until then', () => {
  const { client } = afterChangeOfLeader();
  client.local({ type: 'submissionsApplied', count: 2 });
  client.peer({ type: 'timeoutNow', from: B });
  client.written(client.flush());
  client.peer({ type: 'requestVoteReply', voteGranted: true, from: B });
  client.flush();
  expect(client.core.role.name).toBe('leader');
  expect(commandsOf(client)).toEqual([1, 2, 3, 1, 2, 3, 3]);
});
