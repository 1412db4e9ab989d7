/**
 * The parts of README.md and docs/locks.md that are generated: results as Markdown, every number from the file of
 * results.
 */

import { bytesText, type LoadRow } from '../matrix.js';
import { isObjectOperation } from '../objects/object-operation.js';
import type { LoadOutcome, MemoryOutcome, Results } from '../results.js';
import { locksText } from './lock-tables.js';
import { betweenMarks, milliseconds, rate, table } from './markdown.js';
import { catchUpText, compactionTables, diskText, diskUseTable, joinText, restartTable } from './storage-tables.js';

const PLOTS = `![Commands per second by size of command](docs/plots/commands-by-size.svg)
![Commands per second by size of cluster](docs/plots/commands-by-cluster-size.svg)`;

/** `readme` with everything between the two marks replaced. */
export function withResults(readme: string, results: Results): string {
  return betweenMarks('README.md', readme, resultsText(results));
}

/** docs/locks.md, likewise. */
export function withLocks(page: string, results: Results): string {
  const text =
    results.locks.length === 0
      ? 'Of this version nothing has been measured yet.'
      : `${provenance(results)}\n\n${locksText(results.locks)}`;
  return betweenMarks('docs/locks.md', page, text);
}

export function resultsText(results: Results): string {
  const writes = results.load.filter(({ row }) => row.operation === 'write');
  const reads = results.load.filter(({ row }) => Object.hasOwn(READS, row.operation));
  const durable = writes.filter(({ row }) => row.durable);
  return [
    provenance(results),
    writesTable(writes.filter(({ row }) => !row.durable)),
    PLOTS,
    readsTable(reads),
    objectsTable(results.load.filter(({ row }) => isObjectOperation(row.operation))),
    memoryText(results.memory),
    durable.length === 0 ? '' : diskText(results.fdatasyncMs),
    durableWritesTable(durable),
    compactionTables(results.compaction),
    restartTable(results.restart),
    catchUpText(results.catchUp),
    joinText(results.join),
    diskUseTable(results.diskUse),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function provenance({ environment, settings, fdatasyncMs }: Results): string {
  const { machine, node, commit, dirty, date } = environment;
  const memory = Math.round(machine.memoryBytes / 2 ** 30);
  const source =
    commit === null ? 'a tree without commits' : `commit ${commit.slice(0, 10)}${dirty ? ' with changes' : ''}`;
  return (
    `${machine.cpu}, ${machine.cores} cores, ${memory} GiB, ${machine.kernel}; Node ${node}; ${source}; ` +
    `${date.slice(0, 10)}. All processes on this one machine, over loopback, log in memory${fdatasyncMs === null ? '' : ' unless said otherwise'}. ` +
    `${settings.rounds === 1 ? 'One round' : `The median of ${settings.rounds} rounds`} of ${settings.durationMs / 1000} s ` +
    `after ${settings.warmupMs / 1000} s of warming up.`
  );
}

function writesTable(outcomes: readonly LoadOutcome[]): string {
  return table(
    [
      'command',
      'in flight',
      'nodes',
      'called on',
      'commands/s',
      'MB/s',
      'p50',
      'p99',
      "caller's loop, p99",
      'limit/s',
      'of the limit',
    ],
    outcomes.map(({ row, result, limit }) => [
      bytesText(row.commandBytes),
      String(row.window),
      String(row.nodes),
      placeOf(row),
      rate(result.commandsPerSecond),
      ((result.commandsPerSecond * row.commandBytes) / 1e6).toFixed(1),
      milliseconds(result.p50Ms),
      milliseconds(result.p99Ms),
      milliseconds(result.eventLoopDelayP99Ms),
      limit === null ? '' : rate(limit.result.commandsPerSecond),
      limit === null ? '' : (result.commandsPerSecond / limit.result.commandsPerSecond).toFixed(2),
    ]),
  );
}

/** Without a limit, for nothing that has to wait for a disk is measured there. */
function durableWritesTable(outcomes: readonly LoadOutcome[]): string {
  return table(
    ['command', 'in flight', 'nodes', 'called on', 'commands/s', 'p50', 'p99', "caller's loop, p99"],
    outcomes.map(({ row, result }) => [
      bytesText(row.commandBytes),
      String(row.window),
      String(row.nodes),
      placeOf(row),
      rate(result.commandsPerSecond),
      milliseconds(result.p50Ms),
      milliseconds(result.p99Ms),
      milliseconds(result.eventLoopDelayP99Ms),
    ]),
  );
}

const READS: Readonly<Record<string, string>> = {
  readLinearizable: 'linearizable',
  readLease: 'lease',
  readLocal: 'local',
};

function readsTable(outcomes: readonly LoadOutcome[]): string {
  return table(
    ['read', 'in flight', 'nodes', 'called on', 'reads/s', 'p50', 'p99', "caller's loop, p99"],
    outcomes.map(({ row, result }) => [
      READS[row.operation] ?? row.operation,
      String(row.window),
      String(row.nodes),
      placeOf(row),
      rate(result.commandsPerSecond),
      milliseconds(result.p50Ms),
      milliseconds(result.p99Ms),
      milliseconds(result.eventLoopDelayP99Ms),
    ]),
  );
}

/** The counter's command does least, so that the others are measured by it. */
function objectsTable(outcomes: readonly LoadOutcome[]): string {
  const counter = outcomes.find(({ row }) => row.operation === 'ReplCounter.add');
  return table(
    ['ready-made object', 'in flight', 'nodes', 'called on', 'commands/s', "of the counter's", 'p50', 'p99'],
    outcomes.map(({ row, result }) => [
      row.operation,
      String(row.window),
      String(row.nodes),
      placeOf(row),
      rate(result.commandsPerSecond),
      counter === undefined ? '' : (result.commandsPerSecond / counter.result.commandsPerSecond).toFixed(2),
      milliseconds(result.p50Ms),
      milliseconds(result.p99Ms),
    ]),
  );
}

function memoryText(outcomes: readonly MemoryOutcome[]): string {
  return outcomes
    .map(
      ({ row, commands, bytesPerCommand }) =>
        `Memory, until the log is dropped: ${bytesPerCommand.toFixed(1)} bytes per committed ${bytesText(row.commandBytes)} ` +
        `command (${row.window} in flight, ${row.nodes} nodes; growth of the largest process over ` +
        `${(commands / 1e6).toFixed(1)} million commands).`,
    )
    .join('\n\n');
}

function placeOf({ caller, threads }: LoadRow): string {
  return threads ? caller : `${caller}, inline`;
}
