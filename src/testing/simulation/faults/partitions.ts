/** Cuts the nodes of a simulated network off from each other, for a while each time. */

import type { NodeId } from '../../../ids.js';
import type { Dice } from '../dice.js';
import type { SimulatedNetwork } from '../simulated-network.js';

export type Way = readonly [from: NodeId, to: NodeId];

export class Partitions {
  readonly #network: SimulatedNetwork;
  readonly #dice: Dice;
  readonly #open = new Set<() => void>();

  constructor(network: SimulatedNetwork, dice: Dice) {
    this.#network = network;
    this.#dice = dice;
  }

  /**
   * Nothing gets through on these ways for `forMs`, or until what is returned is called. Connections end at once, or
   * once they have been silent for long.
   */
  block(ways: readonly Way[], forMs: number): () => void {
    const isCut = this.#dice.chance(0.5);
    for (const [from, to] of ways) this.#network.block(from, to, isCut);
    const heal = (): void => {
      if (!this.#open.delete(heal)) return;
      for (const [from, to] of ways) this.#network.unblock(from, to);
    };
    this.#open.add(heal);
    this.#network.simulation.after(forMs, heal);
    return heal;
  }

  get isAny(): boolean {
    return this.#open.size > 0;
  }

  healAll(): void {
    for (const heal of this.#open) heal();
  }
}

/** Both ways between each of `side` and each of the others. */
export function waysAcross(side: ReadonlySet<NodeId>, all: readonly NodeId[]): Way[] {
  return all.flatMap((a) =>
    side.has(a)
      ? all
          .filter((b) => !side.has(b))
          .flatMap((b): Way[] => [
            [a, b],
            [b, a],
          ])
      : [],
  );
}
