/**
 * Measures how a node that has lost its disk comes back, and what callers of the others feel of it. Runs in the parent.
 */

import type { CatchUpRow } from '../matrix.js';
import type { Timing } from '../measure.js';
import type { CatchUpOutcome } from '../results.js';
import { measureNewcomers } from './measure-newcomers.js';
import { othersThan } from './storage-cluster.js';

export async function measureCatchUp(row: CatchUpRow, timing: Timing, rounds: number): Promise<CatchUpOutcome> {
  const { tookMs, ...result } = await measureNewcomers(row, timing, async ({ cluster, leader, newcomer }) => {
    for (let round = 0; round < rounds; round++) {
      for (const follower of othersThan(leader, cluster)) {
        await newcomer(
          async () => {
            await cluster.nodes[follower]!.stop();
            await cluster.wipe(follower);
          },
          async () => {
            const { readyMs } = await cluster.startNode(follower);
            return { node: cluster.nodes[follower]!, tookMs: readyMs };
          },
        );
      }
    }
  });
  return { row, ...result, readyMs: tookMs };
}
