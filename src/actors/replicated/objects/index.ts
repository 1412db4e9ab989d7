/**
 * The public entry `conclave/objects`: replicated objects that are ready to use.
 *
 * @module conclave/objects
 */

export type { QueueOptions } from './capacity.js';
export { ReplCounter } from './counter.js';
export type { OrderOptions, Orders } from './item-order.js';
export { ReplList } from './list.js';
export { ReplMap, type MapEntries, type MapKey } from './map.js';
export type { CounterChange, ListChange, MapChange, QueueChange, SetChange } from './object-changes.js';
export { ReplPriorityQueue, type PriorityQueueOptions } from './priority-queue.js';
export { ReplQueue } from './queue.js';
export { ReplSet, type SetMembers } from './set.js';
export { ReplLockManager, type LockManagerOptions } from '../../../sync/repl-lock-manager.js';
