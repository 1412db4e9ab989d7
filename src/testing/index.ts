/**
 * `conclave/testing`: what tests of programs that use Conclave need. What is named here is public; nothing else is.
 *
 * @module conclave/testing
 */

export type { Random } from '../runtime/random.js';
export { ExactlyOnceOracle, type CommandId, type ExactlyOnceViolation } from './linearizability/exactly-once-oracle.js';
export { checkLinearizable, type CheckLinearizableOptions } from './linearizability/check-linearizable.js';
export { HistoryRecorder } from './linearizability/history-recorder.js';
export type { CallOutcome, HistoryCall } from './linearizability/history.js';
export { counterModel, type CounterInput } from './linearizability/models/counter-model.js';
export {
  journalModel,
  type JournalEnd,
  type JournalInput,
  type JournalOutput,
} from './linearizability/models/journal-model.js';
export { lockModel, type LockInput, type LockOutput } from './linearizability/models/lock-model.js';
export { mapModel, type MapInput, type MapOutput, type MapSlot } from './linearizability/models/map-model.js';
export { queueModel, type QueueInput } from './linearizability/models/queue-model.js';
export { registerModel, type RegisterInput, type RegisterOutput } from './linearizability/models/register-model.js';
export { outcomeOfError } from './linearizability/outcome-of-error.js';
export { UNKNOWN, type SequentialModel } from './linearizability/sequential-model.js';
export {
  SessionOrderOracle,
  type SessionOrderViolation,
  type VersionedAnswer,
} from './linearizability/session-order-oracle.js';
export type { LinearizabilityVerdict, NotLinearizable } from './linearizability/verdict.js';
export { LocalCluster, type LocalClusterOptions } from './local-cluster.js';
export type { ClusterRunReport } from './simulation/cluster-run.js';
export type { ClusterShape } from './simulation/cluster-shape.js';
export { Coverage } from './simulation/coverage.js';
export { FAULTS, type FaultMix, type FaultName } from './simulation/faults/fault-mix.js';
export { runSimulation, type SimulationOptions, type SimulationReport } from './simulation/run-simulation.js';
export { simulate, type SimulateOptions } from './simulation/simulate.js';
export { drawSubjects, SUBJECTS, type Subject } from './simulation/subjects.js';
export type { SimulationClients, SimulationNode } from './simulation/user-clients.js';
export type { Violation } from './simulation/violations.js';
