/** The newest configuration in the log is in effect, wherever the log is cut off, dropped or replaced. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { majorityConfiguration, type Configuration } from '../../../../src/actors/raft/configuration.js';
import { encodeConfiguration } from '../../../../src/actors/raft/configuration-entry.js';
import { Configurations } from '../../../../src/actors/raft/configurations.js';
import { logIndex, nodeId } from '../../../../src/ids.js';

const of = (...ids: string[]): Configuration => majorityConfiguration(ids.map(nodeId));
const INITIAL = of('a', 'b');
const BASE = of('a', 'b', 'c');

function append(configurations: Configurations, index: number, configuration: Configuration): void {
  configurations.appended(logIndex(index), encodeConfiguration(configuration));
}

function votersAt(configurations: Configurations, index: number): string | undefined {
  return configurations.at(logIndex(index))?.voters.join('');
}

describe('the configuration in effect', () => {
  test('is the one that the group is to be founded with, before there is a group', () => {
    const configurations = new Configurations(INITIAL, null, logIndex(0));
    expect(configurations.current).toBe(INITIAL);
    expect(configurations).toMatchObject({ isFounded: false, lastIndex: 0, previous: null });
    expect(configurations.at(logIndex(0))).toBeNull();
  });

  test('is that of the snapshot, where the log has none', () => {
    const configurations = new Configurations(INITIAL, BASE, logIndex(0));
    expect(configurations.current).toBe(BASE);
    expect(configurations).toMatchObject({ isFounded: true, lastIndex: 0, previous: null });
  });

  test('is the newest one from where it is appended', () => {
    const configurations = new Configurations(INITIAL, BASE, logIndex(0));
    append(configurations, 5, of('a', 'b'));
    append(configurations, 7, of('b'));
    expect([4, 5, 6, 7, 8].map((index) => votersAt(configurations, index))).toEqual(['abc', 'ab', 'ab', 'b', 'b']);
    expect(configurations.current.voters).toEqual(['b']);
    expect(configurations.previous?.voters).toEqual(['a', 'b']);
    expect(configurations.lastIndex).toBe(7);
  });

  test('has let in each of its members where the log says so last', () => {
    const configurations = new Configurations(INITIAL, BASE, logIndex(0));
    append(configurations, 5, of('a', 'b'));
    append(configurations, 7, of('b', 'c', 'd'));
    append(configurations, 9, of('b', 'd'));
    const letInAt = ['a', 'b', 'c', 'd', 'e'].map((id) => configurations.letInAt(nodeId(id)));
    expect(letInAt).toEqual([0, 0, 7, 7, 0]);
  });

  test('is the one before where the log is cut off, to what has been dropped at most', () => {
    const configurations = new Configurations(INITIAL, BASE, logIndex(0));
    append(configurations, 5, of('a', 'b'));
    append(configurations, 7, of('b'));
    configurations.dropTo(logIndex(6));
    configurations.truncateAfter(logIndex(7));
    expect(configurations.current.voters).toEqual(['b']);
    configurations.truncateAfter(logIndex(6));
    expect(configurations.current.voters).toEqual(['a', 'b']);
    expect(configurations.lastIndex).toBe(0);
  });

  test('is known since it was appended, also when it is dropped, but no longer once a snapshot has taken its place', () => {
    const configurations = new Configurations(INITIAL, BASE, logIndex(3));
    append(configurations, 5, of('a', 'b'));
    configurations.dropTo(logIndex(4));
    expect([2, 3, 4].map((index) => configurations.isKnownSince(logIndex(index)))).toEqual([false, true, true]);
    configurations.dropTo(logIndex(8));
    expect([4, 5, 8].map((index) => configurations.isKnownSince(logIndex(index)))).toEqual([false, true, true]);
    expect(configurations.since(logIndex(5))).toEqual([]);
    configurations.resetTo(of('c'), logIndex(9));
    expect([8, 9].map((index) => configurations.isKnownSince(logIndex(index)))).toEqual([false, true]);
  });

  test('that founded a group is taken back with its entry', () => {
    const configurations = new Configurations(INITIAL, null, logIndex(0));
    append(configurations, 1, BASE);
    configurations.truncateAfter(logIndex(0));
    expect(configurations.isFounded).toBe(false);
    expect(configurations.current).toBe(INITIAL);
  });

  test('is that of a snapshot that takes the place of the log', () => {
    const configurations = new Configurations(INITIAL, BASE, logIndex(0));
    append(configurations, 5, of('b'));
    configurations.resetTo(of('c'), logIndex(9));
    expect(configurations.current.voters).toEqual(['c']);
    expect(configurations).toMatchObject({ lastIndex: 0, previous: null });
  });

  test('is at each index what the last entry up to there says, whatever is done to the log', () => {
    const voters = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 });
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ act: fc.constant('append' as const), voters, skip: fc.nat(2) }) },
      {
        weight: 1,
        arbitrary: fc.record({ act: fc.constantFrom('truncate' as const, 'drop' as const), share: fc.nat(4) }),
      },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const configurations = new Configurations(INITIAL, BASE, logIndex(0));
        let said = [{ index: 0, voters: 'abc' }];
        let [dropped, last] = [0, 0];
        for (const op of operations) {
          if (op.act === 'append') {
            last += 1 + op.skip;
            append(configurations, last, of(...op.voters));
            said.push({ index: last, voters: op.voters.join('') });
            continue;
          }
          const index = dropped + Math.floor(((last - dropped) * op.share) / 4);
          if (op.act === 'drop') {
            configurations.dropTo(logIndex(index));
            dropped = index;
          } else {
            configurations.truncateAfter(logIndex(index));
            said = said.filter((each) => each.index <= index);
            last = index;
          }
        }
        for (let index = dropped; index <= last; index++) {
          const expected = said.findLast((each) => each.index <= index)!;
          expect(votersAt(configurations, index)).toBe(expected.voters);
          if (index === last) expect(configurations.current.voters.join('')).toBe(expected.voters);
        }
      }),
    );
  });
});
