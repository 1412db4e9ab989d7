/** What `npm run bench` prints of each outcome: one line, with the row's name. */

import type {
  CatchUpOutcome,
  CompactionOutcome,
  DiskUseOutcome,
  JoinOutcome,
  LoadOutcome,
  LockOutcome,
  MemoryOutcome,
  RestartOutcome,
} from './results.js';

const NAME_CHARS = 52;

export function describeLoad({ row, result, limit }: LoadOutcome): string {
  const share =
    limit === null ? '' : `, ${(result.commandsPerSecond / limit.result.commandsPerSecond).toFixed(2)} of the limit`;
  const rate = Math.round(result.commandsPerSecond).toLocaleString('en-US').padStart(9);
  return line(row, `${rate}/s, p50 ${ms(result.p50Ms)}, p99 ${ms(result.p99Ms)}${share}`);
}

export function describeMemory({ row, bytesPerCommand }: MemoryOutcome): string {
  return line(row, `${bytesPerCommand.toFixed(1)} bytes per command`);
}

export function describeCompaction({ row, quiet, compacting, ofNodes, p99Ratio }: CompactionOutcome): string {
  const { calls, stalls } = compacting;
  const longest = (['caller', 'consensus', 'object'] as const).map((thread) => `${thread} ${ms(stalls[thread])}`);
  const took = ofNodes.map(({ compactMs }) => seconds(compactMs)).join(', ');
  return line(
    row,
    `p99 ${ms(quiet.calls.p99Ms)} → ${ms(calls.p99Ms)} (× ${p99Ratio.toFixed(2)}), ` +
      `longest stalls: ${longest.join(', ')}; took ${took}`,
  );
}

export function describeRestart({ row, readyMs }: RestartOutcome): string {
  return line(row, `ready after ${seconds(readyMs)}`);
}

export function describeCatchUp({ row, readyMs, before, meanwhile, p99Ratio }: CatchUpOutcome): string {
  return line(
    row,
    `ready after ${seconds(readyMs)}, callers' p99 ${ms(before.p99Ms)} → ${ms(meanwhile.p99Ms)} (× ${p99Ratio.toFixed(2)})`,
  );
}

export function describeJoin({ row, joinedMs, before, meanwhile, p99Ratio }: JoinOutcome): string {
  return line(
    row,
    `a voter after ${seconds(joinedMs)}, callers' p99 ${ms(before.p99Ms)} → ${ms(meanwhile.p99Ms)} (× ${p99Ratio.toFixed(2)})`,
  );
}

export function describeDiskUse({ row, peakBytes, boundBytes, snapshots }: DiskUseOutcome): string {
  const share = (peakBytes / boundBytes).toFixed(2);
  return line(row, `at most ${(peakBytes / 1e6).toFixed(1)} MB, ${share} of the bound, ${snapshots} snapshots`);
}

/** A line for each service. */
export function describeLocks({ row, services }: LockOutcome): string {
  const texts = services.map((outcome) => {
    if ('skipped' in outcome) return `${outcome.service} skipped: ${outcome.skipped}`;
    const { perSecond, p50Ms, p99Ms, isInOrder } = outcome.result;
    const rate = perSecond === null ? '' : `${Math.round(perSecond).toLocaleString('en-US')}/s, `;
    const order = isInOrder === null ? '' : `, ${isInOrder ? 'first come first served' : 'in no order'}`;
    return `${outcome.service}: ${rate}p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}${order}`;
  });
  return line(row, texts.join(`\n${' '.repeat(NAME_CHARS + 1)}`));
}

function line({ name }: { readonly name: string }, what: string): string {
  return `${name.padEnd(NAME_CHARS)} ${what}`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(2)} ms`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
