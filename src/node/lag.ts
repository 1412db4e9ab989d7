/**
 * Whether a node that has a leader has yet to catch up with it: that it was ready once says nothing of a node that has
 * been cut off since. Pure; on the thread that started the node.
 */

import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import type { LogIndex } from '../ids.js';

export class Lag {
  /** What was committed when the leader was found; null: there is none, or it has not said so yet. */
  #target: LogIndex | null = null;
  #isBehind = false;

  /** Is what was committed when the leader was found not applied here yet, or is the node given a snapshot? */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  note({ leader, hasQuorum, isCommitKnown, leaderCommitIndex, appliedIndex, role }: NodeStatus): void {
    const hasLeader = leader !== null && hasQuorum;
    if (!hasLeader) this.#target = null;
    else if (isCommitKnown) this.#target ??= leaderCommitIndex;
    const isAtTarget = this.#target !== null && appliedIndex >= this.#target;
    this.#isBehind = hasLeader && (role === 'receivingSnapshot' || !isAtTarget);
  }
}
