/**
 * Whoever counts changes in steps between which a quorum before and one after have a voter in common, in the same
 * incarnation (Raft §6, thesis §4.1): two quorums that share nobody could each have a leader.
 */

import type { NodeId } from '../../../ids.js';
import type { CheckerContext } from './checker.js';
import type { StatedConfiguration } from './stated-configuration.js';

export function watchQuorums(context: CheckerContext): void {
  context.history.configurations.whenStated((_core, { index, configuration: after }, before) => {
    if (before === null || doOverlap(before, after)) return;
    const what = `entry ${index} leads from ${before.words} to ${after.words}, and quorums need not overlap`;
    context.report('members', what);
  });
}

/** Has each quorum of one a voter in common with each of the other? */
function doOverlap(before: StatedConfiguration, after: StatedConfiguration): boolean {
  const counting = countingIn(before);
  const countingAfter = countingIn(after);
  for (let bits = 0; bits < 2 ** counting.length; bits++) {
    const quorum = new Set(counting.filter((_, i) => (bits & (1 << i)) !== 0));
    if (!before.isQuorum(quorum)) continue;
    const others = countingAfter.filter((id) => !quorum.has(id) || before.admitted.get(id) !== after.admitted.get(id));
    if (after.isQuorum(new Set(others))) return false;
  }
  return true;
}

function countingIn({ electors, admitted }: StatedConfiguration): readonly NodeId[] {
  return electors.filter((id) => admitted.has(id));
}
