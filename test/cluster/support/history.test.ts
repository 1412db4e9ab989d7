import { describe, expect, test } from 'vitest';
import type { AppendRecord, FailureRecord, ReadRecord } from '../fixtures/node-messages.js';
import { History, type CallsEvent } from './history.js';

function event(told: Partial<CallsEvent>): CallsEvent {
  return { event: 'calls', caller: 'a', appended: [], failed: [], reads: [], failedReads: [], endUs: 100, ...told };
}

function append(number: number, position: number, startUs = 0): AppendRecord {
  return { number, position, startUs };
}

function failure(number: number, code: string, mayBeApplied: boolean): FailureRecord {
  return { number, code, mayBeApplied, retrySafe: !mayBeApplied };
}

function read(size: number, startUs: number, consistency: ReadRecord['consistency'] = 'linearizable'): ReadRecord {
  return { consistency, size, startUs, endUs: startUs + 10 };
}

function complaintsOf(events: readonly CallsEvent[], applied: readonly number[]): string[] {
  const history = new History();
  for (const each of events) history.add(each);
  return history.complaints(new Map([['a', applied]]));
}

describe('a history in order', () => {
  test('has no complaints', () => {
    const told = event({
      appended: [append(1, 1), append(3, 2)],
      failed: [failure(2, 'ERR_NO_LEADER', false), failure(4, 'ERR_TIMEOUT', true)],
      failedReads: [{ code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true }],
    });
    const later = event({ reads: [read(2, 200), read(3, 210), read(0, 220, 'local')], endUs: 300 });

    expect(complaintsOf([told, later], [1, 3, 4])).toEqual([]);
  });

  test('may answer an old question late', () => {
    const early = event({ appended: [append(1, 1)], endUs: 100 });
    const late = event({ reads: [read(0, 99)], endUs: 500 });

    expect(complaintsOf([early, late], [1])).toEqual([]);
  });
});

describe('a complaint is made of', () => {
  test('a lost command', () => {
    expect(complaintsOf([event({ appended: [append(1, 1)] })], [])).toEqual(['a#1 was acknowledged and is lost']);
  });

  test('a command that was applied though it was said not to be', () => {
    const complaint = 'a#1 was applied, though ERR_NO_LEADER said that it was not';

    expect(complaintsOf([event({ failed: [failure(1, 'ERR_NO_LEADER', false)] })], [1])).toEqual([complaint]);
  });

  test('two commands in one place', () => {
    const complaint = 'two commands were told that they are number 1';

    expect(complaintsOf([event({ appended: [append(1, 1), append(2, 1)] })], [1, 2])).toEqual([complaint]);
  });

  test.each(['linearizable', 'lease'] as const)('a stale %s read', (consistency) => {
    const acknowledged = event({ appended: [append(1, 1)], endUs: 1_000 });
    const stale = event({ reads: [read(0, 3_000, consistency)], endUs: 4_000 });

    expect(complaintsOf([acknowledged, stale], [1])).toEqual([
      `a ${consistency} read saw 0 commands, though 2 ms before it was made there were 1`,
    ]);
  });

  test('a read that saw less than one that had ended before', () => {
    expect(complaintsOf([event({ reads: [read(2, 0), read(1, 2_010)] })], [])).toEqual([
      'a linearizable read saw 1 commands, though 2 ms before it was made there were 2',
    ]);
  });

  test('a command that was put before what was known when it was made', () => {
    const first = event({ appended: [append(1, 2)], endUs: 1_000 });
    const second = event({ appended: [append(2, 1, 3_000)], endUs: 4_000 });

    expect(complaintsOf([first, second], [1, 2])).toEqual([
      'a command saw 0 commands, though 2 ms before it was made there were 2',
    ]);
  });

  test('local reads that go back', () => {
    const reads = [read(2, 0, 'local'), read(1, 20, 'local')];

    expect(complaintsOf([event({ reads })], [])).toEqual(['local reads of a went back to 1']);
  });

  test('an error that trouble does not explain', () => {
    const failed = [failure(1, 'ERR_ASSERTION', true)];

    expect(complaintsOf([event({ failed })], [])).toEqual(['a call failed with ERR_ASSERTION']);
  });

  test('an error that may double a command', () => {
    const failed = [{ number: 1, code: 'ERR_TIMEOUT', mayBeApplied: true, retrySafe: true }];

    expect(complaintsOf([event({ failed })], [])).toEqual([
      'ERR_TIMEOUT says that a command may be applied and made again',
    ]);
  });
});
