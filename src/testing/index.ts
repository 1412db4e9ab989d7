/**
 * `conclave/testing`: what tests of programs that use Conclave need. What is named here is public; nothing else is.
 */

export type { CallOutcome, HistoryCall } from './linearizability/history.js';
export { HistoryRecorder } from './linearizability/history-recorder.js';
export { UNKNOWN, type SequentialModel } from './linearizability/sequential-model.js';
export type { LinearizabilityVerdict, NotLinearizable } from './linearizability/verdict.js';
export { LocalCluster, type LocalClusterOptions } from './local-cluster.js';
