/**
 * `conclave/metrics`: what a node counts, as Prometheus has it. What is named here is public; nothing else is.
 *
 * @module conclave/metrics
 */

export { metrics, type MetricsOptions } from './metrics.js';
