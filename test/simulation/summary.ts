/** Adds up what has come of many histories, and says it as text. */

import { Coverage, FAULTS, type FaultName } from 'conclave/testing';
import type { HistoryOptions, Outcome } from './job-messages.js';

export class Summary {
  readonly coverage = new Coverage();
  readonly violations: Outcome[] = [];
  readonly #turnedOn = new Set<FaultName>();
  seeds = 0;
  virtualMs = 0;

  add(outcome: Outcome): void {
    this.seeds += 1;
    this.virtualMs += outcome.virtualMs;
    this.coverage.add(outcome.coverage);
    for (const fault of outcome.faults) this.#turnedOn.add(fault);
    if (outcome.violation !== null) this.violations.push(outcome);
  }

  /** Faults that were on, and have never happened: a knob that does nothing. */
  get idleFaults(): readonly FaultName[] {
    return [...this.#turnedOn].filter((fault) => this.coverage.of(FAULTS[fault].shows) === 0);
  }

  table(): string {
    const rows = [...this.coverage].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const width = Math.max(0, ...rows.map(([event]) => event.length));
    return rows
      .map(([event, count]) => `  ${event.padEnd(width)}  ${count.toLocaleString('en').padStart(12)}`)
      .join('\n');
  }
}

/** The one command that replays it. */
export function replayCommand({ seed }: Outcome, { nodes, isCalm }: HistoryOptions): string {
  return `npm run simulate -- --seed ${seed}${nodes === null ? '' : ` --nodes ${nodes}`}${isCalm ? ' --calm' : ''} --trace`;
}
