/** The part of the report about locks, beside what users would take instead. */

import { countText, type LockRow } from '../matrix.js';
import type { LockOutcome } from '../results.js';
import { milliseconds, rate, table } from './markdown.js';

/** Nothing where nothing of it was measured. */
export function locksText(outcomes: readonly LockOutcome[]): string {
  const lines = outcomes.flatMap(({ row, services }) =>
    services.flatMap((outcome) => {
      if ('skipped' in outcome) return [];
      const { perSecond, p50Ms, p99Ms, isInOrder } = outcome.result;
      return [
        [
          WHATS[row.load](row),
          outcome.service,
          perSecond === null ? '' : rate(perSecond),
          milliseconds(p50Ms),
          milliseconds(p99Ms),
          isInOrder === null ? '' : isInOrder ? 'yes' : 'no',
        ],
      ];
    }),
  );
  const head = ['locks', 'kept by', 'per second', 'p50', 'p99', 'first come first served'];
  return [table(head, lines), servicesOf(outcomes)].filter((part) => part !== '').join('\n\n');
}

const WHATS: Readonly<Record<LockRow['load'], (row: LockRow) => string>> = {
  pairs: ({ window }) => `acquire and release, ${countText(window)} at a time`,
  turns: ({ window }) => `from hand to hand, ${countText(window)} wait`,
  death: () => 'from the death of the holder to the next one',
  heartbeats: ({ window, callsPerSecond }) =>
    callsPerSecond === null
      ? `heartbeats, ${countText(window)} at a time`
      : `heartbeats, ${countText(callsPerSecond)} per second`,
};

/** Each once: what it is, or why it was not measured. */
function servicesOf(outcomes: readonly LockOutcome[]): string {
  const texts = outcomes.flatMap(({ services }) =>
    services.map((each) => `${each.service}: ${'skipped' in each ? `not measured, ${each.skipped}` : each.about}.`),
  );
  return [...new Set(texts)].join(' ');
}
