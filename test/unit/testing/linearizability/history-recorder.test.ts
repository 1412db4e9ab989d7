/** A recorder writes down what it is told, in the order in which it is told. */

import { expect, test } from 'vitest';
import { ConclaveError, type ErrorCode } from '../../../../src/errors.js';
import { HistoryRecorder } from '../../../../src/testing/linearizability/history-recorder.js';

test('calls overlap as they were reported', () => {
  const recorder = new HistoryRecorder<string, number>();

  const first = recorder.call('ann', 'one');
  const second = recorder.call('bob', 'two');
  recorder.answered(second, 2);
  recorder.answered(first, 1);

  expect(recorder.calls()).toEqual([
    { client: 'ann', input: 'one', invokedAt: 1, returnedAt: 4, outcome: { kind: 'answered', output: 1 } },
    { client: 'bob', input: 'two', invokedAt: 2, returnedAt: 3, outcome: { kind: 'answered', output: 2 } },
  ]);
});

test('a call of which nothing more is said is unknown', () => {
  const recorder = new HistoryRecorder<string, number>();

  recorder.call('ann', 'one');

  expect(recorder.calls()).toMatchObject([{ returnedAt: Infinity, outcome: { kind: 'unknown' } }]);
});

test('a call ends once', () => {
  const recorder = new HistoryRecorder<string, number>();
  const call = recorder.call('ann', 'one');
  recorder.refused(call);

  expect(() => recorder.answered(call, 1)).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
});

test('a history that was asked for does not change any more', () => {
  const recorder = new HistoryRecorder<string, number>();
  const call = recorder.call('ann', 'one');

  const before = recorder.calls();
  recorder.applied(call);

  expect(before).toMatchObject([{ outcome: { kind: 'unknown' } }]);
});

test.each<[ErrorCode, string]>([
  ['ERR_TIMEOUT', 'unknown'],
  ['ERR_COMMAND_THREW', 'unknown'],
  ['ERR_NO_LEADER', 'refused'],
  ['ERR_SESSION_EXPIRED', 'refused'],
  ['ERR_RESULT_LOST', 'applied'],
  ['ERR_RESULT_TOO_LARGE', 'applied'],
])('after %s a call is %s', (code, kind) => {
  const recorder = new HistoryRecorder<string, number>();
  const call = recorder.call('ann', 'one');

  recorder.failed(call, new ConclaveError(code, 'It failed.'));

  expect(recorder.calls()).toMatchObject([{ outcome: { kind } }]);
});

test('an error may know better than its code', () => {
  const recorder = new HistoryRecorder<string, number>();
  const call = recorder.call('ann', 'one');

  recorder.failed(call, new ConclaveError('ERR_ABORTED', 'Aborted in time.', { mayBeApplied: false }));

  expect(recorder.calls()).toMatchObject([{ outcome: { kind: 'refused' } }]);
});

test('an error that is not ours says nothing', () => {
  const recorder = new HistoryRecorder<string, number>();
  const call = recorder.call('ann', 'one');

  recorder.failed(call, new Error('A bug.'));

  expect(recorder.calls()).toMatchObject([{ outcome: { kind: 'unknown' } }]);
});
