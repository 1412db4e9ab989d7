/**
 * The places to which a search is to come back, most promising first: where the call that is due returns latest, since
 * everything that returned before is explained there; of these, where the fewest unknown calls are taken; of these,
 * where the most calls are in order. A binary heap.
 */

import type { Choice } from './trail.js';

/** A place, and what is left to try there. */
export interface Unfinished<State, Input, Output> {
  readonly place: Choice<State, Input, Output> | null;
  readonly rest:
    /** The answered calls after the one undone here, and then those of the places before it, up to `root`. */
    | {
        readonly kind: 'answered';
        readonly undone: Choice<State, Input, Output>;
        readonly root: Choice<State, Input, Output> | null;
      }
    /** The unknown calls from this group on. */
    | { readonly kind: 'unknown'; readonly group: number };
  /** The position of the first return that is left. */
  readonly due: number;
  readonly takenCount: number;
  readonly length: number;
}

export class Frontier<State, Input, Output> {
  /** Invariant: none is more promising than the one at half its index. The first one stays empty. */
  readonly #heap: Unfinished<State, Input, Output>[] = new Array(1);

  add(unfinished: Unfinished<State, Input, Output>): void {
    const heap = this.#heap;
    let at = heap.push(unfinished) - 1;
    while (at > 1 && isBetter(unfinished, heap[at >> 1]!)) {
      heap[at] = heap[at >> 1]!;
      at >>= 1;
    }
    heap[at] = unfinished;
  }

  /** Removes and returns the most promising one. */
  take(): Unfinished<State, Input, Output> | undefined {
    const heap = this.#heap;
    if (heap.length === 1) return undefined;
    const best = heap[1]!;
    const moved = heap.pop()!;
    if (heap.length === 1) return best;
    let at = 1;
    for (;;) {
      let child = at * 2;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBetter(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBetter(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
    return best;
  }
}

function isBetter(a: Unfinished<unknown, unknown, unknown>, b: Unfinished<unknown, unknown, unknown>): boolean {
  return (b.due - a.due || a.takenCount - b.takenCount || b.length - a.length) < 0;
}
