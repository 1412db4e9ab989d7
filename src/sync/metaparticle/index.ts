/**
 * The public entry `conclave/sync/metaparticle`: locks and elections in the shape that Metaparticle's clients have.
 * What is named here is public; nothing else is.
 *
 * @module conclave/sync/metaparticle
 */

export type { Connection } from './connection.js';
export { Election, type ElectionOptions } from './election.js';
export { Lock, type LockOptions } from './lock.js';
