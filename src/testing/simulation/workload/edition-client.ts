/**
 * One who calls an object while its code is replaced: what there is from the beginning, and what only later versions
 * have. What is refused for its version must not have been done.
 */

import { ConclaveError } from '../../../errors.js';
import type { Runtime } from '../../../node/runtime.js';
import type { ExactlyOnceOracle } from '../../linearizability/exactly-once-oracle.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import type { EditionAnswer } from '../objects/simulation-edition.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import { EDITION, LATER, LATER_SINCE } from '../objects/subject-objects.js';
import type { Violations } from '../violations.js';
import { PASSING_ERRORS } from './passing-errors.js';

export interface EditionClientParts {
  readonly life: string;
  readonly runtime: Runtime<SimulationObjects>;
  readonly dice: Dice;
  readonly exactlyOnce: ExactlyOnceOracle;
  /** Of the object that newer code brings. */
  readonly laterOnce: ExactlyOnceOracle;
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

interface LaterHandle {
  append(id: string, filler: string): Promise<number>;
  all(): Promise<readonly string[]>;
}

export function editionOf({ objects }: Runtime<SimulationObjects>): EditionHandle {
  return (objects as unknown as Readonly<Record<typeof EDITION, EditionHandle>>)[EDITION];
}

/** Undefined: the node's code does not have it. */
export function laterOf({ objects }: Runtime<SimulationObjects>): LaterHandle | undefined {
  return LATER in objects ? (objects as unknown as Readonly<Record<typeof LATER, LaterHandle>>)[LATER] : undefined;
}

/** What a client does. */
interface Act {
  readonly id: string;
  /** Is what it calls in force already? Then it is for ever, and may not be refused for its version. */
  readonly isThere: boolean;
  readonly once: ExactlyOnceOracle;
  /** Where the command stands, and by which version it was run, if that is told. */
  readonly call: () => Promise<readonly [position: number, version: number | null]>;
}

export class EditionClient {
  readonly #parts: EditionClientParts;

  constructor(parts: EditionClientParts) {
    this.#parts = parts;
  }

  async act(): Promise<void> {
    const { runtime, life, coverage, violations } = this.#parts;
    const before = runtime.codeVersion;
    const { id, isThere, once, call } = this.#drawn();
    once.asked(life, id);
    try {
      const [position, version] = await call();
      once.answered(id, position);
      if (version === null) return coverage.count('commands of a new object');
      coverage.count(`commands run by version ${version}`);
      if (version >= before) return;
      violations.report('code versions', `${id} was run by version ${version}, and ${before} was in force before`);
    } catch (error) {
      once.failed(id, error);
      const code = error instanceof ConclaveError ? error.code : null;
      if (code === null || !PASSING_ERRORS.has(code)) {
        violations.report('errors', `${life} was told of ${id}: ${String(error)}`);
      } else if (code === 'ERR_VERSION_UNSUPPORTED' && !(error as ConclaveError).mayBeApplied) {
        coverage.count('commands refused for their version');
        // A node that has stopped for its old code says the same of what was not sent, also one that was just removed.
        const { health } = runtime.status();
        if (isThere && health !== 'failed' && health !== 'stopped') {
          violations.report('errors', `${life} was refused what there is: ${String(error)}`);
        }
      }
    }
  }

  #drawn(): Act {
    const { dice, runtime, exactlyOnce, laterOnce, newId } = this.#parts;
    const edition = editionOf(runtime);
    const later = laterOf(runtime);
    const id = newId();
    const isThere = runtime.codeVersion > 0;
    const isNew = runtime.status().codeVersionMax > 0 && dice.chance(0.5);
    if (!isNew) return { id, isThere: true, once: exactlyOnce, call: () => edition.add(id) };
    if (later === undefined || dice.chance(0.6)) {
      return { id, isThere, once: exactlyOnce, call: () => edition.mark(id) };
    }
    // It says how many there are then.
    const call = async (): ReturnType<Act['call']> => [await later.append(id, ''), null];
    return { id, isThere: runtime.codeVersion >= LATER_SINCE, once: laterOnce, call };
  }
}
