/**
 * A journal that is only appended to. Pure; states share what they have in common, for a journal is long.
 */

import { inspect, isDeepStrictEqual } from 'node:util';
import type { HistoryCall } from '../history.js';
import { UNKNOWN, type SequentialModel } from '../sequential-model.js';

/**
 * A call of a journal. `append` returns how many entries there are then, which is the position of the new one, counted
 * from 1; `all` returns every entry, oldest first.
 */
export type JournalInput<Entry> = readonly [method: 'append', entry: Entry] | readonly [method: 'all'];

/** What the calls of a journal return. */
export type JournalOutput<Entry> = number | readonly Entry[];

/** The last entry, what is before it, and how many they are; null if there is none. */
export type JournalEnd<Entry> = {
  readonly entry: Entry;
  readonly before: JournalEnd<Entry>;
  readonly length: number;
} | null;

/** So many of the last entries are shown in an explanation. */
const SHOWN_MAX = 5;

/**
 * A journal that is empty at first. Entries are compared by their content. Where a history ends with an `all`, even
 * many unknown calls cost little: what it shows tells of each whether and where it took effect.
 *
 * @example
 * const recorder = new HistoryRecorder<JournalInput<string>, JournalOutput<string>>();
 * recorder.answered(recorder.call('ann', ['append', 'a']), 1);
 * recorder.unknown(recorder.call('bob', ['append', 'b'])); // timed out
 * recorder.answered(recorder.call('ann', ['all']), ['a', 'b', 'b']);
 * checkLinearizable(journalModel<string>(), recorder.calls()).kind; // 'notLinearizable': applied twice
 */
export function journalModel<Entry>(): SequentialModel<JournalEnd<Entry>, JournalInput<Entry>, JournalOutput<Entry>> {
  return modelKnowing<Entry>([]);
}

/** `shown` is what the journal begins with, as far as that is known in advance. */
function modelKnowing<Entry>(
  shown: readonly Entry[],
): SequentialModel<JournalEnd<Entry>, JournalInput<Entry>, JournalOutput<Entry>> {
  return {
    name: 'journal',
    initial: null,
    step(end, input, output) {
      if (input[0] === 'all') return output === UNKNOWN || isContentOf(end, output) ? [end] : [];
      const position = lengthOf(end) + 1;
      if (output !== UNKNOWN && output !== position) return [];
      // Nothing is ever removed, so what will be seen at this position is what is appended there.
      if (position <= shown.length && !isDeepStrictEqual(shown[position - 1], input[1])) return [];
      return [{ entry: input[1], before: end, length: position }];
    },
    equals: isSameJournal,
    isRead: ([method]) => method === 'all',
    isTooLate: (end, _input, output) =>
      typeof output === 'number' ? output <= lengthOf(end) : output.length < lengthOf(end),
    foreseeing: (calls) => modelKnowing(longestShownBy(calls)),
    describe: describeEnd,
  };
}

function lengthOf(end: JournalEnd<unknown>): number {
  return end === null ? 0 : end.length;
}

function longestShownBy<Entry>(
  calls: readonly HistoryCall<JournalInput<Entry>, JournalOutput<Entry>>[],
): readonly Entry[] {
  let longest: readonly Entry[] = [];
  for (const { input, outcome } of calls) {
    if (input[0] !== 'all' || outcome.kind !== 'answered' || typeof outcome.output === 'number') continue;
    if (outcome.output.length > longest.length) longest = outcome.output;
  }
  return longest;
}

function isContentOf<Entry>(end: JournalEnd<Entry>, output: JournalOutput<Entry>): boolean {
  if (typeof output === 'number' || output.length !== lengthOf(end)) return false;
  for (let at = end; at !== null; at = at.before) {
    if (!isDeepStrictEqual(at.entry, output[at.length - 1])) return false;
  }
  return true;
}

function isSameJournal<Entry>(a: JournalEnd<Entry>, b: JournalEnd<Entry>): boolean {
  if (lengthOf(a) !== lengthOf(b)) return false;
  while (a !== b) {
    if (a === null || b === null || !isDeepStrictEqual(a.entry, b.entry)) return false;
    [a, b] = [a.before, b.before];
  }
  return true;
}

function describeEnd(end: JournalEnd<unknown>): string {
  const last: string[] = [];
  let at = end;
  while (at !== null && last.length < SHOWN_MAX) {
    last.unshift(inspect(at.entry));
    at = at.before;
  }
  if (at !== null) last.unshift(`${at.length} more`);
  return `[${last.join(', ')}]`;
}
