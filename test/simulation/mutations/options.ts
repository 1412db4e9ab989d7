/** What `npm run mutations` is asked for, from its arguments. */

import { parseArgs } from 'node:util';

export interface MutationOptions {
  /** Only mutations whose names contain this. */
  readonly only: string;
  /** Only those that have not been found yet. */
  readonly isUnfound: boolean;
  /** How many seeds each is tried on, at most. */
  readonly seeds: number;
  /** How many are tried at a time. */
  readonly jobs: number;
  /** Only whether all are found, in the seeds that are known to find them first; nothing is written. */
  readonly isCheck: boolean;
  /** Only so many, drawn at random. */
  readonly some: number;
}

export const USAGE = `npm run mutations -- [options]
  --only TEXT    only those whose names contain TEXT
  --unfound      only those that have not been found yet
  --some N       only N of them, drawn at random
  --seeds N      how many seeds each is tried on, at most (2000)
  --jobs N       how many are tried at a time (1)
  --check        only whether all are found, in the seeds that are written down first`;

const SEEDS_MAX = 1_000_000;
const JOBS_MAX = 64;
const ALL = 1_000_000;

/** Null: help is asked for. @throws Error for what makes no sense. */
export function mutationOptionsOf(args: readonly string[]): MutationOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      seeds: { type: 'string', default: '2000' },
      jobs: { type: 'string', default: '1' },
      some: { type: 'string', default: `${ALL}` },
      unfound: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const number = (name: 'seeds' | 'jobs' | 'some', max: number): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new Error(`--${name} ${values[name]}: must be a whole number from 1 to ${max}.`);
  };
  return {
    only: values.only,
    isUnfound: values.unfound,
    seeds: number('seeds', SEEDS_MAX),
    jobs: number('jobs', JOBS_MAX),
    isCheck: values.check,
    some: number('some', ALL),
  };
}
