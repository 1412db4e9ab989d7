/**
 * Decides what becomes of an actor that has crashed, by its supervision and its history. Decides only: the actor's cell
 * carries it out.
 */

import type { Supervision } from './actor.js';
import { invalidOption } from './actor-errors.js';

export type Verdict =
  | { readonly kind: 'stop' }
  | { readonly kind: 'escalate' }
  | { readonly kind: 'restart'; readonly delayMs: number };

const ESCALATE: Verdict = { kind: 'escalate' };
const STOP: Verdict = { kind: 'stop' };

export class Supervisor {
  readonly #supervision: Supervision;
  /** When the actor crashed, oldest first, within the window. Invariant: at most restartsMax + 1 of them. */
  readonly #crashesMs: number[] = [];

  /** @throws ConclaveError `ERR_INVALID_OPTION` when the numbers of a restart make no sense. */
  constructor(supervision: Supervision = { strategy: 'escalate' }) {
    if (supervision.strategy === 'restart') {
      const { delayMinMs, delayMaxMs, restartsMax, windowMs } = supervision;
      if (!(delayMinMs >= 0)) throw invalidOption('delayMinMs', delayMinMs, '0 or more');
      if (!(delayMaxMs >= delayMinMs && delayMaxMs < Infinity)) {
        throw invalidOption('delayMaxMs', delayMaxMs, 'finite and at least delayMinMs');
      }
      if (!(Number.isSafeInteger(restartsMax) && restartsMax >= 0)) {
        throw invalidOption('restartsMax', restartsMax, 'a whole number, 0 or more');
      }
      if (!(windowMs > 0)) throw invalidOption('windowMs', windowMs, 'more than 0');
    }
    this.#supervision = supervision;
  }

  /**
   * The actor has crashed at `nowMs`. The back-off doubles with each earlier crash that is still within the window: an
   * actor that has held out for a whole window starts again at `delayMinMs`.
   */
  judge(nowMs: number): Verdict {
    const supervision = this.#supervision;
    if (supervision.strategy === 'stop') return STOP;
    if (supervision.strategy === 'escalate') return ESCALATE;
    const crashes = this.#crashesMs;
    while (crashes.length > 0 && crashes[0]! <= nowMs - supervision.windowMs) crashes.shift();
    crashes.push(nowMs);
    if (crashes.length > supervision.restartsMax) return ESCALATE;
    const delayMs = Math.min(supervision.delayMinMs * 2 ** Math.min(crashes.length - 1, 52), supervision.delayMaxMs);
    return { kind: 'restart', delayMs };
  }
}
