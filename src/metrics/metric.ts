/**
 * What a metric is: a name and a unit by the conventions of Prometheus, and how it is read off a node's figures. Pure.
 */

import { LATENCY_BOUNDS_MS, type LatencyFigures } from '../actors/replicated/latency-histogram.js';
import type { NodeFigures } from '../node/node-figures.js';

export interface Metric {
  /** With the unit at its end, or `_total` where it counts. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** One sentence. */
  readonly help: string;
  /** What is not known is left out, rather than said to be zero. */
  readonly read: (figures: NodeFigures) => Sample[];
}

export interface Sample {
  /** Where it is not the metric's own. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The sample of a metric without labels. */
export function sample(value: number | null | undefined): Sample[] {
  return value === null || value === undefined ? [] : [{ labels: {}, value }];
}

/** One for each state, 1 for the one that is: as Prometheus has states. */
export function states(label: string, all: readonly string[], current: string): Sample[] {
  return all.map((state) => ({ labels: { [label]: state }, value: state === current ? 1 : 0 }));
}

/** A histogram, in seconds. */
export function buckets(name: string, { counts, sumMs }: LatencyFigures, labels: Sample['labels'] = {}): Sample[] {
  let count = 0;
  const samples = counts.map((inBucket, i): Sample => {
    count += inBucket;
    const boundMs = LATENCY_BOUNDS_MS[i];
    const le = boundMs === undefined ? '+Inf' : boundMs / 1000;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...samples,
    { metricName: `${name}_sum`, labels, value: sumMs / 1000 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
