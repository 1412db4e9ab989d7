/** A configuration names each node once and has a voter; peers are everyone else. */

import { expect, test } from 'vitest';
import { isVoter, majorityConfiguration, peersOf } from '../../../../src/actors/raft/configuration.js';
import { nodeId, type NodeId } from '../../../../src/ids.js';

const [a, b, c, d] = ['a:1', 'b:1', 'c:1', 'd:1'].map(nodeId) as [NodeId, NodeId, NodeId, NodeId];
const refused = expect.objectContaining({ code: 'ERR_INVALID_OPTION' });

test('the quorum is a majority of the voters, and learners do not count', () => {
  const { quorum } = majorityConfiguration([a, b, c], [d]);

  expect(quorum.isCommitQuorum(new Set([a, b]))).toBe(true);
  expect(quorum.isElectionQuorum(new Set([a, d]))).toBe(false);
});

test('peers are all others, voters first', () => {
  const configuration = majorityConfiguration([b, a], [d, c]);

  expect(peersOf(configuration, a)).toEqual([b, d, c]);
  expect(peersOf(configuration, d)).toEqual([b, a, c]);
});

test('a learner is no voter', () => {
  const configuration = majorityConfiguration([a], [b]);

  expect([a, b, c].map((id) => isVoter(configuration, id))).toEqual([true, false, false]);
});

test('it does not change with the arrays that it was made from', () => {
  const voters = [a, b, c];
  const configuration = majorityConfiguration(voters);

  voters.push(d);

  expect(configuration.voters).toEqual([a, b, c]);
  expect(configuration.quorum.isCommitQuorum(new Set([a, b]))).toBe(true);
});

test.each<[string, NodeId[], NodeId[]]>([
  ['no voter', [], []],
  ['learners only', [], [a]],
  ['a voter twice', [a, b, a], []],
  ['a learner twice', [a], [b, b]],
  ['a voter that is a learner', [a, b], [b]],
])('refuses %s', (_, voters, learners) => {
  expect(() => majorityConfiguration(voters, learners)).toThrow(refused);
});
