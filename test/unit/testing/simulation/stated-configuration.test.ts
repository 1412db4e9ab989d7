/** Checkers read a configuration as the log states it, and know its quorums by themselves. */

import { expect, test } from 'vitest';
import { configurationOf } from '../../../../src/actors/raft/configuration.js';
import { encodeConfiguration } from '../../../../src/actors/raft/configuration-entry.js';
import type { NodeId } from '../../../../src/ids.js';
import { StatedConfiguration } from '../../../../src/testing/simulation/checkers/stated-configuration.js';
import { A, B, C, D } from '../../actors/raft/roles/fixture.js';

function stated(voters: readonly NodeId[], oldVoters: readonly NodeId[] | null): StatedConfiguration {
  const old = oldVoters === null ? null : { voters: oldVoters, rule: 'majority' as const };
  const configuration = configurationOf({ voters, rule: 'majority', old, learners: [], admitted: new Map() });
  return new StatedConfiguration(encodeConfiguration(configuration));
}

test.each([
  ['a majority is a quorum', [A, B], true],
  ['half is not', [A], false],
  ['others do not count', [A, D], false],
] as const)('of one set: %s', (_, ids, isQuorum) => {
  const configuration = stated([A, B, C], null);

  expect(configuration.isQuorum(new Set(ids))).toBe(isQuorum);
});

test.each([
  ['majorities of both are a quorum', [B, C, D], true],
  ['a majority of the new set alone is not', [C, D], false],
  ['a majority of the old set alone is not', [A, B], false],
] as const)('of C_old,new: %s', (_, ids, isQuorum) => {
  const configuration = stated([B, C, D], [A, B, C]);

  expect(configuration.isQuorum(new Set(ids))).toBe(isQuorum);
});
