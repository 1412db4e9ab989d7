import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { rowsOf, type LoadRow } from '../../../bench/matrix.js';
import { commandsByClusterSize, commandsBySize } from '../../../bench/report/plots.js';
import { resultsText, withLocks, withResults } from '../../../bench/report/table.js';
import {
  noOutcomes,
  readResults,
  RESULTS_FORMAT,
  writeResults,
  type CompactionOutcome,
  type FeltResult,
  type LoadOutcome,
  type Results,
} from '../../../bench/results.js';

const ROOT = new URL('../../../', import.meta.url);
const COMMITTED = new URL('bench/results/latest.json', ROOT);

describe('what is committed', () => {
  test("README's numbers are those of the committed results", async () => {
    const readme = readFileSync(new URL('README.md', ROOT), 'utf8');

    expect(readme).toBe(withResults(readme, await readResults(COMMITTED)));
  });

  test('the numbers of docs/locks.md are those of the committed results', async () => {
    const page = readFileSync(new URL('docs/locks.md', ROOT), 'utf8');

    expect(page).toBe(withLocks(page, await readResults(COMMITTED)));
  });

  test.each([
    ['commands-by-size.svg', commandsBySize],
    ['commands-by-cluster-size.svg', commandsByClusterSize],
  ])('%s shows the committed results', async (file, plot) => {
    const svg = readFileSync(new URL(`docs/plots/${file}`, ROOT), 'utf8');

    expect(svg).toBe(await plot(await readResults(COMMITTED)));
  });
});

describe('the file of results', () => {
  test('is read as it was written', async () => {
    const file = resultsFile();
    const results = resultsOf([outcome({}, 1000, 2000)]);

    await writeResults(file, results);

    expect(await readResults(file)).toEqual(results);
  });

  test('of a run that did not know a kind of rows yet has none of them', async () => {
    const file = resultsFile();
    const { join: _, locks: __, ...older } = resultsOf([]);
    await writeResults(file, older as Results);

    const results = await readResults(file);

    expect(results).toEqual(resultsOf([]));
  });

  test('of another format is refused', async () => {
    const file = resultsFile();
    await writeResults(file, { ...resultsOf([]), format: 1 as never });

    await expect(readResults(file)).rejects.toThrow('has format 1');
  });
});

describe('the table', () => {
  test('says where and of what the numbers are, and gives each row its settings', () => {
    const text = resultsText(resultsOf([outcome({ window: 1000, nodes: 5 }, 123_456, 200_000)]));

    expect(text).toContain('Some CPU, 2 cores, 16 GiB, Linux 6.1; Node v20.0.0; commit 0123456789; 2026-01-02.');
    expect(text).toContain('The median of 3 rounds of 3 s after 1 s of warming up.');
    expect(text).toContain(
      '| 10 B | 1000 | 5 | leader | 123,000 | 1.2 | 1.50 ms | 12.3 ms | 0.75 ms | 200,000 | 0.62 |',
    );
  });

  test('says of a tree with changes that it had some', () => {
    const results = resultsOf([]);
    const dirty = { ...results, environment: { ...results.environment, dirty: true } };

    expect(resultsText(dirty)).toContain('commit 0123456789 with changes');
  });

  test('replaces what stands between the marks, and nothing else', () => {
    const results = resultsOf([]);

    const readme = withResults('before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n', results);

    expect(readme).toBe(`before\n<!-- bench:begin -->\n${resultsText(results)}\n<!-- bench:end -->\nafter\n`);
  });

  test('refuses a README without the marks', () => {
    expect(() => withResults('nothing here', resultsOf([]))).toThrow('bench:begin');
  });
});

describe('what is said of logs and snapshots', () => {
  test('is nothing where nothing of it was measured', () => {
    const text = resultsText(resultsOf([outcome({}, 1000, 2000)]));

    expect(text).toContain('over loopback, log in memory. ');
    expect(text).not.toContain('dataDir');
  });

  test('durable writes have a table of their own, under what their disk can do', () => {
    const durable = { ...outcome({ durable: true, window: 1 }, 2_345, 0), limit: null };

    const text = resultsText({ ...resultsOf([durable]), fdatasyncMs: 0.123 });

    expect(text).toContain('log in memory unless said otherwise. ');
    expect(text).toContain('an fdatasync (this disk: 0.12 ms for 4 KiB) before every acknowledgement:');
    expect(text).toContain('| 10 B | 1 | 3 | leader | 2,350 | 1.50 ms | 12.3 ms | 0.75 ms |');
    expect(text).not.toContain('limit/s');
  });

  test('compaction: what callers and threads felt, with none and of each node', () => {
    const [row] = rowsOf({ isQuick: false }).filter((each) => each.kind === 'compaction');
    const compaction: CompactionOutcome = {
      row: row!,
      quiet: felt(2, 5),
      compacting: felt(4, 9),
      ofNodes: [
        { ...felt(3, 8), role: 'leader', compactMs: 1234 },
        { ...felt(4, 9), role: 'follower', compactMs: 2345 },
      ],
      p99Ratio: 2,
    };

    const text = resultsText({ ...resultsOf([]), compaction: [compaction] });

    expect(text).toContain('Compaction of a map of 1,000,000 entries under 50,000 writes/s, 3 nodes');
    expect(text).toContain('log and snapshots on disk: p99 × 2.00.');
    expect(text).toContain('| nobody |  | 1.00 ms | 2.00 ms | 3.00 ms | 5.00 ms | 6.00 ms | 7.00 ms |');
    expect(text).toContain('| one node |  | 1.00 ms | 4.00 ms | 3.00 ms | 9.00 ms | 10.0 ms | 11.0 ms |');
    expect(text).toContain(
      '| of these, the leader | 1.23 s | 1.00 ms | 3.00 ms | 3.00 ms | 8.00 ms | 9.00 ms | 10.0 ms |',
    );
    expect(text).toContain('| of these, the follower | 2.35 s |');
  });

  test('locks: beside what users would take instead, and why that was not measured', () => {
    const locks = rowsOf({ isQuick: false }).filter((row) => row.kind === 'lock');
    const result = { perSecond: 1234, p50Ms: 1.5, p99Ms: 12.3, maxMs: 20, isInOrder: null };
    const ours = { service: 'Conclave', about: 'three nodes', rounds: [result] };

    const text = withLocks('<!-- bench:begin -->\n<!-- bench:end -->', {
      ...resultsOf([]),
      locks: locks.map((row) => ({
        row,
        services: [
          { ...ours, result: row.load === 'turns' ? { ...result, isInOrder: true } : result },
          { service: 'etcd', skipped: 'the program etcd is not installed' },
        ],
      })),
    });

    expect(text).toContain('| acquire and release, 1,000 at a time | Conclave | 1,230 | 1.50 ms | 12.3 ms |  |');
    expect(text).toContain('| from hand to hand, 1,000 wait | Conclave | 1,230 | 1.50 ms | 12.3 ms | yes |');
    expect(text).toContain('| heartbeats, 10,000 per second | Conclave | 1,230 | 1.50 ms | 12.3 ms |  |');
    expect(text).toContain('| heartbeats, 100 at a time | Conclave | 1,230 |');
    expect(text).toContain('Conclave: three nodes. etcd: not measured, the program etcd is not installed.');
  });

  test('restarts, a node that catches up, and the disk: times and sizes', () => {
    const rows = rowsOf({ isQuick: false });
    const restart = rows.filter((row) => row.kind === 'restart');
    const [catchUp] = rows.filter((row) => row.kind === 'catchUp');
    const [join] = rows.filter((row) => row.kind === 'join');
    const [diskUse] = rows.filter((row) => row.kind === 'diskUse');
    const stored = { logBytes: 150e6, snapshotBytes: 8e6 };

    const text = resultsText({
      ...resultsOf([]),
      restart: restart.map((row) => ({ row, ...stored, readyMs: 1234, rounds: [1234] })),
      catchUp: [
        {
          row: catchUp!,
          snapshotBytes: 200e6,
          times: 6,
          readyMs: 4321,
          before: felt(2, 0).calls,
          meanwhile: felt(5, 0).calls,
          p99Ratio: 2.5,
        },
      ],
      join: [
        {
          row: join!,
          snapshotBytes: 50e6,
          times: 3,
          joinedMs: 3210,
          before: felt(2, 0).calls,
          meanwhile: felt(3, 0).calls,
          p99Ratio: 1.5,
        },
      ],
      diskUse: [
        {
          row: diskUse!,
          stateBytes: 20e6,
          writtenBytes: 100e6,
          snapshots: 4,
          peakBytes: 50e6,
          logBytes: 40e6,
          snapshotBytes: 10e6,
          boundBytes: 100e6,
        },
      ],
    });

    expect(text).toContain('| a log of 1,000,000 entries of 10 B | 150 MB | 1.23 s |');
    expect(text).toContain('| a snapshot of 1,000,000 map entries | 8.0 MB | 1.23 s |');
    expect(text).toContain(
      'catches up on a snapshot of 200 MB in 4.32 s (the median of 6), while 50,000 writes/s go on',
    );
    expect(text).toContain('from 2.00 ms to 5.00 ms: × 2.50.');
    expect(text).toContain('is given a snapshot of 50 MB and votes after 3.21 s (the median of 3)');
    expect(text).toContain('from 2.00 ms to 3.00 ms: × 1.50.');
    expect(text).toContain(
      '| 20,000 JSON records of 1000 B | 20 MB | 10,000 | 100 MB | 5.0 MB | 40 MB | 10 MB | 50 MB | 0.50 |',
    );
  });
});

describe('ready-made objects', () => {
  test('have a table of their own, which says their share of the counter', () => {
    const text = resultsText(
      resultsOf([
        outcome({ operation: 'ReplMap.set', commandBytes: 0 }, 300_000, 1),
        outcome({ operation: 'ReplCounter.add', commandBytes: 0 }, 400_000, 1),
        outcome({ operation: 'readLocal', commandBytes: 0 }, 500_000, 1),
      ]),
    );

    expect(text).toContain('| ReplMap.set | 5000 | 3 | leader | 300,000 | 0.75 | 1.50 ms | 12.3 ms |');
    expect(text).toContain('| ReplCounter.add | 5000 | 3 | leader | 400,000 | 1.00 |');
    expect(text.match(/500,000/g)).toHaveLength(1);
  });
});

describe('the plots', () => {
  test('show the rate and the limit of each size, from the largest window', async () => {
    const results = resultsOf([
      outcome({ window: 1 }, 11_000, 22_000),
      outcome({ window: 5000 }, 333_000, 444_000),
      outcome({ commandBytes: 2048 }, 55_000, 66_000),
      outcome({ nodes: 5 }, 77_000, 88_000),
      outcome({ durable: true }, 99_000, 99_000),
    ]);

    const texts = textsOf(await commandsBySize(results));

    expect(texts).toEqual(expect.arrayContaining(['10 B', '2 KiB', '333k', '444k', '55k', '66k']));
    expect(texts).not.toContain('11k');
    expect(texts).not.toContain('77k');
    expect(texts).not.toContain('99k');
  });

  test('show the rate and the limit of each cluster', async () => {
    const results = resultsOf([outcome({ nodes: 3 }, 333_000, 444_000), outcome({ nodes: 7 }, 55_000, 66_000)]);

    const texts = textsOf(await commandsByClusterSize(results));

    expect(texts).toEqual(expect.arrayContaining(['3', '7', '333k', '444k', '55k', '66k']));
  });
});

/** Where there is none yet. */
function resultsFile(): string {
  const directory = mkdtempSync(`${tmpdir()}/conclave-results-`);
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return `${directory}/results.json`;
}

/** What callers and threads felt, each number one more than the last. */
function felt(p99Ms: number, callerMs: number): FeltResult {
  return {
    calls: { calls: 50_000, durationMs: 1000, p50Ms: 1, p99Ms, maxMs: 3 },
    stalls: { caller: callerMs, consensus: callerMs + 1, object: callerMs + 2, storage: 1 },
  };
}

/** Every text that the picture shows. */
function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]!);
}

function outcome(row: Partial<LoadRow>, commandsPerSecond: number, limit: number): LoadOutcome {
  const result = {
    commands: 1,
    durationMs: 3000,
    commandsPerSecond,
    timedEvery: 1,
    timedCommands: 1,
    p50Ms: 1.5,
    p99Ms: 12.34,
    maxMs: 20,
    eventLoopDelayP99Ms: 0.75,
    eventLoopUtilization: 1,
  };
  return {
    row: {
      kind: 'load',
      name: 'a row',
      operation: 'write',
      nodes: 3,
      caller: 'leader',
      window: 5000,
      commandBytes: 10,
      threads: true,
      durable: false,
      ...row,
    },
    result,
    rounds: [result],
    limit: { result: { ...result, commandsPerSecond: limit }, rounds: [] },
  };
}

function resultsOf(load: readonly LoadOutcome[]): Results {
  return {
    format: RESULTS_FORMAT,
    environment: {
      date: '2026-01-02T03:04:05.000Z',
      node: 'v20.0.0',
      machine: { cpu: 'Some CPU', cores: 2, memoryBytes: 16 * 2 ** 30, kernel: 'Linux 6.1' },
      commit: '0123456789abcdef',
      dirty: false,
    },
    fdatasyncMs: null,
    settings: { warmupMs: 1000, durationMs: 3000, rounds: 3 },
    ...noOutcomes(),
    load,
  };
}
