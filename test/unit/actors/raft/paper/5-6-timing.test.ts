/**
 * Raft §5.6, claim by claim: broadcastTime ≪ electionTimeout ≪ MTBF, in whole clusters with a fair network. That safety
 * does not depend on timing is what random-cluster.test.ts is about.
 */

import { describe, expect, test } from 'vitest';
import { RaftCluster } from '../cluster/raft-cluster.js';
import { configurationOf } from './conversation.js';

const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);
const ELECTION_TIMEOUT_MS = [100, 200] as const;

/** A cluster of five, with a leader that all follow. */
function established(seed: number): RaftCluster {
  const cluster = new RaftCluster({
    seed,
    configuration: configurationOf(5),
    observers: [],
    electionTimeoutMs: ELECTION_TIMEOUT_MS,
    limits: {
      inflightMessagesMax: 64,
      inflightBytesMax: 100_000,
      appendBytesMax: 1_200,
      submissionBytesInflightMax: 10_000,
    },
  });
  expect(cluster.run(2_000, () => hasOneLeader(cluster))).toBe(true);
  return cluster;
}

function hasOneLeader({ running }: RaftCluster): boolean {
  const leaders = new Set(running.map((node) => node.running.leader));
  return leaders.size === 1 && !leaders.has(null) && running.some((node) => node.isLeader);
}

function termOf(cluster: RaftCluster): number {
  return Math.max(...cluster.running.map((node) => node.running.term));
}

describe.each(SEEDS)('a cluster in which messages arrive long before anybody times out, seed %i', (seed) => {
  test('§5.6: maintains a steady leader', () => {
    const cluster = established(seed);
    const term = termOf(cluster);
    cluster.run(20 * ELECTION_TIMEOUT_MS[1]);
    expect(termOf(cluster)).toBe(term);
    expect(hasOneLeader(cluster)).toBe(true);
  });

  test('§5.6: is without a leader for about an election timeout when the leader crashes', () => {
    const cluster = established(seed);
    const leader = cluster.running.find((node) => node.isLeader)!;
    cluster.crash(leader.id);
    // The timeout, and one more should votes be split.
    expect(cluster.run(2 * ELECTION_TIMEOUT_MS[1] + 50, () => hasOneLeader(cluster))).toBe(true);
  });

  test('§5.6: elects nobody as long as a majority is down, and somebody soon after it is back', () => {
    const cluster = established(seed);
    const [first, second, third] = [...cluster.nodes.keys()];
    for (const id of [first!, second!, third!]) cluster.crash(id);
    cluster.run(10 * ELECTION_TIMEOUT_MS[1]);
    expect(cluster.running.filter((node) => node.isLeader)).toEqual([]);
    cluster.restart(first!);
    expect(cluster.run(3 * ELECTION_TIMEOUT_MS[1], () => hasOneLeader(cluster))).toBe(true);
  });
});
