/** Clients of one kind, on each node that is up: each thinks for a while, acts, and thinks again, until it is over. */

import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { SimulatedNode } from '../simulated-node.js';
import type { Violations } from '../violations.js';

type Node = SimulatedNode<SimulationObjects>;

export class UserCrowd {
  readonly #dice: Dice;
  readonly #thinkMs: readonly [number, number];
  readonly #violations: Violations;
  readonly #used = new Set<Node>();
  /** What is being done. */
  readonly #acts = new Set<Promise<void>>();
  #isOver = false;

  /** They think for so long, by the clocks of their nodes. */
  constructor(dice: Dice, thinkMs: readonly [min: number, max: number], violations: Violations) {
    this.#dice = dice;
    this.#thinkMs = thinkMs;
    this.#violations = violations;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** `act` must settle, and may not reject. */
  join(node: Node, act: () => Promise<void>): void {
    if (this.#isOver) return;
    this.#used.add(node);
    this.#keepActing(node, act).catch((error: unknown) => {
      this.#violations.report('errors', `a client ended: ${String(error)}`);
    });
  }

  leave(node: Node | null): void {
    if (node !== null) this.#used.delete(node);
  }

  /** Nobody begins anything new. Resolves when all that was begun has ended. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#used.clear();
    await Promise.all(this.#acts);
  }

  async #keepActing(node: Node, act: () => Promise<void>): Promise<void> {
    await this.#think(node);
    while (this.#used.has(node)) {
      const acting = act();
      this.#acts.add(acting);
      await acting.finally(() => this.#acts.delete(acting));
      await this.#think(node);
    }
  }

  #think({ process }: Node): Promise<void> {
    return new Promise((resolve) => void process.after(this.#dice.between(...this.#thinkMs), resolve));
  }
}
