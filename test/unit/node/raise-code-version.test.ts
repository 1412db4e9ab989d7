/** What a caller is told of a code version that it wants in force, whatever becomes of the leaders that are asked. */

import { expect, test } from 'vitest';
import type { NodeStatus } from '../../../src/actors/replicated/caller-messages.js';
import { ConclaveError, type ErrorCode } from '../../../src/errors.js';
import { raiseCodeVersion, type CodeVersionPort } from '../../../src/node/raise-code-version.js';
import { errorOf } from '../actors/replicated/error-of.js';

const TIMEOUT_MS = 1_000;

/** A node whose leaders answer what the test says, and whose time passes when it waits. */
class FakeNode implements CodeVersionPort {
  inForce = 0;
  term = 1;
  timeMs = 0;
  /** How often a leader was asked. */
  asked = 0;
  /** What is answered, one after the other; null: it has been begun. The last one for good. */
  readonly #answers: (ErrorCode | null)[];
  /** Called once it is known that it has been begun. */
  onBegun = (): void => {};
  #onNews = (): void => {};

  readonly host = {
    nowMs: () => this.timeMs,
    after: (delayMs: number, run: () => void) => {
      let isCancelled = false;
      setImmediate(() => {
        if (isCancelled) return;
        this.timeMs += delayMs;
        run();
      });
      return () => void (isCancelled = true);
    },
  };

  constructor(...answers: (ErrorCode | null)[]) {
    this.#answers = answers;
  }

  current(): number {
    return this.inForce;
  }

  async begin(): Promise<void> {
    this.asked++;
    const answer = this.#answers.length > 1 ? this.#answers.shift()! : this.#answers[0]!;
    if (answer !== null) throw new ConclaveError(answer, 'It was not begun.');
    queueMicrotask(() => queueMicrotask(() => this.onBegun()));
  }

  status(): NodeStatus {
    return { term: this.term, leader: 'a:1' } as unknown as NodeStatus;
  }

  watch(onNews: () => void): () => void {
    this.#onNews = onNews;
    return () => {};
  }

  hear(news: { readonly inForce?: number; readonly term?: number }): void {
    Object.assign(this, news);
    this.#onNews();
  }
}

const raise = (node: FakeNode): Promise<void> => raiseCodeVersion(node, 1, TIMEOUT_MS);

test('a version that is in force already needs no leader', async () => {
  const node = new FakeNode('ERR_NO_LEADER');
  node.inForce = 1;

  await raise(node);

  expect(node.asked).toBe(0);
});

test.each<ErrorCode>(['ERR_NO_LEADER', 'ERR_CHANGE_UNDER_WAY', 'ERR_TIMEOUT', 'ERR_MAILBOX_FULL'])(
  'the next leader is asked after %s',
  async (code) => {
    const node = new FakeNode(code, null);
    node.onBegun = () => node.hear({ inForce: 1 });

    await raise(node);

    expect(node.asked).toBe(2);
  },
);

test('it is not asked again once it is in force, although nobody has answered', async () => {
  const node = new FakeNode('ERR_TIMEOUT');

  const raised = raise(node);
  node.inForce = 2;
  await raised;

  expect(node.asked).toBe(1);
});

test('what was begun is asked for again when another one leads, for it may have been cut off', async () => {
  const node = new FakeNode(null);
  node.onBegun = () => node.hear(node.asked === 1 ? { term: 2 } : { inForce: 1 });

  await raise(node);

  expect(node.asked).toBe(2);
});

test.each<[ErrorCode, boolean]>([
  ['ERR_NO_LEADER', false],
  ['ERR_CHANGE_UNDER_WAY', false],
  ['ERR_TIMEOUT', true],
])('when the time is over the caller is told %s', async (code, mayBeApplied) => {
  const node = new FakeNode(code);

  expect(await errorOf(() => raise(node))).toMatchObject({ code, mayBeApplied });
  expect(node.timeMs).toBeGreaterThan(TIMEOUT_MS - 50);
});

test('what was begun and does not come into force in time may yet do so', async () => {
  const node = new FakeNode(null);

  expect(await errorOf(() => raise(node))).toMatchObject({
    code: 'ERR_TIMEOUT',
    data: { codeVersion: 1 },
    mayBeApplied: true,
  });
  expect(node.timeMs).toBe(TIMEOUT_MS);
});

test('a refusal is final, and is in doubt only after a question that was not answered', async () => {
  const refused = new FakeNode('ERR_VERSION_UNSUPPORTED');
  const later = new FakeNode('ERR_TIMEOUT', 'ERR_VERSION_UNSUPPORTED');

  expect(await errorOf(() => raise(refused))).toMatchObject({ code: 'ERR_VERSION_UNSUPPORTED', mayBeApplied: false });
  expect(await errorOf(() => raise(later))).toMatchObject({ code: 'ERR_VERSION_UNSUPPORTED', mayBeApplied: true });
  expect([refused.asked, later.asked]).toEqual([1, 2]);
});
