import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LoadRow } from '../../../bench/matrix.js';
import { commandsByClusterSize, commandsBySize } from '../../../bench/report/plots.js';
import { resultsText, withResults } from '../../../bench/report/table.js';
import { readResults, type LoadOutcome, type Results } from '../../../bench/results.js';

const ROOT = new URL('../../../', import.meta.url);
const COMMITTED = new URL('bench/results/latest.json', ROOT);

describe('what is committed', () => {
  test("README's numbers are those of the committed results", async () => {
    const readme = readFileSync(new URL('README.md', ROOT), 'utf8');

    expect(readme).toBe(withResults(readme, await readResults(COMMITTED)));
  });

  test.each([
    ['commands-by-size.svg', commandsBySize],
    ['commands-by-cluster-size.svg', commandsByClusterSize],
  ])('%s shows the committed results', async (file, plot) => {
    const svg = readFileSync(new URL(`docs/plots/${file}`, ROOT), 'utf8');

    expect(svg).toBe(await plot(await readResults(COMMITTED)));
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

describe('the plots', () => {
  test('show the rate and the limit of each size, from the largest window', async () => {
    const results = resultsOf([
      outcome({ window: 1 }, 11_000, 22_000),
      outcome({ window: 5000 }, 333_000, 444_000),
      outcome({ commandBytes: 2048 }, 55_000, 66_000),
      outcome({ nodes: 5 }, 77_000, 88_000),
    ]);

    const texts = textsOf(await commandsBySize(results));

    expect(texts).toEqual(expect.arrayContaining(['10 B', '2 KiB', '333k', '444k', '55k', '66k']));
    expect(texts).not.toContain('11k');
    expect(texts).not.toContain('77k');
  });

  test('show the rate and the limit of each cluster', async () => {
    const results = resultsOf([outcome({ nodes: 3 }, 333_000, 444_000), outcome({ nodes: 7 }, 55_000, 66_000)]);

    const texts = textsOf(await commandsByClusterSize(results));

    expect(texts).toEqual(expect.arrayContaining(['3', '7', '333k', '444k', '55k', '66k']));
  });
});

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
    format: 2,
    environment: {
      date: '2026-01-02T03:04:05.000Z',
      node: 'v20.0.0',
      machine: { cpu: 'Some CPU', cores: 2, memoryBytes: 16 * 2 ** 30, kernel: 'Linux 6.1' },
      commit: '0123456789abcdef',
      dirty: false,
    },
    fdatasyncMs: null,
    settings: { warmupMs: 1000, durationMs: 3000, rounds: 3 },
    load,
    memory: [],
    compaction: [],
    restart: [],
    catchUp: [],
    diskUse: [],
  };
}
