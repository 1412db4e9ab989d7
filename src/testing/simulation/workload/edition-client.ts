/**
 * One who calls an object while its code is replaced: what there is from the beginning, and what only later versions have. What is
 * refused for its version must not have been done.
 */

import { ConclaveError } from '../../../errors.js';
import type { Runtime } from '../../../node/runtime.js';
import type { ExactlyOnceOracle } from '../../linearizability/exactly-once-oracle.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import type { EditionAnswer } from '../objects/simulation-edition.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import { EDITION } from '../objects/subject-objects.js';
import type { Violations } from '../violations.js';
import { PASSING_ERRORS } from './passing-errors.js';

export interface EditionClientParts {
  readonly life: string;
  readonly runtime: Runtime<SimulationObjects>;
  readonly dice: Dice;
  readonly exactlyOnce: ExactlyOnceOracle;
  readonly newId: () => string;
  readonly coverage: Coverage;
  readonly violations: Violations;
}

/** A handle to an edition, whichever the node has. */
interface EditionHandle {
  add(id: string): Promise<EditionAnswer>;
  /** Older code has none. */
  mark(id: string): Promise<EditionAnswer>;
  all(): Promise<readonly string[]>;
}

export function editionOf({ objects }: Runtime<SimulationObjects>): EditionHandle {
  return (objects as unknown as Readonly<Record<typeof EDITION, EditionHandle>>)[EDITION];
}

export class EditionClient {
  readonly #parts: EditionClientParts;

  constructor(parts: EditionClientParts) {
    this.#parts = parts;
  }

  async act(): Promise<void> {
    const { dice, runtime, life, exactlyOnce, newId, coverage, violations } = this.#parts;
    const edition = editionOf(runtime);
    const isNew = runtime.status().codeVersionMax > 0 && dice.chance(0.4);
    // Whether it is there already is asked before: it is never taken back.
    const isThere = runtime.codeVersion > 0;
    const before = runtime.codeVersion;
    const id = newId();
    exactlyOnce.asked(life, id);
    try {
      const [position, version] = await (isNew ? edition.mark(id) : edition.add(id));
      exactlyOnce.answered(id, position);
      coverage.count(`commands run by version ${version}`);
      if (version >= before) return;
      violations.report('code versions', `${id} was run by version ${version}, and ${before} was in force before`);
    } catch (error) {
      exactlyOnce.failed(id, error);
      const code = error instanceof ConclaveError ? error.code : null;
      if (code === null || !PASSING_ERRORS.has(code)) {
        violations.report('errors', `${life} was told of ${id}: ${String(error)}`);
      } else if (code === 'ERR_VERSION_UNSUPPORTED' && !(error as ConclaveError).mayBeApplied) {
        coverage.count('commands refused for their version');
        // A node that has stopped for its old code says the same of what was not sent.
        const isRefused = runtime.status().health !== 'failed' && (!isNew || isThere);
        if (isRefused) violations.report('errors', `${life} was refused what there is: ${String(error)}`);
      }
    }
  }
}
