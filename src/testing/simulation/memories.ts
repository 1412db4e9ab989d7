/**
 * Which voters of a simulated cluster remember what they promised, and so which may lose their memory or be removed:
 * what is committed is kept only as long as a majority remembers, of each set that votes.
 */

import type { NodeId } from '../../ids.js';
import type { ClusterCheckers } from './cluster-checkers.js';
import type { Member } from './member.js';

/** What it must know of a place. */
type Remembering = Pick<Member, 'name' | 'isObserver' | 'isRotten'>;

export class Memories {
  readonly #checkers: ClusterCheckers;
  readonly #members: readonly Remembering[];
  readonly #leaving: ReadonlySet<NodeId>;

  /**
   * @param members all places, those to come included
   * @param leaving those whose removal somebody has asked for, and has not been answered about
   */
  constructor(checkers: ClusterCheckers, members: readonly Remembering[], leaving: ReadonlySet<NodeId>) {
    this.#checkers = checkers;
    this.#members = members;
    this.#leaving = leaving;
  }

  /** May this member lose its memory? */
  mayLose(member: Remembering): boolean {
    return member.isObserver || this.#isBearable(member, null);
  }

  /** May this member be removed? Those who are left must remember what is committed, as far as can be known. */
  mayRemove(member: Remembering): boolean {
    return this.#isBearable(null, member);
  }

  /**
   * Does a majority of each set of voters remember, that votes, or may vote once what was begun or asked for is done?
   */
  #isBearable(loser: Remembering | null, removed: Remembering | null): boolean {
    const { possible } = this.#checkers.admitted;
    if (possible.length === 0) {
      const voters = this.#members.filter(({ isObserver }) => !isObserver);
      return loser === null || this.#isMajorityWhole(voters, voters.length, loser);
    }
    return possible.every(({ voters, oldVoters, learners }) =>
      [voters, oldVoters ?? voters].every((ids) => {
        const set = this.#members.filter(({ name }) => ids.includes(name));
        const leaving = set.filter((each) => each !== removed && this.#leaving.has(each.name));
        const staying = set.filter((each) => each !== removed && !this.#leaving.has(each.name));
        // Of those who are to leave, some may never do.
        const lefts = subsetsOf(leaving).map((some) => [...staying, ...some]);
        // Whoever is about to vote must not forget either: the vote is given to who it was.
        const isLearner = loser !== null && learners.includes(loser.name);
        const more = isLearner && !set.includes(loser) ? [loser] : [];
        return [set, ...lefts].every((each) => this.#isMajorityWhole([...each, ...more], each.length, loser));
      }),
    );
  }

  #isMajorityWhole(members: readonly Remembering[], size: number, loser: Remembering | null): boolean {
    const forgetful = members.filter((each) => each === loser || !this.#isWhole(each));
    return forgetful.length === 0 || forgetful.length < size / 2;
  }

  /** Has this voter never lost anything, or has it been let in again since? */
  #isWhole({ name, isRotten }: Remembering): boolean {
    if (isRotten) return false;
    if (!this.#checkers.hasLost(name)) return true;
    const { admitted } = this.#checkers;
    return admitted.of(name) !== null && admitted.of(name) === this.#checkers.incarnationOf(name);
  }
}

/** The empty one and the whole among them. */
function subsetsOf<Item>(items: readonly Item[]): Item[][] {
  return items.reduce<Item[][]>((subsets, item) => subsets.flatMap((subset) => [subset, [...subset, item]]), [[]]);
}
