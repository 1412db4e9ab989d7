/**
 * The public entry `conclave/sync`: locks, semaphores and elections. What is named here is public; nothing else is.
 *
 * @module conclave/sync
 */

export type {
  BackendSession,
  ClaimOutcome,
  ClaimTerms,
  Holder,
  NameSight,
  SessionListener,
  SightedBackend,
  SyncBackend,
} from './backend.js';
export { Election, Leading, type ElectionOptions, type Term } from './election.js';
export { FencedResource } from './fenced-resource.js';
export { Held, type HeldEvents } from './held.js';
export { kubernetes, type KubernetesOptions } from './kubernetes/kubernetes.js';
export type { Leader } from './leader-feed.js';
export { leaseNameOf } from './kubernetes/lease-name.js';
export { Lock, type LockOptions, type SemaphoreOptions } from './lock.js';
export { memory } from './memory.js';
export type { WaitOptions } from './patience.js';
export { raft } from './raft.js';
export { sidecar } from './sidecar/sidecar.js';
export { connect, Sync } from './sync.js';
export type { Timekeeper } from '../runtime/timekeeper.js';
export type { Clock } from '../runtime/clock.js';
export type { Timer } from '../runtime/actor.js';
