/** What was submitted stays until it is let go, in order, and is sent again when asked. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { Submissions } from '../../../../src/actors/raft/submissions.js';
import { contentOf } from './content.js';

function submissionsOf(count: number, bytesMax = 1_000): Submissions {
  const submissions = new Submissions(bytesMax);
  for (let i = 0; i < count; i++) submissions.add(contentOf(EntryKind.block, new Uint8Array(10).fill(i)));
  return submissions;
}

/** The first byte of each submission that may be sent now. */
function sendAll(submissions: Submissions): number[] {
  const sent: number[] = [];
  for (let next = submissions.next(); next !== null; next = submissions.next()) sent.push(next.payload[0]!);
  return sent;
}

describe('submissions', () => {
  test('are sent once, in order', () => {
    const submissions = submissionsOf(3);
    expect(sendAll(submissions)).toEqual([0, 1, 2]);
    expect(sendAll(submissions)).toEqual([]);
  });

  test('are sent up to the limit, one of them beyond it, and further as they are let go', () => {
    const submissions = submissionsOf(5, 15);
    expect(sendAll(submissions)).toEqual([0, 1]);
    submissions.applied(1);
    expect(sendAll(submissions)).toEqual([2]);
  });

  test('are counted when they are sent again, and only then', () => {
    const submissions = submissionsOf(4, 25);
    sendAll(submissions);
    expect(submissions.resent).toBe(0);

    submissions.applied(1);
    submissions.rewind();
    sendAll(submissions);
    expect(submissions.resent).toBe(2);

    submissions.applied(3);
    expect(submissions.resent).toBe(2);
  });

  test('are sent again from the first one that was not let go', () => {
    const submissions = submissionsOf(3);
    sendAll(submissions);
    submissions.applied(1);
    submissions.rewind();
    expect(sendAll(submissions)).toEqual([1, 2]);
  });

  test('are not sent again when they turn out to have been applied by the first sending', () => {
    const submissions = submissionsOf(3);
    sendAll(submissions);
    submissions.rewind();
    submissions.applied(2);
    expect(sendAll(submissions)).toEqual([2]);
    expect(submissions.hasSent).toBe(true);
  });

  test('that were refused are sent again once, until one of them is applied', () => {
    const submissions = submissionsOf(3);
    sendAll(submissions);
    expect(submissions.rewindOnRefusal()).toBe(true);
    sendAll(submissions);
    expect(submissions.rewindOnRefusal()).toBe(false);
    submissions.applied(1);
    expect(submissions.rewindOnRefusal()).toBe(true);
  });

  test('that were refused after a rewind of nothing are sent again', () => {
    const submissions = submissionsOf(3);
    submissions.rewind();
    sendAll(submissions);
    expect(submissions.rewindOnRefusal()).toBe(true);
  });

  test('are let go only as far as they were submitted', () => {
    expect(() => submissionsOf(3).applied(4)).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
  });

  test('behave as an array with a cursor would, however long', () => {
    const action = fc.oneof(
      fc.record({ act: fc.constant('add' as const), count: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ act: fc.constant('applied' as const), count: fc.integer({ min: 0, max: 900 }) }),
      fc.record({ act: fc.constantFrom('send' as const, 'rewind' as const), count: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const submissions = new Submissions(5_000);
        const model = { added: 0, head: 0, cursor: 0 };
        for (const { act, count } of actions) {
          if (act === 'add') {
            for (let i = 0; i < count; i++) submissions.add(contentOf(EntryKind.block, payloadOf(model.added++)));
          } else if (act === 'applied') {
            const done = Math.min(count, model.added - model.head);
            submissions.applied(done);
            model.head += done;
            model.cursor = Math.max(model.cursor, model.head);
          } else if (act === 'rewind') {
            submissions.rewind();
            model.cursor = model.head;
          } else {
            for (let next = submissions.next(); next !== null; next = submissions.next()) {
              expect(numberIn(next.payload)).toBe(model.cursor++);
            }
            expect(model.cursor).toBe(Math.min(model.added, Math.max(model.head + 1_250, model.cursor)));
          }
          expect(submissions.hasSent).toBe(model.cursor > model.head);
        }
      }),
      { numRuns: 100 },
    );
  });
});

function payloadOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function numberIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer).getUint32(0);
}
