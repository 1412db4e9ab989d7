/** What `npm run simulate` is asked for, from its arguments. */

import { parseArgs } from 'node:util';
import type { HistoryOptions } from './job-messages.js';

export interface Options extends HistoryOptions {
  /** How many histories; Infinity: until the time is over. */
  readonly seeds: number;
  /** How long, in real time. */
  readonly seconds: number;
  /** The first seed. */
  readonly base: number;
  readonly jobs: number;
  /** One history only. */
  readonly seed: number | null;
  readonly isTraced: boolean;
}

export const USAGE = `npm run simulate -- [options]
  --seeds N      how many histories (500; without a limit if --seconds is given)
  --seconds N    ends after so long
  --base N       the first seed (drawn, and printed)
  --jobs N       how many threads (1)
  --nodes N      how many nodes vote, 1 to 7 (drawn for each seed)
  --calm         the timeouts of production, and minutes of virtual time with seconds in which nothing goes wrong
  --seed N       one history only
  --trace        prints that history`;

const SEED_MAX = 2 ** 32 - 1;
/** No history of the run has a seed beyond the last one. */
const BASE_MAX = 2 ** 31;

/** Null: help is asked for. @throws Error for what makes no sense. */
export function optionsOf(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      seconds: { type: 'string' },
      base: { type: 'string' },
      jobs: { type: 'string' },
      nodes: { type: 'string' },
      seed: { type: 'string' },
      calm: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const number = (name: 'seeds' | 'seconds' | 'base' | 'jobs' | 'nodes' | 'seed', max: number): number | null => {
    const text = values[name];
    if (text === undefined) return null;
    const value = Number(text);
    if (Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw new Error(`--${name} ${text}: must be a whole number from 0 to ${max}.`);
  };
  const seconds = number('seconds', 1_000_000) ?? Infinity;
  const seed = number('seed', SEED_MAX);
  if (values.trace && seed === null) throw new Error('--trace prints one history: say which one by --seed.');
  return {
    seeds: number('seeds', BASE_MAX) ?? (seconds === Infinity ? 500 : Infinity),
    seconds,
    base: number('base', BASE_MAX) ?? Math.floor(Math.random() * BASE_MAX),
    jobs: Math.max(1, number('jobs', 64) ?? 1),
    seed,
    isCalm: values.calm,
    isTraced: values.trace,
    nodes: number('nodes', 7),
  };
}
