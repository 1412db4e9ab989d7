/**
 * Which sets of voters may elect a leader and which may commit an entry. Every quorum made here keeps the two promises
 * that Raft's safety rests on; what cannot keep them is refused when it is made. Pure functions of sets of voters.
 */

import { ConclaveError } from '../../errors.js';
import type { NodeId } from '../../ids.js';

/**
 * Any two election quorums share a voter, and every election quorum shares a voter with every commit quorum. A set that
 * contains a quorum is one too. Ids that are no voters do not count.
 */
export interface Quorum {
  isElectionQuorum(ids: ReadonlySet<NodeId>): boolean;
  isCommitQuorum(ids: ReadonlySet<NodeId>): boolean;
}

/** How many voters it takes. */
export interface QuorumSizes {
  readonly election: number;
  readonly commit: number;
}

/** All sets of voters are looked at when a quorum is checked: 2^15 take some milliseconds. */
export const VOTERS_MAX = 15;

/** More than half of the voters, for both. */
export function majority(voters: readonly NodeId[]): Quorum {
  const size = Math.floor(voters.length / 2) + 1;
  return new SizedQuorum(voters, size, size);
}

/**
 * So many voters to elect and so many to commit: five voters with `{ election: 4, commit: 2 }` commit as soon as two
 * have an entry, and pay for it with elections that need four.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` if two such quorums might not share a voter.
 */
export function sizedQuorum(voters: readonly NodeId[], { election, commit }: QuorumSizes): Quorum {
  return checkedQuorum(voters, new SizedQuorum(voters, election, commit));
}

/** Both at once: what C_old,new takes, for elections and for commitment (Raft §6). */
export function jointQuorum(old: Quorum, next: Quorum): Quorum {
  return {
    isElectionQuorum: (ids) => old.isElectionQuorum(ids) && next.isElectionQuorum(ids),
    isCommitQuorum: (ids) => old.isCommitQuorum(ids) && next.isCommitQuorum(ids),
  };
}

/**
 * Returns `quorum` if it keeps its promises for these voters, having tried every set of them.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` if it does not, or if there are no voters or more than {@link VOTERS_MAX}.
 */
export function checkedQuorum(voters: readonly NodeId[], quorum: Quorum): Quorum {
  if (voters.length === 0 || voters.length > VOTERS_MAX) {
    throw refused(`there must be 1 to ${VOTERS_MAX} voters, not ${voters.length}`);
  }
  const subsets = 2 ** voters.length;
  const isElection = new Uint8Array(subsets);
  const isCommit = new Uint8Array(subsets);
  for (let bits = 0; bits < subsets; bits++) {
    const ids = new Set(voters.filter((_, i) => (bits & (1 << i)) !== 0));
    isElection[bits] = quorum.isElectionQuorum(ids) ? 1 : 0;
    isCommit[bits] = quorum.isCommitQuorum(ids) ? 1 : 0;
  }
  refuseUnlessMonotonic(isElection, voters.length);
  refuseUnlessMonotonic(isCommit, voters.length);
  const all = subsets - 1;
  if (isElection[all] === 0 || isCommit[all] === 0) throw refused('not even all voters together are a quorum');
  // Supersets of quorums are quorums, so it is enough to look at a quorum's complement: if that contains a quorum at
  // all, it is one itself.
  for (let bits = 0; bits < subsets; bits++) {
    if (isElection[bits] === 0) continue;
    if (isElection[all - bits] === 1) throw refused('two election quorums share no voter');
    if (isCommit[all - bits] === 1) throw refused('an election quorum and a commit quorum share no voter');
  }
  return quorum;
}

/**
 * The largest value that a quorum has reached: the voters whose `matchIndexOf` is at least that form one. 0 if none
 * do, not even at 0. Called for each acknowledgement.
 */
export function committedIndex(
  voters: readonly NodeId[],
  matchIndexOf: (id: NodeId) => number,
  isQuorum: (ids: ReadonlySet<NodeId>) => boolean,
): number {
  const ids = new Set<NodeId>();
  let bound = Infinity;
  // From the furthest value down, each round takes in the voters that have reached the next lower one.
  while (ids.size < voters.length) {
    let value = -1;
    for (const voter of voters) {
      const match = matchIndexOf(voter);
      if (match < bound && match > value) value = match;
    }
    if (value < 0) return 0;
    for (const voter of voters) if (matchIndexOf(voter) === value) ids.add(voter);
    if (isQuorum(ids)) return value;
    bound = value;
  }
  return 0;
}

class SizedQuorum implements Quorum {
  readonly #voters: readonly NodeId[];
  readonly #election: number;
  readonly #commit: number;

  constructor(voters: readonly NodeId[], election: number, commit: number) {
    this.#voters = [...voters];
    this.#election = election;
    this.#commit = commit;
  }

  isElectionQuorum(ids: ReadonlySet<NodeId>): boolean {
    return this.#count(ids) >= this.#election;
  }

  isCommitQuorum(ids: ReadonlySet<NodeId>): boolean {
    return this.#count(ids) >= this.#commit;
  }

  #count(ids: ReadonlySet<NodeId>): number {
    let count = 0;
    for (const voter of this.#voters) if (ids.has(voter)) count++;
    return count;
  }
}

function refuseUnlessMonotonic(isQuorum: Uint8Array, voters: number): void {
  for (let bits = 0; bits < isQuorum.length; bits++) {
    if (isQuorum[bits] === 0) continue;
    for (let i = 0; i < voters; i++) {
      if (isQuorum[bits | (1 << i)] === 0) throw refused('a set that contains a quorum is none');
    }
  }
}

function refused(why: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `This quorum would not be safe: ${why}.`, {
    data: { option: 'quorum' },
  });
}
