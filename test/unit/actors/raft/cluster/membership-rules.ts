/**
 * Which configuration may follow which, and whose agreement one takes, told independently of how the core makes them
 * and counts: what one step may change, and above all what it must leave as it is.
 */

import type { Configuration } from '../../../../../src/actors/raft/configuration.js';
import type { NodeId } from '../../../../../src/ids.js';

/** More than half of the voters, and of those before them if there are any. */
export function isQuorum({ voters, old }: Configuration, ids: readonly NodeId[]): boolean {
  return [voters, old?.voters ?? voters].every((set) => 2 * set.filter((id) => ids.includes(id)).length > set.length);
}

export function isOneStep(before: Configuration, after: Configuration): boolean {
  if (after.old !== null) return isEntered(before, after);
  if (before.old !== null) return isLeft(before, after);
  if (!isSame(before.voters, after.voters)) return false;
  const changed = before.voters.filter((id) => before.admitted.get(id) !== after.admitted.get(id));
  if (changed.length === 0) return isSame([...before.admitted.keys()], [...after.admitted.keys()]);
  // Out, or in again, and nothing else; never from one incarnation to another.
  const [id] = changed;
  const isOutOrIn = before.admitted.has(id!) !== after.admitted.has(id!);
  return changed.length === 1 && isOutOrIn && isSame(learnersOf(before), learnersOf(after));
}

/** To C_old,new: those who voted go on voting, as who they are. */
function isEntered(before: Configuration, after: Configuration): boolean {
  return (
    before.old === null &&
    after.voters.length > 0 &&
    isSame(before.voters, after.old!.voters) &&
    before.voters.every((id) => before.admitted.get(id) === after.admitted.get(id))
  );
}

/** To C_new: the new set votes, as who they are. */
function isLeft(before: Configuration, after: Configuration): boolean {
  return (
    isSame(before.voters, after.voters) &&
    after.voters.every((id) => before.admitted.get(id) === after.admitted.get(id)) &&
    isSame(learnersOf(before), learnersOf(after))
  );
}

function learnersOf({ learners }: Configuration): string[] {
  return learners.map(({ id, replaces }) => `${id} ${replaces}`);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join() === others.toSorted().join();
}
