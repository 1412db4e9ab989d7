/** `conclave/metrics`: what is named here is public; nothing else is. */

export { metrics, type MetricsOptions } from './metrics.js';
