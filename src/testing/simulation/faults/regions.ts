/**
 * Nodes of a simulated cluster in two regions, for a whole history: what passes between them takes longer than a
 * heartbeat takes to be due, so that whoever is near the leader has always answered one more round than others have.
 */

import type { NodeId } from '../../../ids.js';
import type { ClusterShape } from '../cluster-shape.js';
import type { Dice } from '../dice.js';

/** How long one way takes, of a heartbeat: both are more than one, and fewer than election timeouts allow for. */
const WAY_HEARTBEATS = [0.65, 0.9] as const;
/** Entries on their way to a peer, one in a message, where each takes long. */
const INFLIGHT_MESSAGES_MIN = 64;
/** So many are due within an election timeout. */
const HEARTBEATS = 6;
/** How long a message takes at most within a region: much less than a heartbeat. */
const NEAR_MS = [0.2, 1] as const;
/** At most, where sessions are short. */
const ELECTION_TIMEOUT_MS = [60, 120] as const;

type Range = readonly [min: number, max: number];

export class Regions {
  readonly #rate: number;
  readonly #dice: Dice;
  readonly #wayMs: number;
  readonly #onFar: () => void;
  /** Is a node in the other one? */
  readonly #isFar = new Map<NodeId, boolean>();

  /** `rate`: how likely a node is far away. `onFar` is called for each that is. */
  constructor(rate: number, { heartbeatMs }: ClusterShape, dice: Dice, onFar: () => void) {
    this.#rate = rate;
    this.#dice = dice;
    this.#wayMs = heartbeatMs * dice.between(...WAY_HEARTBEATS);
    this.#onFar = onFar;
  }

  /** How much longer a message takes from one to the other than within a region. */
  readonly wayMs = (from: NodeId, to: NodeId): number => (this.#isThere(from) === this.#isThere(to) ? 0 : this.#wayMs);

  #isThere(node: NodeId): boolean {
    let isFar = this.#isFar.get(node);
    if (isFar === undefined) {
      isFar = this.#dice.chance(this.#rate);
      this.#isFar.set(node, isFar);
      if (isFar) this.#onFar();
    }
    return isFar;
  }
}

/**
 * Where few messages are under way at a time, a far follower would never catch up with what clients write; where
 * heartbeats are not far more frequent than elections, nobody far away would be elected in time; and who holds a lock
 * or leads by a session must be able to renew it.
 */
export function acrossRegions(shape: ClusterShape): ClusterShape {
  const { limits, latencyMs, pace } = shape;
  const inflightMessagesMax = Math.max(limits.inflightMessagesMax, INFLIGHT_MESSAGES_MIN);
  const electionTimeoutMs = pace > 1 ? shape.electionTimeoutMs : atMost(shape.electionTimeoutMs, ELECTION_TIMEOUT_MS);
  return {
    ...shape,
    electionTimeoutMs,
    heartbeatMs: electionTimeoutMs[0] / HEARTBEATS,
    latencyMs: atMost(latencyMs, NEAR_MS),
    limits: { ...limits, inflightMessagesMax },
  };
}

function atMost([min, max]: Range, [minMax, maxMax]: Range): Range {
  return [Math.min(min, minMax), Math.min(max, maxMax)];
}
