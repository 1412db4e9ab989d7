/**
 * All that callers were told, on whichever node, and what must be true of it: nothing acknowledged is lost or doubled,
 * what is said not to have been applied was not, and no answer is older than what was known when its question was
 * asked. Knows no processes.
 */

import type { AppendRecord, CallError, FailureRecord, NodeEvent, ReadRecord } from '../fixtures/node-messages.js';

export type CallsEvent = Extract<NodeEvent, { event: 'calls' }>;

/** What a cluster in trouble may answer; anything else is a defect. */
const EXPECTED_CODES: ReadonlySet<string> = new Set(['ERR_NO_LEADER', 'ERR_TIMEOUT', 'ERR_STOPPED', 'ERR_RESULT_LOST']);
const COMPLAINTS_MAX = 20;

/** From then on, everybody knows that so many commands have been applied. */
interface Known {
  readonly sinceUs: number;
  readonly size: number;
}

export class History {
  readonly appended = new Map<string, AppendRecord[]>();
  readonly failed = new Map<string, FailureRecord[]>();
  readonly reads: ReadRecord[] = [];
  readonly failedReads: CallError[] = [];
  readonly #known: Known[] = [];
  /** By caller, which lives as long as its node, and in order: what local reads answered. */
  readonly #localReads = new Map<string, ReadRecord[]>();

  add(event: CallsEvent): void {
    const { caller, appended, failed, reads, failedReads, endUs } = event;
    push(this.appended, caller, appended);
    push(this.failed, caller, failed);
    this.failedReads.push(...failedReads);
    for (const read of reads) {
      if (read.consistency === 'local') {
        push(this.#localReads, caller, [read]);
      } else {
        this.reads.push(read);
        this.#known.push({ sinceUs: read.endUs, size: read.size });
      }
    }
    if (appended.length > 0) {
      this.#known.push({ sinceUs: endUs, size: Math.max(...appended.map((each) => each.position)) });
    }
  }

  get callers(): string[] {
    return [...new Set([...this.appended.keys(), ...this.failed.keys()])];
  }

  get appends(): AppendRecord[] {
    return [...this.appended.values()].flat();
  }

  get failures(): FailureRecord[] {
    return [...this.failed.values()].flat();
  }

  /** How many commands have been acknowledged that were made at `sinceUs` or later. */
  appendsSince(sinceUs: number): number {
    let count = 0;
    for (const appended of this.appended.values()) {
      // A caller's commands are acknowledged in the order in which they were made.
      for (let last = appended.length - 1; last >= 0 && appended[last]!.startUs >= sinceUs; last--) count++;
    }
    return count;
  }

  /** Everything that is wrong, given the commands that a ledger holds of each caller. Empty: nothing is. */
  complaints(applied: ReadonlyMap<string, readonly number[]>): string[] {
    return [
      ...this.#wrongAppends(applied),
      ...this.#wrongPositions(),
      ...this.#unexpectedErrors(),
      ...this.#staleAnswers(),
      ...this.#localReadsGoingBack(),
    ].slice(0, COMPLAINTS_MAX);
  }

  #wrongAppends(applied: ReadonlyMap<string, readonly number[]>): string[] {
    return this.callers.flatMap((caller) => {
      const numbers = new Set(applied.get(caller));
      const lost = (this.appended.get(caller) ?? []).filter(({ number }) => !numbers.has(number));
      const untrue = (this.failed.get(caller) ?? []).filter((each) => !each.mayBeApplied && numbers.has(each.number));
      return [
        ...lost.map(({ number }) => `${caller}#${number} was acknowledged and is lost`),
        ...untrue.map(({ number, code }) => `${caller}#${number} was applied, though ${code} said that it was not`),
      ];
    });
  }

  /** Two commands with one position are two histories. */
  #wrongPositions(): string[] {
    const seen = new Set<number>();
    const complaints: string[] = [];
    for (const { position } of this.appends) {
      if (seen.has(position)) complaints.push(`two commands were told that they are number ${position}`);
      seen.add(position);
    }
    return complaints;
  }

  #unexpectedErrors(): string[] {
    const errors: CallError[] = [...this.failures, ...this.failedReads];
    const codes = errors
      .filter(({ code }) => !EXPECTED_CODES.has(code))
      .map(({ code }) => `a call failed with ${code}`);
    const lying = errors.filter((each) => each.mayBeApplied && each.retrySafe);
    const reading = this.failedReads.filter((each) => each.mayBeApplied);
    return [
      ...codes,
      ...lying.map(({ code }) => `${code} says that a command may be applied and made again`),
      ...reading.map(({ code }) => `${code} says that a query may be applied`),
    ];
  }

  /** Linearizability of a number that only grows: no answer may be less than what was known when it was asked for. */
  #staleAnswers(): string[] {
    const known = this.#known.toSorted((a, b) => a.sinceUs - b.sinceUs);
    const asked = [
      ...this.reads.map(({ consistency, size, startUs }) => ({ what: `${consistency} read`, size, startUs })),
      // A command must come after all that was known: its own position is more.
      ...this.appends.map(({ position, startUs }) => ({ what: 'command', size: position - 1, startUs })),
    ].toSorted((a, b) => a.startUs - b.startUs);
    const complaints: string[] = [];
    let next = 0;
    let latest: Known = { sinceUs: 0, size: 0 };
    for (const { what, size, startUs } of asked) {
      for (; next < known.length && known[next]!.sinceUs < startUs; next++) {
        if (known[next]!.size > latest.size) latest = known[next]!;
      }
      if (size >= latest.size) continue;
      const ageMs = (startUs - latest.sinceUs) / 1000;
      complaints.push(
        `a ${what} saw ${size} commands, though ${ageMs} ms before it was made there were ${latest.size}`,
      );
    }
    return complaints;
  }

  #localReadsGoingBack(): string[] {
    return [...this.#localReads].flatMap(([caller, reads]) =>
      reads
        .filter((read, index) => index > 0 && read.size < reads[index - 1]!.size)
        .map(({ size }) => `local reads of ${caller} went back to ${size}`),
    );
  }
}

function push<Value>(lists: Map<string, Value[]>, key: string, values: readonly Value[]): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [...values]);
  else list.push(...values);
}
