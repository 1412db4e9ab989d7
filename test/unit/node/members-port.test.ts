/** When a change of members is said to have come about, on a node whose log is behind. */

import { expect, test } from 'vitest';
import type { NodeStatus } from '../../../src/actors/replicated/caller-messages.js';
import { ConclaveError } from '../../../src/errors.js';
import { logIndex, nodeId } from '../../../src/ids.js';
import { Members, type MembersPort } from '../../../src/node/members.js';

/** A node that knows the log up to `commitIndex`, and these members. */
class FakeNode implements MembersPort {
  nowMs = 0;
  commitIndex = 5;
  members: readonly string[] = ['a:1', 'b:1'];
  term = 1;
  /** What the leader answers, one after the other. */
  answers: (number | ConclaveError)[] = [];
  caughtUp = 0;
  /** How often its objects will end before it has caught up. */
  crashes = 0;
  isStopped = false;
  readonly host = { nowMs: () => this.nowMs, after: (_delayMs: number, run: () => void) => this.#later(run) };
  #onStatus = (): void => {};

  #later(run: () => void): () => void {
    this.timers.push(run);
    return () => {};
  }

  readonly timers: (() => void)[] = [];
  /** What happens before the answer is looked at. */
  onBegun = (): void => {};

  catchUp(): Promise<ReturnType<typeof logIndex>> {
    // As a query is answered: catching up applies nothing.
    if (this.isStopped)
      return Promise.reject(new ConclaveError('ERR_STOPPED', 'The runtime was stopped.', { mayBeApplied: false }));
    if (this.crashes-- > 0) {
      const ended = new ConclaveError('ERR_OBJECT_FAILED', 'They have ended.', {
        mayBeApplied: false,
        retrySafe: true,
      });
      return Promise.reject(ended);
    }
    this.caughtUp += 1;
    return Promise.resolve(logIndex(this.commitIndex));
  }

  begin(): Promise<ReturnType<typeof logIndex>> {
    const answer = this.answers.shift();
    this.onBegun();
    if (answer instanceof ConclaveError) return Promise.reject(answer);
    return Promise.resolve(logIndex(answer!));
  }

  status(): NodeStatus {
    const members = this.members.map((id) => ({ id: nodeId(id), role: 'voter', progress: null }));
    return {
      commitIndex: this.commitIndex,
      members,
      isChanging: false,
      term: this.term,
      leader: 'a:1',
    } as unknown as NodeStatus;
  }

  list(): [] {
    return [];
  }

  watch(onStatus: () => void): () => void {
    this.#onStatus = onStatus;
    return () => {};
  }

  hear(commitIndex: number, members: readonly string[]): void {
    this.commitIndex = commitIndex;
    this.members = members;
    this.#onStatus();
  }
}

/** Has it resolved by now? */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  const onSettled = (): void => void (settled = true);
  promise.then(onSettled, onSettled);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return settled;
}

test('who was let in without this node knowing is not said to be removed before this node knows that it is', async () => {
  const node = new FakeNode();
  node.answers = [9];

  const removed = new Members(node).remove('c:1');
  expect(await isSettled(removed)).toBe(false);
  node.hear(8, ['a:1', 'b:1', 'c:1']);
  expect(await isSettled(removed)).toBe(false);

  node.hear(9, ['a:1', 'b:1']);
  expect(await isSettled(removed)).toBe(true);
});

test('a change is made in spite of objects that end while this node catches up', async () => {
  const node = new FakeNode();
  node.crashes = 1;
  node.answers = [5];

  const removed = new Members(node).remove('c:1');
  expect(await isSettled(removed)).toBe(false);
  node.timers.pop()!();

  expect(await isSettled(removed)).toBe(true);
});

test('objects that do not come back in time are why nothing was begun', async () => {
  const node = new FakeNode();
  node.crashes = Infinity;

  await expect(new Members(node).remove('c:1', { timeoutMs: 10 })).rejects.toMatchObject({
    code: 'ERR_TIMEOUT',
    mayBeApplied: false,
  });
});

const underWay = (): ConclaveError => new ConclaveError('ERR_CHANGE_UNDER_WAY', 'Another change is under way.');

test('a change waits for another one that is under way', async () => {
  const node = new FakeNode();
  node.answers = [underWay(), underWay(), 5];

  const removed = new Members(node).remove('c:1');
  for (let asked = 0; asked < 2; asked++) {
    expect(await isSettled(removed)).toBe(false);
    node.timers.pop()!();
  }

  expect(await isSettled(removed)).toBe(true);
});

test('a change for which another one was under way all the time has begun nothing, and may be asked for again', async () => {
  const node = new FakeNode();
  node.answers = [underWay(), underWay()];

  const removed = new Members(node).remove('c:1', { timeoutMs: 30 });
  expect(await isSettled(removed)).toBe(false);
  node.nowMs = 20;
  node.timers.pop()!();

  await expect(removed).rejects.toMatchObject({ code: 'ERR_CHANGE_UNDER_WAY', mayBeApplied: false, retrySafe: true });
});

const unanswered = (): ConclaveError => new ConclaveError('ERR_TIMEOUT', 'The leader has not answered.');

test('what may have been begun is looked for where the leader has dropped that, by a node that has caught up', async () => {
  const node = new FakeNode();
  const outdated = (): ConclaveError =>
    new ConclaveError('ERR_CHANGE_UNDER_WAY', 'They may have changed.', { data: { reason: 'outdated', index: 8 } });
  node.answers = [unanswered(), outdated(), outdated()];

  const removed = new Members(node).remove('c:1');
  for (let asked = 0; asked < 2; asked++) {
    expect(await isSettled(removed)).toBe(false);
    node.timers.pop()!();
  }
  // What the leader's log says may not have been committed when this node caught up.
  expect(await isSettled(removed)).toBe(false);
  node.commitIndex = 8;
  node.answers = [outdated()];
  node.timers.pop()!();

  expect(await isSettled(removed)).toBe(true);
  expect(node.caughtUp).toBe(4);
});

test('who is no member yet was not removed by what may not have been begun', async () => {
  const node = new FakeNode();
  // The leader has begun to let it in, and nobody knows.
  node.answers = [unanswered(), underWay(), 9];

  const removed = new Members(node).remove('c:1');
  for (let asked = 0; asked < 2; asked++) {
    expect(await isSettled(removed)).toBe(false);
    node.timers.pop()!();
  }
  expect(await isSettled(removed)).toBe(false);
  node.hear(8, ['a:1', 'b:1', 'c:1']);
  expect(await isSettled(removed)).toBe(false);
  node.hear(9, ['a:1', 'b:1']);

  expect(await isSettled(removed)).toBe(true);
});

test('what another leader may know nothing of is asked for again, also if it came before the answer was looked at', async () => {
  const node = new FakeNode();
  node.answers = [9, 8];
  node.onBegun = () => (node.term = 2);

  const removed = new Members(node).remove('c:1');
  node.hear(8, ['a:1', 'b:1']);

  expect(await isSettled(removed)).toBe(true);
});

test('a node that was stopped before anything was asked for has begun nothing', async () => {
  const node = new FakeNode();
  node.isStopped = true;

  await expect(new Members(node).remove('c:1')).rejects.toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
});

test('a node that stops while it looks for what may have been begun does not say that nothing was', async () => {
  const node = new FakeNode();
  const outdated = new ConclaveError('ERR_CHANGE_UNDER_WAY', 'Changed.', { data: { reason: 'outdated', index: 8 } });
  node.answers = [unanswered(), outdated];
  const removed = new Members(node).remove('c:1');
  expect(await isSettled(removed)).toBe(false);

  node.isStopped = true;
  node.timers.pop()!();

  await expect(removed).rejects.toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: true, retrySafe: false });
});

test('a question for which consensus has no room is asked again, whatever became of the one before', async () => {
  const node = new FakeNode();
  const noRoom = (): ConclaveError => new ConclaveError('ERR_MAILBOX_FULL', 'There is no room.');
  node.answers = [new ConclaveError('ERR_TIMEOUT', 'The leader has not answered.'), noRoom(), noRoom(), noRoom()];
  const added = new Members(node).add('c:1', { timeoutMs: 50 });
  for (let asked = 0; asked < 2; asked++) {
    expect(await isSettled(added)).toBe(false);
    node.timers.pop()!();
  }
  expect(await isSettled(added)).toBe(false);

  node.nowMs = 50;
  node.timers.pop()!();

  await expect(added).rejects.toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: true, retrySafe: false });
});
