/** Answers are judged by the versions that they were given from. */

import { describe, expect, test } from 'vitest';
import type { Consistency } from '../../../../src/actors/replicated/call.js';
import { SessionOrderOracle } from '../../../../src/testing/linearizability/session-order-oracle.js';

function kindsOf({ violations }: SessionOrderOracle): string[] {
  return violations.map(({ kind }) => kind);
}

function write(oracle: SessionOrderOracle, session: string, version: number, result?: unknown): void {
  oracle.wrote(oracle.call(session), { version, query: 'get', result: result ?? version });
}

function read(oracle: SessionOrderOracle, session: string, consistency: Consistency, version: number): void {
  oracle.read(oracle.call(session), consistency, { version, query: 'get', result: version });
}

describe('nothing is wrong', () => {
  test('when another node reads locally what is long past', () => {
    const oracle = new SessionOrderOracle();
    write(oracle, 'node 1', 1);
    write(oracle, 'node 1', 2);
    read(oracle, 'node 2', 'local', 0);
    read(oracle, 'node 2', 'local', 1);
    read(oracle, 'node 2', 'linearizable', 2);

    expect(kindsOf(oracle)).toEqual([]);
  });

  test('when reads that overlap are answered in the other order', () => {
    const oracle = new SessionOrderOracle();
    const first = oracle.call('node 1');
    const second = oracle.call('node 1');
    oracle.read(second, 'local', { version: 5 });
    oracle.read(first, 'local', { version: 4 });

    expect(kindsOf(oracle)).toEqual([]);
  });

  test('when a write is under way while a read is made', () => {
    const oracle = new SessionOrderOracle();
    const pending = oracle.call('node 1');
    const reading = oracle.call('node 1');
    oracle.wrote(pending, { version: 1 });
    oracle.read(reading, 'linearizable', { version: 0 });

    expect(kindsOf(oracle)).toEqual([]);
  });

  test('when a version is missing, for its write was not answered', () => {
    const oracle = new SessionOrderOracle();
    oracle.failed(oracle.call('node 1'));
    write(oracle, 'node 1', 2);
    read(oracle, 'node 1', 'local', 2);

    expect(kindsOf(oracle)).toEqual([]);
  });

  test('when a node that starts again begins with what its disk has', () => {
    const oracle = new SessionOrderOracle();
    read(oracle, 'node 1, life 1', 'local', 5);
    read(oracle, 'node 1, life 2', 'local', 3);

    expect(kindsOf(oracle)).toEqual([]);
  });
});

describe('it is wrong', () => {
  test('that a local read is older than one before it', () => {
    const oracle = new SessionOrderOracle();
    read(oracle, 'node 1', 'local', 5);
    read(oracle, 'node 1', 'local', 4);

    expect(oracle.violations).toEqual([
      {
        kind: 'backwards',
        session: 'node 1',
        version: 4,
        explanation: 'node 1 was answered version 4: the session had seen version 5 before.',
      },
    ]);
  });

  test('that a local read does not show what its own node has written', () => {
    const oracle = new SessionOrderOracle();
    write(oracle, 'node 1', 1);
    read(oracle, 'node 1', 'local', 0);

    expect(kindsOf(oracle)).toEqual(['ownWriteMissed']);
  });

  test.each(['linearizable', 'lease'] as const)('that a %s read does not show what another node has written', (how) => {
    const oracle = new SessionOrderOracle();
    write(oracle, 'node 1', 1);
    read(oracle, 'node 2', how, 0);

    expect(kindsOf(oracle)).toEqual(['stale']);
  });

  test.each([
    ['linearizable', 'linearizable'],
    ['linearizable', 'local'],
    ['lease', 'lease'],
  ] as const)('that a %s read does not show what a %s one of another node has shown before', (how, before) => {
    const oracle = new SessionOrderOracle();
    read(oracle, 'node 1', before, 5);
    read(oracle, 'node 2', how, 4);

    expect(oracle.violations).toMatchObject([
      {
        kind: 'stale',
        explanation: 'node 2 was answered version 4: version 5 had been shown before this read was made.',
      },
    ]);
  });

  test('that a write was seen before it was asked for', () => {
    const oracle = new SessionOrderOracle();
    read(oracle, 'node 2', 'local', 1);
    write(oracle, 'node 1', 1);

    expect(kindsOf(oracle)).toEqual(['fromTheFuture']);
  });

  test('that a write comes before one that had been answered before it was asked for', () => {
    const oracle = new SessionOrderOracle();
    write(oracle, 'node 1', 2);
    write(oracle, 'node 2', 1);

    expect(kindsOf(oracle)).toEqual(['fromTheFuture']);
  });

  test('that two writes have led to the same version', () => {
    const oracle = new SessionOrderOracle();
    const first = oracle.call('node 1');
    const second = oracle.call('node 2');
    oracle.wrote(first, { version: 1 });
    oracle.wrote(second, { version: 1 });

    expect(kindsOf(oracle)).toEqual(['sameVersion']);
  });

  test('that a node shows another state at the same version than the write did', () => {
    const oracle = new SessionOrderOracle();
    write(oracle, 'node 1', 1, 'red');
    oracle.read(oracle.call('node 2'), 'local', { version: 1, query: 'get', result: 'blue' });

    expect(kindsOf(oracle)).toEqual(['disagreement']);
  });
});

test('only the first violations are kept', () => {
  const oracle = new SessionOrderOracle();
  read(oracle, 'node 1', 'local', 1_000);

  for (let i = 0; i < 200; i++) read(oracle, 'node 1', 'local', i);

  expect(oracle.violations).toHaveLength(100);
});
