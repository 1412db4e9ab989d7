/**
 * A node's figures as metrics of Prometheus, in a registry of prom-client's. Nothing is measured between two scrapes
 * but what the node counts anyway. On the thread that started the node; prom-client is its user's, and never loaded
 * from here.
 */

import type { Metric as RegisteredMetric, Registry } from 'prom-client';
import { ConclaveError } from '../errors.js';
import type { NodeFigures } from '../node/node-figures.js';
import { Runtime } from '../node/runtime.js';
import type { ObjectDefinitions } from '../actors/replicated/object-definition.js';
import type { Metric } from './metric.js';
import { METRICS } from './metric-table.js';

export interface MetricsOptions {
  /** The registry that they are added to. One has room for one node: give each node of a process its own. */
  readonly register: Registry;
}

/**
 * Adds the metrics of a node to a registry of [prom-client](https://github.com/siimon/prom-client): what
 * docs/operations.md lists. They are gathered from all threads of the node when the registry is scraped. A thread that
 * has ended or is busy for more than a second makes no scrape fail: what it would have told is missing.
 *
 * @returns what removes them again: without them, nothing of the registry is held by the node, nor the other way round
 * @throws ConclaveError `ERR_INVALID_OPTION` when `register` is no registry of prom-client (`npm install prom-client`),
 *   or holds the metrics of a node already, and when `runtime` is none.
 *
 * @example
 * import { Runtime } from 'conclave';
 * import { metrics } from 'conclave/metrics';
 * import { ReplCounter } from 'conclave/objects';
 * import { register } from 'prom-client';
 *
 * const runtime = await Runtime.start({ self: 'localhost:4321', peers: [], objects: { hits: ReplCounter } });
 * metrics(runtime, { register });
 * await register.metrics(); // what is answered to GET /metrics
 */
export function metrics<Definitions extends ObjectDefinitions>(
  runtime: Runtime<Definitions>,
  options: MetricsOptions,
): () => void {
  if (!(runtime instanceof Runtime)) throw invalid('runtime', 'must be what Runtime.start has given you.');
  const register = (options as Partial<MetricsOptions> | undefined)?.register;
  if (typeof register?.registerMetric !== 'function' || typeof register.removeSingleMetric !== 'function') {
    throw invalid('register', 'must be a Registry of prom-client: npm install prom-client, and pass its `register`.');
  }
  const taken = METRICS.find(({ name }) => register.getSingleMetric(name) !== undefined);
  if (taken !== undefined) {
    throw invalid('register', `has a metric ${taken.name} already: give each node a registry of its own.`);
  }
  const scrape = new Scrape(() => runtime.measure());
  // prom-client knows its own classes only, and asks of a metric what this answers.
  for (const metric of METRICS) register.registerMetric(registered(metric, scrape) as unknown as RegisteredMetric);
  return () => {
    for (const { name } of METRICS) register.removeSingleMetric(name);
  };
}

/** All metrics of one scrape share one look at the node. */
class Scrape {
  readonly #measure: () => Promise<NodeFigures>;
  #underWay: Promise<NodeFigures> | null = null;

  constructor(measure: () => Promise<NodeFigures>) {
    this.#measure = measure;
  }

  figures(): Promise<NodeFigures> {
    this.#underWay ??= this.#measure().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }
}

/** What prom-client calls of a metric that is in a registry. */
interface Registered {
  readonly name: string;
  get(): Promise<object>;
  /** `resetMetrics()` is for tests of what counts itself; this tells what somebody else has counted. */
  reset(): void;
}

function registered(metric: Metric, scrape: Scrape): Registered {
  const { name, help, type } = metric;
  return {
    name,
    get: async () => {
      const figures = await scrape.figures();
      return { name, help, type, aggregator: 'sum', values: metric.read(figures) };
    },
    reset: () => {},
  };
}

function invalid(option: string, complaint: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option} ${complaint}`, { data: { option } });
}
