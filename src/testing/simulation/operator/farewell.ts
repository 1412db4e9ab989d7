/**
 * The last but one leaves: an operator removes members until two voters are left, and then the leader of these, which
 * is ended when its log says that it has gone, and the other's does not yet. Nobody but the one that has gone can be
 * elected then (thesis §4.2.2). Belongs to the operator, which does the asking.
 */

import type { ObjectDefinitions } from '../../../actors/replicated/object-definition.js';
import type { ClusterCheckers } from '../cluster-checkers.js';
import type { Dice } from '../dice.js';
import { FAULTS } from '../faults/fault-mix.js';
import type { Partitions } from '../faults/partitions.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';

export interface FarewellParts<Definitions extends ObjectDefinitions> {
  readonly cluster: SimulatedCluster<Definitions>;
  readonly checkers: ClusterCheckers;
  readonly dice: Dice;
  readonly partitions: Partitions;
  /** Has `asked` remove `member`. */
  readonly remove: (member: Member<Definitions>, asked: Member<Definitions>) => void;
  readonly isOver: () => boolean;
}

/** How often logs are looked at, and for how long: less than a message takes on the fastest network. */
const LOOK_MS = 0.04;
const LOOKS = 1_500;
const CUT_OFF_MS = [60, 300] as const;
/** What has been appended is on the disk after a while. */
const ENDS_MS = [0.5, 20] as const;

export class Farewell<Definitions extends ObjectDefinitions> {
  readonly #parts: FarewellParts<Definitions>;
  #isUnderWay = false;

  constructor(parts: FarewellParts<Definitions>) {
    this.#parts = parts;
  }

  /** The next step towards it, or all of it where two are left. */
  async next(): Promise<void> {
    const { cluster, checkers, dice, remove } = this.#parts;
    const { current } = checkers.admitted;
    const { leader } = cluster;
    if (this.#isUnderWay || leader === undefined || current === null || current.isJoint) return;
    const others = cluster.members.filter((each) => each !== leader && current.voters.includes(each.name));
    if (!current.voters.includes(leader.name) || others.length === 0) return;
    if (others.length > 1) {
      const other = dice.oneOf(others);
      if (cluster.memories.mayRemove(other)) remove(other, leader);
      return;
    }
    if (!cluster.memories.mayRemove(leader)) return;
    this.#isUnderWay = true;
    remove(leader, leader);
    await this.#endWhenGone(leader, others[0]!);
    this.#isUnderWay = false;
  }

  async #endWhenGone(leader: Member<Definitions>, last: Member<Definitions>): Promise<void> {
    const { cluster, checkers, dice, partitions } = this.#parts;
    // C_old,new is on its way to being committed, and C_new does not get there.
    if (!(await this.#sees(() => checkers.openConfigurationOf(last.name)?.isJoint === true))) return;
    const heal = partitions.block([[leader.name, last.name]], dice.between(...CUT_OFF_MS));
    const isGone = (): boolean => checkers.openConfigurationOf(leader.name)?.isMember(leader.name) === false;
    if (!(await this.#sees(isGone))) return heal();
    await cluster.host.sleep(dice.between(...ENDS_MS));
    if (this.#parts.isOver() || leader.node === null) return;
    cluster.host.coverage.count(FAULTS.farewell.shows);
    cluster.kill(leader, dice.oneOf(['everything', 'what was synced']));
  }

  async #sees(condition: () => boolean): Promise<boolean> {
    for (let i = 0; i < LOOKS && !this.#parts.isOver(); i++) {
      if (condition()) return true;
      await this.#parts.cluster.host.sleep(LOOK_MS);
    }
    return false;
  }
}
