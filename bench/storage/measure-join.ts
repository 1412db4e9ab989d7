/** Measures what callers feel when a cluster is given one more member, which has nothing yet. Runs in the parent. */

import type { JoinRow } from '../matrix.js';
import type { Timing } from '../measure.js';
import type { JoinOutcome } from '../results.js';
import { measureNewcomers } from './measure-newcomers.js';
import { WORK_TIMEOUT_MS } from './storage-cluster.js';

export async function measureJoin(row: JoinRow, timing: Timing, rounds: number): Promise<JoinOutcome> {
  const { tookMs, ...result } = await measureNewcomers(row, timing, async ({ cluster, caller, newcomer }) => {
    for (let round = 0; round < rounds; round++) {
      const joining = await newcomer(
        () => cluster.startJoining(),
        async ({ address, node }) => ({ node, tookMs: await caller.call('addMember', address, WORK_TIMEOUT_MS) }),
      );
      await caller.call('removeMember', joining.address, WORK_TIMEOUT_MS);
      await joining.node.stop();
    }
  });
  return { row, ...result, joinedMs: tookMs };
}
