/** The metrics as Prometheus would have them named, and as the documentation lists them. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../src/metrics/metric-table.js';

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
const table = /<!-- metrics:begin -->\n([\s\S]*?)<!-- metrics:end -->/.exec(page)![1]!;

describe('the metrics', () => {
  it('are those that docs/operations.md lists', () => {
    const rows = METRICS.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    );
    const expected = ['| metric | type | labels | |', '| --- | --- | --- | --- |', ...rows].join('\n');

    // To bring the page up to date, put what is expected in place of the table.
    const shape = (text: string): string => text.trim().replaceAll(/ +/g, ' ');
    expect(shape(table)).toBe(shape(expected));
  });

  it.each(METRICS.map((metric) => [metric.name, metric] as const))(
    '%s is named as Prometheus has it',
    (name, metric) => {
      expect(name).toMatch(/^conclave_[a-z][a-z0-9_]*[a-z0-9]$/);
      expect(name.endsWith('_total')).toBe(metric.type === 'counter');
      expect(name).not.toMatch(/_(ms|milliseconds|kib|mib|percent|count|sum|bucket)\b/);
      if (/duration|lag_p|lag_max|uptime/.test(name)) expect(name).toMatch(/_seconds$/);
      for (const label of metric.labels) expect(label).toMatch(/^[a-z]+$/);
      expect(metric.help).toMatch(/^[A-Z0-9].*\.$/);
    },
  );

  it('are named once', () => {
    const names = METRICS.map(({ name }) => name);

    expect(new Set(names).size).toBe(names.length);
  });
});
