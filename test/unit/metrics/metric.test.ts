import { expect, test } from 'vitest';
import { LATENCY_BOUNDS_MS, LatencyHistogram } from '../../../src/actors/replicated/latency-histogram.js';
import { buckets } from '../../../src/metrics/metric.js';

test('a histogram has what each bucket and all smaller ones hold, in seconds, each block as often as it has calls', () => {
  const histogram = new LatencyHistogram();
  histogram.add(0.1, 3);
  histogram.add(0.3, 2);
  histogram.add(60_000, 1);

  const samples = buckets('a_seconds', histogram.figures(), { consistency: 'local' });

  const upTo = (le: number | string): number | undefined =>
    samples.find(({ metricName, labels }) => metricName === 'a_seconds_bucket' && labels['le'] === le)?.value;
  expect([upTo(0.0001), upTo(0.00025), upTo(0.0005), upTo(10), upTo('+Inf')]).toEqual([3, 3, 5, 5, 6]);
  expect(samples).toHaveLength(LATENCY_BOUNDS_MS.length + 3);
  expect(samples.at(-2)!.value).toBeCloseTo((0.3 + 0.6 + 60_000) / 1000);
  expect(samples.at(-1)).toEqual({ metricName: 'a_seconds_count', labels: { consistency: 'local' }, value: 6 });
});
