/** Quorums keep the two promises that safety rests on, and the committed index is the one the definition says. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkedQuorum,
  committedIndex,
  majority,
  sizedQuorum,
  VOTERS_MAX,
  type Quorum,
} from '../../../../src/actors/raft/quorum.js';
import { ConclaveError } from '../../../../src/errors.js';
import { nodeId, type NodeId } from '../../../../src/ids.js';

const refused = expect.objectContaining({ code: 'ERR_INVALID_OPTION' });

function votersNamed(count: number): NodeId[] {
  return Array.from({ length: count }, (_, i) => nodeId(`n${i}:1`));
}

function subsetsOf(voters: readonly NodeId[]): Set<NodeId>[] {
  return Array.from(
    { length: 2 ** voters.length },
    (_, bits) => new Set(voters.filter((_voter, i) => bits & (1 << i))),
  );
}

function areDisjoint(a: ReadonlySet<NodeId>, b: ReadonlySet<NodeId>): boolean {
  return [...a].every((id) => !b.has(id));
}

/** The definition, word by word: every pair of sets is looked at. */
function isLegal(voters: readonly NodeId[], quorum: Quorum): boolean {
  const subsets = subsetsOf(voters);
  const elections = subsets.filter((ids) => quorum.isElectionQuorum(ids));
  const commits = subsets.filter((ids) => quorum.isCommitQuorum(ids));
  if (elections.length === 0 || commits.length === 0) return false;
  return elections.every((one) => [...elections, ...commits].every((other) => !areDisjoint(one, other)));
}

function isAccepted(make: () => Quorum): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof ConclaveError && error.code === 'ERR_INVALID_OPTION') return false;
    throw error;
  }
}

describe('majority', () => {
  test.each([1, 2, 3, 4, 5, 6, 7])('of %i voters is legal and no larger than it must be', (count) => {
    const voters = votersNamed(count);
    const quorum = majority(voters);

    const smallest = Math.floor(count / 2) + 1;
    expect(isLegal(voters, quorum)).toBe(true);
    expect(quorum.isElectionQuorum(new Set(voters.slice(0, smallest)))).toBe(true);
    expect(quorum.isCommitQuorum(new Set(voters.slice(0, smallest)))).toBe(true);
    expect(quorum.isCommitQuorum(new Set(voters.slice(0, smallest - 1)))).toBe(false);
  });

  test('does not count strangers', () => {
    const quorum = majority(votersNamed(3));
    expect(quorum.isCommitQuorum(new Set([nodeId('n0:1'), nodeId('x:1'), nodeId('y:1')]))).toBe(false);
  });
});

describe('sizedQuorum', () => {
  test('accepts exactly what is legal by definition', () => {
    for (let count = 1; count <= 6; count++) {
      const voters = votersNamed(count);
      for (let election = -1; election <= count + 1; election++) {
        for (let commit = -1; commit <= count + 1; commit++) {
          const counted: Quorum = {
            isElectionQuorum: (ids) => ids.size >= election,
            isCommitQuorum: (ids) => ids.size >= commit,
          };
          const isMade = isAccepted(() => sizedQuorum(voters, { election, commit }));
          expect(isMade, `${count} ${election} ${commit}`).toBe(isLegal(voters, counted));
        }
      }
    }
  });

  test('keeps the two sizes apart', () => {
    const voters = votersNamed(5);
    const quorum = sizedQuorum(voters, { election: 4, commit: 2 });

    expect(quorum.isCommitQuorum(new Set(voters.slice(0, 2)))).toBe(true);
    expect(quorum.isElectionQuorum(new Set(voters.slice(0, 3)))).toBe(false);
    expect(quorum.isElectionQuorum(new Set(voters.slice(0, 4)))).toBe(true);
  });

  test('refuses sizes that are no numbers', () => {
    expect(() => sizedQuorum(votersNamed(3), { election: Number.NaN, commit: 2 })).toThrow(refused);
  });

  test('checks as many voters as are allowed in a moment, and refuses more', () => {
    expect(() => sizedQuorum(votersNamed(VOTERS_MAX), { election: 8, commit: 8 })).not.toThrow();
    expect(() => sizedQuorum(votersNamed(VOTERS_MAX + 1), { election: 9, commit: 9 })).toThrow(refused);
    expect(() => sizedQuorum([], { election: 1, commit: 1 })).toThrow(refused);
  });
});

describe('checkedQuorum', () => {
  test('accepts a rule that is legal and refuses one that is not, whatever sets make it up', () => {
    const voters = votersNamed(4);
    const subsets = subsetsOf(voters);
    const minimalSets = fc.array(fc.integer({ min: 0, max: subsets.length - 1 }), { maxLength: 4 });
    fc.assert(
      fc.property(minimalSets, minimalSets, (elections, commits) => {
        const contains = (minimal: readonly number[]) => (ids: ReadonlySet<NodeId>) =>
          minimal.some((bits) => [...subsets[bits]!].every((id) => ids.has(id)));
        const quorum: Quorum = { isElectionQuorum: contains(elections), isCommitQuorum: contains(commits) };

        expect(isAccepted(() => checkedQuorum(voters, quorum))).toBe(isLegal(voters, quorum));
      }),
      { numRuns: 500 },
    );
  });

  test('refuses a rule by which more voters count less', () => {
    const notFour = (ids: ReadonlySet<NodeId>) => ids.size === 3 || ids.size === 5;
    const three = (ids: ReadonlySet<NodeId>) => ids.size >= 3;
    const voters = votersNamed(5);

    expect(() => checkedQuorum(voters, { isElectionQuorum: notFour, isCommitQuorum: three })).toThrow(refused);
    expect(() => checkedQuorum(voters, { isElectionQuorum: three, isCommitQuorum: notFour })).toThrow(refused);
  });
});

describe('committedIndex', () => {
  test('is the largest value that a quorum has reached', () => {
    const cases = fc.integer({ min: 1, max: 7 }).chain((count) =>
      fc.record({
        matches: fc.array(fc.nat(9), { minLength: count, maxLength: count }),
        commit: fc.integer({ min: 1, max: count }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ matches, commit }) => {
        const voters = votersNamed(matches.length);
        const matchIndexOf = (id: NodeId) => matches[voters.indexOf(id)]!;

        const index = committedIndex(voters, matchIndexOf, (ids) => ids.size >= commit);

        expect(index).toBe(matches.toSorted((x, y) => y - x)[commit - 1]);
      }),
    );
  });

  test('is found for a rule that is not about numbers', () => {
    const voters = votersNamed(3);
    const needsFirst = (ids: ReadonlySet<NodeId>) => ids.has(voters[0]!) && ids.size >= 2;
    const matches = [4, 9, 7];

    expect(committedIndex(voters, (id) => matches[voters.indexOf(id)]!, needsFirst)).toBe(4);
  });

  test('is 0 without a quorum', () => {
    expect(
      committedIndex(
        votersNamed(3),
        () => 5,
        () => false,
      ),
    ).toBe(0);
  });
});
