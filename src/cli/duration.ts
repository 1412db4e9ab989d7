/** A length of time as users write it, with its unit: 500ms, 30s, 5m, 1h. Pure. */

import { InvalidArgumentError } from 'commander';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** In milliseconds. */
export function duration(value: string): number {
  const [, amount, unit] = DURATION.exec(value) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('It is no length of time, as in 500ms, 30s or 5m.');
  return Math.round(Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS]);
}
