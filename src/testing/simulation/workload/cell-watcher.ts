/**
 * One who watches objects that are created and dropped, on one node in one of its lives: each change must go on where
 * the one before it has ended, until the object is dropped. It goes on where others have left off, on whichever node.
 * What may end a watch is noted.
 */

import type { ChangePlace } from '../../../actors/replicated/changes/change-place.js';
import type { Changes } from '../../../actors/replicated/changes/changes.js';
import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { Runtime } from '../../../node/runtime.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import { CELL_CLASSES, CELL_NAMES, type CellChange } from '../objects/simulation-cell.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { Violations } from '../violations.js';
import { PASSING_ERRORS } from './passing-errors.js';

/** A place that somebody has come to, and what the object held there. */
export interface LeftOff {
  readonly name: string;
  readonly at: ChangePlace;
  readonly value: number;
}

export interface CellWatcherParts {
  readonly life: string;
  readonly runtime: Runtime<SimulationObjects>;
  readonly dice: Dice;
  /** Of all watchers, the latest ones. */
  readonly leftOff: LeftOff[];
  readonly coverage: Coverage;
  readonly violations: Violations;
}

interface Watching {
  readonly name: string;
  readonly changes: Changes<Told>;
  /** Null: it is not known yet. */
  value: number | null;
  /** To leave off at the next change. */
  isLeaving: boolean;
}

type Told = CellChange | { readonly type: 'state'; readonly value: number };

/** What ends a watch besides what may end any call. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ERR_CHANGES_LOST', 'ERR_NO_SUCH_OBJECT']);
const LEFT_OFF_MAX = 8;

export class CellWatcher {
  readonly #parts: CellWatcherParts;
  #watching: Watching | null = null;

  constructor(parts: CellWatcherParts) {
    this.#parts = parts;
  }

  /** Begins to watch, or thinks of leaving off. */
  async act(): Promise<void> {
    const { dice } = this.#parts;
    if (this.#watching === null) this.#begin();
    else if (dice.chance(0.3)) this.#watching.isLeaving = true;
  }

  /** Nothing changes any more: what is watched still must be as it was told. */
  async judge(): Promise<void> {
    const { life, violations } = this.#parts;
    const watching = this.#watching;
    if (watching === null) return;
    const held = await this.#cell(watching.name)
      .with({ consistency: 'local' })
      .get()
      .catch((error: unknown) => String(error));
    if (this.#watching !== watching || watching.value === held) return;
    violations.report('watching', `${life} was told of ${watching.value} in ${watching.name}, which holds ${held}`);
  }

  #begin(): void {
    const { dice, leftOff, coverage } = this.#parts;
    const from = leftOff.length > 0 && dice.chance(0.5) ? dice.oneOf(leftOff) : null;
    const name = from?.name ?? dice.oneOf(CELL_NAMES);
    const cell = this.#cell(name);
    const changes: Changes<Told> = from === null ? cell.watch({ read: 'get' }) : cell.watch({ from: from.at });
    const watching: Watching = { name, changes, value: from?.value ?? null, isLeaving: false };
    coverage.count(from === null ? 'watches begun with the state' : 'watches begun where one had left off');
    this.#watching = watching;
    void this.#read(watching).finally(() => (this.#watching = null));
  }

  async #read(watching: Watching): Promise<void> {
    const { life, coverage, violations, leftOff } = this.#parts;
    const { name, changes } = watching;
    try {
      for await (const told of changes) {
        if (told.type === 'add' && told.previous !== watching.value) {
          const what = `${life} was told that ${told.previous} has become ${told.value} in ${name}, and held ${watching.value}`;
          violations.report('watching', what);
        }
        coverage.count('changes told');
        watching.value = told.value;
        if (!watching.isLeaving) continue;
        leftOff.push({ name, at: changes.at!, value: told.value });
        if (leftOff.length > LEFT_OFF_MAX) leftOff.shift();
        return;
      }
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : null;
      if (code !== null && (ENDS.has(code) || PASSING_ERRORS.has(code))) coverage.count(`watches ended with ${code}`);
      else violations.report('errors', `${life} watched ${name} and was told: ${String(error)}`);
    }
  }

  #cell(name: string) {
    return this.#parts.runtime.object(name, CELL_CLASSES.SimulationCell);
  }
}
