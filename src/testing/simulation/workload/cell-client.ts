/**
 * One who creates objects on a simulated cluster, calls them, whoever has created them, and drops them. All that it is
 * told is recorded.
 */

import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { Runtime } from '../../../node/runtime.js';
import type { HistoryRecorder } from '../../linearizability/history-recorder.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import { CELL_CLASSES, type CellClass, CELL_NAMES } from '../objects/simulation-cell.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { Trace } from '../trace.js';
import type { Violations } from '../violations.js';
import type { CellInput, CellOutput } from './cell-model.js';
import { PASSING_ERRORS } from './passing-errors.js';

export interface CellClientParts {
  readonly name: string;
  readonly runtime: Runtime<SimulationObjects>;
  readonly dice: Dice;
  readonly history: HistoryRecorder<CellInput, CellOutput>;
  readonly coverage: Coverage;
  readonly violations: Violations;
  readonly trace: Trace | null;
}

/** What is one: the same on every node, and nothing has changed. */
const ANSWERS: Readonly<Partial<Record<ErrorCode, CellOutput>>> = {
  ERR_OBJECT_EXISTS: 'exists',
  ERR_NO_SUCH_OBJECT: 'missing',
};
const CLASS_NAMES = Object.keys(CELL_CLASSES) as readonly CellClass[];
const VALUES_MAX = 5;

export class CellClient {
  readonly #parts: CellClientParts;
  /** Objects that only this client knows of. */
  #lives = 0;

  constructor(parts: CellClientParts) {
    this.#parts = parts;
  }

  /** Makes one call, or a few at once, which then may share a block. */
  async act(): Promise<void> {
    const { dice } = this.#parts;
    if (dice.chance(0.1)) return this.#liveShortly();
    const count = dice.chance(0.3) ? 2 + dice.below(3) : 1;
    await Promise.all(Array.from({ length: count }, () => this.#call()));
  }

  /** Looks at a name as each of the classes. */
  async look(name: string): Promise<void> {
    for (const of of CLASS_NAMES) await this.#record(['get', name, of], () => this.#handle(name, of).get());
  }

  /** Asks for the whole life of an object at once, which nobody else knows of: what is asked for first comes first. */
  async #liveShortly(): Promise<void> {
    const { name, runtime, violations } = this.#parts;
    this.#lives += 1;
    const own = `${name.replaceAll('.', ' ')} ${this.#lives}`;
    const [of] = CLASS_NAMES as [CellClass];
    const told = await Promise.all([
      this.#record(['create', own, of, 1], () => this.#create(own, of, 1)),
      this.#record(['add', own, of, 1], () => this.#handle(own, of).add(1)),
      this.#record(['drop', own], () => runtime.drop(own).then(() => 'done' as const)),
      this.#record(['add', own, of, 1], () => this.#handle(own, of).add(1)),
    ]);
    // What has ended otherwise may have been done or not.
    if (told.includes(null) || told.join() === 'done,2,done,missing') return;
    violations.report(
      'order (created objects)',
      `${name} created ${own}, used and dropped it, and was told ${told.join()}`,
    );
  }

  async #create(name: string, of: CellClass, first: number): Promise<'done'> {
    await this.#parts.runtime.create(name, CELL_CLASSES[of], first);
    return 'done';
  }

  #call(): Promise<unknown> {
    const { dice, runtime } = this.#parts;
    const name = dice.oneOf(CELL_NAMES);
    const of = dice.chance(0.75) ? CLASS_NAMES[0]! : dice.oneOf(CLASS_NAMES);
    const value = 1 + dice.below(VALUES_MAX);
    switch (dice.below(8)) {
      case 0:
      case 1:
        return this.#record(['create', name, of, value], () => this.#create(name, of, value));
      case 2:
        return this.#record(['drop', name], () => runtime.drop(name).then(() => 'done' as const));
      case 3:
      case 4:
        return this.#record(['get', name, of], () => this.#handle(name, of).get());
      default:
        return this.#record(['add', name, of, value], () => this.#handle(name, of).add(value));
    }
  }

  #handle(name: string, of: CellClass) {
    return this.#parts.runtime.object(name, CELL_CLASSES[of]);
  }

  /** Returns what was answered; null: it has ended otherwise. */
  async #record(input: CellInput, call: () => Promise<CellOutput>): Promise<CellOutput | null> {
    const { name, history, coverage, violations, trace } = this.#parts;
    const recorded = history.call(name, input);
    try {
      const output = await call();
      history.answered(recorded, output);
      if (output === 'done') coverage.count(input[0] === 'create' ? 'objects created' : 'objects dropped');
      trace?.add(name, `${input.join(' ')} was answered: ${output}`);
      return output;
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : null;
      const answer = code === null ? undefined : ANSWERS[code];
      if (answer !== undefined) {
        history.answered(recorded, answer);
        coverage.count(`created objects told ${answer}`);
        trace?.add(name, `${input.join(' ')} was answered: ${answer}`);
        return answer;
      }
      history.failed(recorded, error);
      if (code !== null && PASSING_ERRORS.has(code)) trace?.add(name, `${input.join(' ')} ended with ${code}`);
      else violations.report('errors', `${name} was told of ${input.join(' ')}: ${String(error)}`);
      return null;
    }
  }
}
