/** What an operator is told of a change of members is held against what is committed. */

import { beforeEach, describe, expect, test } from 'vitest';
import { configurationOf } from '../../../../src/actors/raft/configuration.js';
import { encodeConfiguration } from '../../../../src/actors/raft/configuration-entry.js';
import type { NodeId } from '../../../../src/ids.js';
import { StatedConfiguration } from '../../../../src/testing/simulation/checkers/stated-configuration.js';
import { ChangeLedger } from '../../../../src/testing/simulation/operator/change-ledger.js';
import { Violations } from '../../../../src/testing/simulation/violations.js';
import { A, B, C, D } from '../../actors/raft/roles/fixture.js';

let nowMs: number;
const clock = (): number => nowMs;
let committed: StatedConfiguration[];
let violations: Violations;
let ledger: ChangeLedger;

beforeEach(() => {
  nowMs = 0;
  committed = [stated([A, B, C])];
  violations = new Violations(() => nowMs);
  const admitted = {
    get current() {
      return committed.at(-1)!;
    },
    get committedIndex() {
      return committed.length;
    },
    since: (index: number) => committed.slice(index - 1),
  };
  ledger = new ChangeLedger(admitted, violations);
});

function stated(voters: readonly NodeId[], learners: readonly NodeId[] = []): StatedConfiguration {
  const parts = learners.map((id) => ({ id, replaces: null }));
  const configuration = configurationOf({ voters, rule: 'majority', old: null, learners: parts, admitted: new Map() });
  return new StatedConfiguration(encodeConfiguration(configuration));
}

const TO_ADD = { add: D, remove: null, timeoutMs: 100 };
const TO_REMOVE = { add: null, remove: C, timeoutMs: 100 };

describe('a change that is reported as made', () => {
  test('has been committed', () => {
    const open = ledger.asked(TO_ADD, clock);
    committed.push(stated([A, B, C], [D]), stated([A, B, C, D]));

    ledger.made(open);

    expect(violations.first).toBeNull();
  });

  test('may have been taken back by another one since', () => {
    const open = ledger.asked(TO_ADD, clock);
    committed.push(stated([A, B, C, D]), stated([A, B, C]));

    ledger.made(open);

    expect(violations.first).toBeNull();
  });

  test.each([
    ['a learner has no vote yet', TO_ADD, stated([A, B, C], [D])],
    ['a member is one still', TO_REMOVE, stated([A, B, C])],
  ])('was not made where %s', (_, change, last) => {
    const open = ledger.asked(change, clock);
    committed.push(last);

    ledger.made(open);

    expect(violations.first).toMatchObject({ promise: 'members' });
  });

  test('lasts until the end', () => {
    const open = ledger.asked(TO_REMOVE, clock);
    committed.push(stated([A, B]));
    ledger.made(open);

    ledger.judge(stated([A, B]));
    expect(violations.first).toBeNull();

    ledger.judge(stated([A, B, C]));
    expect(violations.first!.what).toContain('c was removed, as was said');
  });

  test('lasts all the while, too', () => {
    const open = ledger.asked(TO_REMOVE, clock);
    committed.push(stated([A, B]));
    ledger.made(open);
    committed.push(stated([A, B], [C]), stated([A, B]));

    ledger.judge(stated([A, B]));

    expect(violations.first!.what).toContain('c was removed, as was said');
  });

  test('lasts until somebody asks for another one', () => {
    const open = ledger.asked(TO_REMOVE, clock);
    committed.push(stated([A, B]));
    ledger.made(open);
    committed.push(stated([A, B], [C]));

    ledger.asked({ add: C, remove: null, timeoutMs: 100 }, clock);

    expect(violations.first!.what).toContain('c was removed, as was said');
  });

  test('need not last while a later one is under way', () => {
    const open = ledger.asked(TO_REMOVE, clock);
    committed.push(stated([A, B]));
    ledger.made(open);
    ledger.asked({ add: C, remove: null, timeoutMs: 100 }, clock);
    committed.push(stated([A, B], [C]));

    ledger.asked({ add: C, remove: A, timeoutMs: 100 }, clock);

    expect(violations.first).toBeNull();
  });

  test('may be undone by a call that has ended without saying whether it did', () => {
    const open = ledger.asked(TO_REMOVE, clock);
    committed.push(stated([A, B]));
    ledger.made(open);
    ledger.failed(ledger.asked({ add: C, remove: null, timeoutMs: 100 }, clock), 'ERR_TIMEOUT');

    ledger.judge(stated([A, B, C]));

    expect(violations.first).toBeNull();
  });

  test('may be undone by one that was made at the same time', () => {
    const open = ledger.asked(TO_REMOVE, clock);
    const other = ledger.asked({ add: C, remove: null, timeoutMs: 100 }, clock);
    committed.push(stated([A, B]), stated([A, B, C]));
    ledger.made(other);
    ledger.made(open);

    ledger.judge(stated([A, B, C]));

    expect(violations.first).toBeNull();
  });
});

test('what was refused leaves everything as it was', () => {
  const open = ledger.asked(TO_REMOVE, clock);
  committed.push(stated([A, B]));
  ledger.made(open);
  ledger.failed(ledger.asked({ add: C, remove: null, timeoutMs: 100 }, clock), 'ERR_NO_LEADER');

  ledger.judge(stated([A, B, C]));

  expect(violations.first).toMatchObject({ promise: 'members' });
});

test('a call ends in time', () => {
  const open = ledger.asked(TO_ADD, clock);
  nowMs = 10_000;

  ledger.failed(open, 'ERR_TIMEOUT');

  expect(violations.first).toMatchObject({ promise: 'liveness' });
});
