/**
 * Knows of every command of a run whether it must, may or must not have been applied, and judges the journal that the
 * commands have left behind. Needs one pass over the journal, so it suits runs that are too long for a search.
 */

import { assert } from '../../assert.js';
import type { CallOutcome } from './history.js';
import { outcomeOfError } from './outcome-of-error.js';

/** What tells a command from all others of the run. */
export type CommandId = string | number;

/** What is wrong with a journal. */
export interface ExactlyOnceViolation {
  readonly kind:
    /** It was answered, and is not there. */
    | 'lost'
    /** It is there more than once. */
    | 'doubled'
    /** It was refused, and is there. */
    | 'refused'
    /** Nobody has asked for it. */
    | 'neverAsked'
    /** It is not where its answer said. */
    | 'misplaced'
    /** It is behind a command that its session asked for later, or that anybody asked for once it was answered. */
    | 'outOfOrder';
  readonly id: CommandId;
  readonly explanation: string;
}

interface Command {
  readonly session: string;
  readonly askedAt: number;
  /** The outcome's time; `Infinity` until then. */
  endedAt: number;
  outcome: CallOutcome<number | null>;
}

/**
 * What a journal of ids must hold, to which every command appends its own.
 *
 * @example
 * const oracle = new ExactlyOnceOracle();
 * oracle.asked('ann', 'a1');
 * oracle.asked('ann', 'a2');
 * oracle.answered('a1', 1); // the first entry
 * oracle.failed('a2', new ConclaveError('ERR_TIMEOUT', 'No answer in time.'));
 *
 * oracle.violationsOf(['a1']); // []: a2 may have been applied, and was not
 * oracle.violationsOf(['a1', 'a2']); // []
 * oracle.violationsOf(['a2', 'a1']).map(({ kind }) => kind); // ['misplaced', 'outOfOrder']
 */
export class ExactlyOnceOracle {
  readonly #commands = new Map<CommandId, Command>();
  #time = 0;

  /**
   * A command is about to be asked for. A session is whatever promises to keep the order in which it was asked: one
   * life of a node.
   */
  asked(session: string, id: CommandId): void {
    assert(!this.#commands.has(id), `the id ${id} is used once`);
    this.#commands.set(id, { session, askedAt: this.#tick(), endedAt: Infinity, outcome: { kind: 'unknown' } });
  }

  /** The command was answered: it must be there. `position`, counted from 1, is where, if the answer told. */
  answered(id: CommandId, position: number | null = null): void {
    this.#settle(id, { kind: 'answered', output: position });
  }

  /** The command was applied, and its answer is lost: it must be there. */
  applied(id: CommandId): void {
    this.#settle(id, { kind: 'applied' });
  }

  /** Nobody knows: it may be there. */
  unknown(id: CommandId): void {
    this.#settle(id, { kind: 'unknown' });
  }

  /** The command was refused: it must not be there. */
  refused(id: CommandId): void {
    this.#settle(id, { kind: 'refused' });
  }

  /** The command has ended with this error; see {@link outcomeOfError}. */
  failed(id: CommandId, error: unknown): void {
    this.#settle(id, outcomeOfError(error));
  }

  /** How many commands must be there. */
  get mustBeApplied(): number {
    let count = 0;
    for (const command of this.#commands.values()) if (isCertain(command)) count += 1;
    return count;
  }

  /** What is wrong with this journal, which holds everything that has been applied, oldest first. Empty: nothing. */
  violationsOf(journal: readonly CommandId[]): ExactlyOnceViolation[] {
    const positions = new Map<CommandId, number>();
    const violations: ExactlyOnceViolation[] = [];
    for (const [i, id] of journal.entries()) {
      const first = positions.get(id);
      if (first === undefined) positions.set(id, i + 1);
      else violations.push(violation('doubled', id, `is there twice, as entries ${first} and ${i + 1}`));
    }
    for (const [id, position] of positions) {
      violations.push(...presenceOf(id, position, this.#commands.get(id)));
    }
    for (const [id, command] of this.#commands) {
      if (isCertain(command) && !positions.has(id))
        violations.push(violation('lost', id, 'was applied, and is not there'));
    }
    violations.push(...this.#disorderOf(positions.keys()));
    return violations;
  }

  #disorderOf(ids: Iterable<CommandId>): ExactlyOnceViolation[] {
    const violations: ExactlyOnceViolation[] = [];
    /** The command that was asked for last, of all so far and of each session. */
    let last: { readonly id: CommandId; readonly askedAt: number } | null = null;
    const lastOfSession = new Map<string, { readonly id: CommandId; readonly askedAt: number }>();
    for (const id of ids) {
      const command = this.#commands.get(id);
      if (command === undefined) continue;
      const { session, askedAt } = command;
      const before = lastOfSession.get(session);
      if (before !== undefined && before.askedAt > askedAt) {
        violations.push(
          violation('outOfOrder', id, `is behind ${before.id}, which session ${session} asked for later`),
        );
      } else if (last !== null && isCertain(command) && last.askedAt > command.endedAt) {
        violations.push(violation('outOfOrder', id, `is behind ${last.id}, which was asked for once ${id} had ended`));
      }
      if (before === undefined || before.askedAt < askedAt) lastOfSession.set(session, { id, askedAt });
      if (last === null || last.askedAt < askedAt) last = { id, askedAt };
    }
    return violations;
  }

  #settle(id: CommandId, outcome: CallOutcome<number | null>): void {
    const command = this.#commands.get(id);
    assert(command?.endedAt === Infinity, `the command ${id} was asked for, and ends once`);
    command.endedAt = this.#tick();
    command.outcome = outcome;
  }

  #tick(): number {
    this.#time += 1;
    return this.#time;
  }
}

function isCertain({ outcome: { kind } }: Command): boolean {
  return kind === 'answered' || kind === 'applied';
}

/** What is wrong with a command's being there. */
function presenceOf(id: CommandId, position: number, command: Command | undefined): ExactlyOnceViolation[] {
  if (command === undefined) return [violation('neverAsked', id, `is entry ${position}, and nobody has asked for it`)];
  const { outcome } = command;
  if (outcome.kind === 'refused') return [violation('refused', id, `was refused, and is entry ${position}`)];
  if (outcome.kind !== 'answered' || outcome.output === null || outcome.output === position) return [];
  return [violation('misplaced', id, `was answered as entry ${outcome.output}, and is entry ${position}`)];
}

function violation(kind: ExactlyOnceViolation['kind'], id: CommandId, what: string): ExactlyOnceViolation {
  return { kind, id, explanation: `${id} ${what}.` };
}
