/** A journal is judged by what became of the commands that wrote it. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConclaveError } from '../../../../src/errors.js';
import { ExactlyOnceOracle, type CommandId } from '../../../../src/testing/linearizability/exactly-once-oracle.js';

/** Commands of one session, one after the other. */
function oracleAfter(...commands: readonly [id: CommandId, end: (oracle: ExactlyOnceOracle, id: CommandId) => void][]) {
  const oracle = new ExactlyOnceOracle();
  for (const [id, end] of commands) {
    oracle.asked('ann', id);
    end(oracle, id);
  }
  return oracle;
}

const answered = (oracle: ExactlyOnceOracle, id: CommandId): void => oracle.answered(id);
const applied = (oracle: ExactlyOnceOracle, id: CommandId): void => oracle.applied(id);
const unknown = (oracle: ExactlyOnceOracle, id: CommandId): void => oracle.unknown(id);
const refused = (oracle: ExactlyOnceOracle, id: CommandId): void => oracle.refused(id);
const open = (): void => undefined;

describe('nothing is wrong', () => {
  test.each<[name: string, oracle: ExactlyOnceOracle, journal: CommandId[]]>([
    ['when nothing has happened', oracleAfter(), []],
    ['with what was answered', oracleAfter(['a', answered], ['b', applied]), ['a', 'b']],
    ['without what is not known', oracleAfter(['a', answered], ['b', unknown], ['c', open]), ['a']],
    ['with what is not known', oracleAfter(['a', answered], ['b', unknown], ['c', open]), ['a', 'b', 'c']],
    ['without what was refused', oracleAfter(['a', refused], ['b', answered]), ['b']],
  ])('%s', (_name, oracle, journal) => {
    expect(oracle.violationsOf(journal)).toEqual([]);
  });

  test('when commands of two sessions that overlap are in any order', () => {
    const oracle = new ExactlyOnceOracle();
    oracle.asked('ann', 'a');
    oracle.asked('bob', 'b');
    oracle.answered('a');
    oracle.answered('b');

    expect([oracle.violationsOf(['a', 'b']), oracle.violationsOf(['b', 'a'])]).toEqual([[], []]);
  });
});

describe('it is wrong', () => {
  test.each<[name: string, kind: string, oracle: ExactlyOnceOracle, journal: CommandId[]]>([
    ['that what was answered is not there', 'lost', oracleAfter(['a', answered]), []],
    ['that what is known to be applied is not there', 'lost', oracleAfter(['a', applied]), []],
    ['that something is there twice', 'doubled', oracleAfter(['a', answered]), ['a', 'a']],
    ['that something of unknown outcome is there twice', 'doubled', oracleAfter(['a', unknown]), ['a', 'a']],
    ['that what was refused is there', 'refused', oracleAfter(['a', refused]), ['a']],
    ['that something is there that nobody has asked for', 'neverAsked', oracleAfter(), ['a']],
    ['that a session is in another order', 'outOfOrder', oracleAfter(['a', unknown], ['b', answered]), ['b', 'a']],
    [
      'that something is elsewhere than its answer said',
      'misplaced',
      oracleAfter(['a', unknown], ['b', (oracle, id) => oracle.answered(id, 1)]),
      ['a', 'b'],
    ],
  ])('%s', (_name, kind, oracle, journal) => {
    expect(oracle.violationsOf(journal).map((violation) => violation.kind)).toEqual([kind]);
  });

  test('that something is behind what was asked for once it was answered', () => {
    const oracle = new ExactlyOnceOracle();
    oracle.asked('ann', 'a');
    oracle.answered('a');
    oracle.asked('bob', 'b');
    oracle.answered('b');

    expect(oracle.violationsOf(['b', 'a'])).toEqual([
      { kind: 'outOfOrder', id: 'a', explanation: 'a is behind b, which was asked for once a had ended.' },
    ]);
  });
});

test('an error tells whether its command may be there', () => {
  const oracle = oracleAfter(
    ['a', (each, id) => each.failed(id, new ConclaveError('ERR_NO_LEADER', 'Nobody leads.'))],
    ['b', (each, id) => each.failed(id, new ConclaveError('ERR_TIMEOUT', 'No answer.'))],
    ['c', (each, id) => each.failed(id, new ConclaveError('ERR_RESULT_LOST', 'Overtaken.'))],
  );

  expect(oracle.violationsOf(['b', 'c'])).toEqual([]);
  expect(oracle.violationsOf(['a']).map(({ kind, id }) => [kind, id])).toEqual([
    ['refused', 'a'],
    ['lost', 'c'],
  ]);
  expect(oracle.mustBeApplied).toBe(1);
});

test('an id is used once, and ends once', () => {
  const oracle = oracleAfter(['a', answered]);

  expect(() => oracle.asked('bob', 'a')).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
  expect(() => oracle.refused('a')).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
});

test('of a run that was right, a journal with one entry lost, doubled or moved is wrong', () => {
  const sizes = fc.integer({ min: 2, max: 20 });
  const spoils = fc.constantFrom<(ids: number[], at: number) => number[]>(
    (ids, at) => ids.toSpliced(at, 1),
    (ids, at) => ids.toSpliced(at, 0, ids[at]!),
    (ids, at) => [...ids.toSpliced(at, 1), ids[at]!],
  );
  fc.assert(
    fc.property(sizes, spoils, fc.nat(), (size, spoil, seed) => {
      const ids = Array.from({ length: size }, (_, i) => i);
      const oracle = oracleAfter(...ids.map((id) => [id, answered] as [CommandId, typeof answered]));
      const at = seed % (size - 1);

      expect(oracle.violationsOf(ids)).toEqual([]);
      expect(oracle.violationsOf(spoil(ids, at))).not.toEqual([]);
    }),
  );
});
