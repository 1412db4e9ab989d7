/**
 * One client of a simulated cluster, in the process of one node: calls one object after another, now and then several
 * at once, gives up at times, and tries again only what is safe to try again. All that it does and is told is recorded.
 */

import { inspect } from 'node:util';
import type { CallOptions } from '../../../actors/replicated/remote-of.js';
import type { Consistency } from '../../../actors/replicated/call.js';
import { ConclaveError, type ErrorCode } from '../../../errors.js';
import type { Runtime } from '../../../node/runtime.js';
import type { HistoryRecorder } from '../../linearizability/history-recorder.js';
import type { Coverage } from '../coverage.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { SimulatedProcess } from '../simulated-process.js';
import type { Trace } from '../trace.js';
import type { Violations } from '../violations.js';
import type { Histories } from './histories.js';
import { PASSING_ERRORS } from './passing-errors.js';

export interface ClientParts {
  readonly name: string;
  /** Names the life of the node that it is a client of. */
  readonly life: string;
  readonly runtime: Runtime<SimulationObjects>;
  readonly process: SimulatedProcess;
  readonly dice: Dice;
  readonly histories: Histories;
  readonly coverage: Coverage;
  readonly violations: Violations;
  readonly trace: Trace | null;
}

/** What clients may be told while things go wrong. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([...PASSING_ERRORS, 'ERR_ABORTED']);
const FILLER_BYTES_MAX = 300;
/** Of the map. */
export const KEYS = ['k', 'l', 'm'] as const;
const VALUES_MAX = 4;
const SHORT_MS = [3, 60] as const;
const TRIES_MAX = 3;

type Handles = Runtime<SimulationObjects>['objects'];

export class Client {
  readonly #parts: ClientParts;
  readonly #acts: readonly (() => Promise<boolean>)[];

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#acts = [
      () => this.#append(),
      () => this.#append(),
      () => this.#appendAndThrow(),
      () => this.#readJournal(),
      () => this.#countJournal(),
      () => this.#countJournal(),
      () => this.#tellJournal(),
      () => this.#useCounter(),
      () => this.#useRegister(),
      () => this.#useRegister(),
      () => this.#useMap(),
      () => this.#useLock(),
    ];
  }

  /** Makes one call or a few at once. Resolves when all have ended, however. */
  async act(): Promise<void> {
    const { dice } = this.#parts;
    const count = dice.chance(0.2) ? 2 + dice.below(3) : 1;
    await Promise.all(Array.from({ length: count }, () => this.#tryOn(dice.oneOf(this.#acts))));
  }

  /** Looks at the register by the leader's lease. Whether that was safe is for those to judge who watch all nodes. */
  async peek(): Promise<void> {
    try {
      await this.#handles().register.with({ consistency: 'lease' }).read();
      this.#parts.coverage.count('readers answered');
    } catch (error) {
      this.#isToBeTriedAgain(error, 'a look at the register');
    }
  }

  /** Counts the journal as it is here: that never goes back, whatever happens to the objects. */
  async glance(): Promise<void> {
    const { histories, life } = this.#parts;
    const read = histories.order.call(life);
    try {
      const journal = this.#handles().journal.with({ consistency: 'local' });
      histories.order.read(read, 'local', { version: await journal.count() });
      this.#parts.coverage.count('readers answered');
    } catch (error) {
      histories.order.failed(read);
      this.#isToBeTriedAgain(error, 'a glance at the journal');
    }
  }

  async #tryOn(act: () => Promise<boolean>): Promise<void> {
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      if (!(await act())) return;
      this.#parts.coverage.count('calls tried again');
    }
  }

  /** Records a call that every history may hold. Returns whether the same may be tried again. */
  async #record<Input extends readonly [string, ...unknown[]], Output>(
    recorder: HistoryRecorder<Input, Output>,
    input: Input,
    call: () => Promise<unknown>,
  ): Promise<boolean> {
    const { name, trace, coverage } = this.#parts;
    const recorded = recorder.call(name, input);
    trace?.add(name, `calls ${input.join(' ')}`);
    try {
      const output = await call();
      recorder.answered(recorded, output as Output);
      coverage.count('calls answered');
      trace?.add(name, `${input.join(' ')} was answered${output === undefined ? '' : `: ${inspect(output)}`}`);
      return false;
    } catch (error) {
      recorder.failed(recorded, error);
      return this.#isToBeTriedAgain(error, input.join(' '));
    }
  }

  #isToBeTriedAgain(error: unknown, what: string): boolean {
    const { name, trace, coverage, violations } = this.#parts;
    if (!(error instanceof ConclaveError) || !EXPECTED.has(error.code)) {
      violations.report('errors', `${name} was told of ${what}: ${String(error)}`);
      return false;
    }
    coverage.count(`calls ended with ${error.code}`);
    trace?.add(name, `${what} ended with ${error.code}${error.mayBeApplied ? ', and may be applied' : ''}`);
    return error.retrySafe && error.code !== 'ERR_STOPPED' && this.#parts.dice.chance(0.5);
  }

  #handles(): Handles {
    return this.#parts.runtime.objects;
  }

  /** Some calls wait for a short time only, or are given up. */
  #options(consistency?: Consistency): CallOptions {
    const { dice, process } = this.#parts;
    const options = consistency === undefined ? {} : { consistency };
    if (dice.chance(0.1)) return { ...options, timeoutMs: dice.between(...SHORT_MS) };
    if (dice.chance(0.9)) return options;
    const controller = new AbortController();
    process.after(dice.between(...SHORT_MS), () => controller.abort());
    return { ...options, signal: controller.signal };
  }

  #consistency(): Consistency {
    return this.#parts.dice.oneOf(['linearizable', 'lease'] as const);
  }

  async #append(): Promise<boolean> {
    const { histories, dice, life, name } = this.#parts;
    const id = histories.newId(name);
    const filler = 'x'.repeat(dice.below(FILLER_BYTES_MAX));
    const journal = this.#handles().journal.with(this.#options());
    histories.exactlyOnce.asked(life, id);
    const write = histories.order.call(life);
    let isAnswered = false;
    const call = async (): Promise<number> => {
      try {
        const position = await journal.append(id, filler);
        histories.exactlyOnce.answered(id, position);
        histories.order.wrote(write, { version: position });
        isAnswered = true;
        return position;
      } catch (error) {
        histories.exactlyOnce.failed(id, error);
        throw error;
      }
    };
    await this.#record(histories.journal, ['append', id], call);
    if (!isAnswered) histories.order.failed(write);
    // Another try would be another command.
    return false;
  }

  /** A command that throws has been applied, once, on every node. */
  async #appendAndThrow(): Promise<boolean> {
    const { histories, life, name, violations } = this.#parts;
    const id = histories.newId(name);
    const journal = this.#handles().journal.with(this.#options());
    histories.exactlyOnce.asked(life, id);
    const recorded = histories.journal.call(name, ['append', id]);
    try {
      await journal.appendAndThrow(id);
      violations.report('errors', `${name} was not told that ${id} threw`);
    } catch (error) {
      if (error instanceof ConclaveError && error.code === 'ERR_COMMAND_THREW') {
        this.#parts.coverage.count('commands threw');
        histories.exactlyOnce.applied(id);
        histories.journal.applied(recorded);
      } else {
        histories.exactlyOnce.failed(id, error);
        histories.journal.failed(recorded, error);
        this.#isToBeTriedAgain(error, `append ${id}, and throw`);
      }
    }
    return false;
  }

  async #tellJournal(): Promise<boolean> {
    const { histories, life, name, violations } = this.#parts;
    const id = histories.newId(name);
    histories.exactlyOnce.asked(life, id);
    const recorded = histories.journal.call(name, ['append', id]);
    try {
      this.#handles().journal.tell.append(id, '');
    } catch (error) {
      histories.exactlyOnce.failed(id, error);
      histories.journal.failed(recorded, error);
      if (!(error instanceof ConclaveError) || !EXPECTED.has(error.code)) {
        violations.report('errors', `${name} was told at once: ${String(error)}`);
      }
    }
    return false;
  }

  async #readJournal(): Promise<boolean> {
    const { histories, life } = this.#parts;
    const consistency = this.#consistency();
    const journal = this.#handles().journal.with(this.#options(consistency));
    const read = histories.order.call(life);
    let isAnswered = false;
    const call = async (): Promise<readonly string[]> => {
      const all = await journal.all();
      histories.order.read(read, consistency, { version: all.length });
      isAnswered = true;
      return all;
    };
    const again = await this.#record(histories.journal, ['all'], call);
    if (!isAnswered) histories.order.failed(read);
    return again;
  }

  /** Reads may be old where they are local, and never go back. */
  async #countJournal(): Promise<boolean> {
    const { histories, dice, life } = this.#parts;
    const consistency = dice.oneOf(['linearizable', 'lease', 'local', 'local'] as const);
    const journal = this.#handles().journal.with(this.#options(consistency));
    const read = histories.order.call(life);
    try {
      histories.order.read(read, consistency, { version: await journal.count() });
      return false;
    } catch (error) {
      histories.order.failed(read);
      return this.#isToBeTriedAgain(error, 'count');
    }
  }

  #useCounter(): Promise<boolean> {
    const { histories, dice } = this.#parts;
    if (dice.chance(0.5)) {
      const counter = this.#handles().counter.with(this.#options(this.#consistency()));
      return this.#record(histories.counter, ['get'], () => counter.get());
    }
    const amount = 1 + dice.below(VALUES_MAX);
    const counter = this.#handles().counter.with(this.#options());
    return this.#record(histories.counter, ['add', amount], () => counter.add(amount));
  }

  #useRegister(): Promise<boolean> {
    const { histories, dice } = this.#parts;
    const value = dice.below(VALUES_MAX);
    const other = dice.below(VALUES_MAX);
    const register = this.#handles().register.with(this.#options(this.#consistency()));
    switch (dice.below(3)) {
      case 0:
        return this.#record(histories.register, ['write', value], () => register.write(value));
      case 1:
        return this.#record(histories.register, ['compareAndSet', other, value], () =>
          register.compareAndSet(other, value),
        );
      default:
        return this.#record(histories.register, ['read'], () => register.read());
    }
  }

  #useMap(): Promise<boolean> {
    const { histories, dice } = this.#parts;
    const key = dice.oneOf(KEYS);
    const value = dice.below(VALUES_MAX);
    const map = this.#handles().map.with(this.#options(this.#consistency()));
    switch (dice.below(4)) {
      case 0:
        return this.#record(histories.map, ['set', key, value], () => map.set(key, value));
      case 1:
        return this.#record(histories.map, ['delete', key], () => map.delete(key));
      case 2:
        return this.#record(histories.map, ['has', key], () => map.has(key));
      default:
        return this.#record(histories.map, ['get', key], () => map.get(key) as Promise<unknown>);
    }
  }

  #useLock(): Promise<boolean> {
    const { histories, dice, name } = this.#parts;
    const lock = this.#handles().lock.with(this.#options(this.#consistency()));
    switch (dice.below(3)) {
      case 0:
        return this.#record(histories.lock, ['tryAcquire', name], () => lock.tryAcquire(name));
      case 1:
        return this.#record(histories.lock, ['release', name], () => lock.release(name));
      default:
        return this.#record(histories.lock, ['holder'], () => lock.holder());
    }
  }
}
