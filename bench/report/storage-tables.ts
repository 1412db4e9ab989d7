/** The part of the report about logs and snapshots: what durability costs, and what callers feel of the rest. */

import { countText } from '../matrix.js';
import type { CatchUpOutcome, CompactionOutcome, DiskUseOutcome, JoinOutcome, RestartOutcome } from '../results.js';
import type { ThreadStalls } from '../storage/thread-stalls.js';
import { megabytes, milliseconds, rate, seconds, table, times } from './markdown.js';

/** Stands above the durable rows. */
export function diskText(fdatasyncMs: number | null): string {
  const disk = fdatasyncMs === null ? '' : ` (this disk: ${milliseconds(fdatasyncMs)} for 4 KiB)`;
  return `With \`dataDir\`, an fdatasync${disk} before every acknowledgement:`;
}

export function compactionTables(outcomes: readonly CompactionOutcome[]): string {
  return outcomes
    .map(({ row, quiet, compacting, ofNodes, p99Ratio }) => {
      const { nodes, entries, callsPerSecond, durable } = row;
      const lines = [
        { what: 'nobody', felt: quiet, compactMs: null },
        { what: 'one node', felt: compacting, compactMs: null },
        ...ofNodes.map((felt) => ({ what: `of these, the ${felt.role}`, felt, compactMs: felt.compactMs })),
      ];
      return (
        `Compaction of a map of ${countText(entries)} entries under ${rate(callsPerSecond)} writes/s, ${nodes} nodes, ` +
        `log and snapshots ${durable ? 'on disk' : 'in memory'}: p99 ${times(p99Ratio)}.\n\n` +
        table(
          ['who compacts', 'for', 'p50', 'p99', 'longest call', ...STALLS.map(([, title]) => title)],
          lines.map(({ what, felt: { calls, stalls }, compactMs }) => [
            what,
            compactMs === null ? '' : seconds(compactMs),
            milliseconds(calls.p50Ms),
            milliseconds(calls.p99Ms),
            milliseconds(calls.maxMs),
            ...STALLS.map(([thread]) => milliseconds(stalls[thread])),
          ]),
        )
      );
    })
    .join('\n\n');
}

const STALLS: readonly (readonly [keyof ThreadStalls, string])[] = [
  ['caller', "longest stall: caller's thread"],
  ['consensus', 'consensus'],
  ['object', 'objects'],
];

export function restartTable(outcomes: readonly RestartOutcome[]): string {
  return table(
    ['restart of one node, from', 'read', 'ready after'],
    outcomes.map(({ row, logBytes, snapshotBytes, readyMs }) => [
      row.from === 'log'
        ? `a log of ${countText(row.entries)} entries of 10 B`
        : `a snapshot of ${countText(row.entries)} map entries`,
      megabytes(row.from === 'log' ? logBytes : snapshotBytes),
      seconds(readyMs),
    ]),
  );
}

export function catchUpText(outcomes: readonly CatchUpOutcome[]): string {
  return outcomes
    .map(
      ({ row, snapshotBytes, times: count, readyMs, before, meanwhile, p99Ratio }) =>
        `A node whose disk was wiped catches up on a snapshot of ${megabytes(snapshotBytes)} in ${seconds(readyMs)} (the median of ` +
        `${count}), ` +
        `while ${rate(row.callsPerSecond)} writes/s go on (${row.nodes} nodes, on disk; the state: ` +
        `${countText(row.entries)} values of ${row.valueBytes} B that cannot be compressed). The writers' p99 goes from ` +
        `${milliseconds(before.p99Ms)} to ${milliseconds(meanwhile.p99Ms)}: ${times(p99Ratio)}.`,
    )
    .join('\n\n');
}

export function joinText(outcomes: readonly JoinOutcome[]): string {
  return outcomes
    .map(
      ({ row, snapshotBytes, times: count, joinedMs, before, meanwhile, p99Ratio }) =>
        `A new member of a cluster of ${row.nodes} is given a snapshot of ${megabytes(snapshotBytes)} and votes after ` +
        `${seconds(joinedMs)} (the median of ${count}), while ${rate(row.callsPerSecond)} writes/s go on (on disk). The ` +
        `writers' p99 goes from ${milliseconds(before.p99Ms)} to ${milliseconds(meanwhile.p99Ms)}: ${times(p99Ratio)}.`,
    )
    .join('\n\n');
}

/** The bound is three times the state and two segments. */
export function diskUseTable(outcomes: readonly DiskUseOutcome[]): string {
  return table(
    ['disk of one node', 'state', 'writes/s', 'written', 'segments', 'log', 'snapshots', 'at most', 'of the bound'],
    outcomes.map(({ row, stateBytes, writtenBytes, peakBytes, logBytes, snapshotBytes, boundBytes }) => [
      `${countText(row.entries)} ${VALUES[row.values]} of ${row.valueBytes} B`,
      megabytes(stateBytes),
      rate(row.callsPerSecond),
      megabytes(writtenBytes),
      megabytes(row.segmentBytes),
      megabytes(logBytes),
      megabytes(snapshotBytes),
      megabytes(peakBytes),
      (peakBytes / boundBytes).toFixed(2),
    ]),
  );
}

const VALUES: Readonly<Record<DiskUseOutcome['row']['values'], string>> = {
  record: 'JSON records',
  noise: 'incompressible values',
};
