/**
 * Conclave: replicated objects for Node.js. What is named here is public; nothing else is.
 *
 * @module conclave
 */

export { context, type CommandContext } from './actors/replicated/command-context.js';
export { query, replicated } from './actors/replicated/decorators.js';
export { defineObject } from './actors/replicated/define-object.js';
export { object, type ObjectDefinition, type ObjectDefinitions } from './actors/replicated/object-definition.js';
export type { CallOptions, HandlesOf, RemoteOf, TellOf } from './actors/replicated/remote-of.js';
export type { SnapshotEvent } from './actors/snapshotter/snapshot-event.js';
export { ConclaveError, type ErrorCode, type ErrorData, type PlainError } from './errors.js';
export type { ChangeOptions, Members } from './node/members.js';
export type { RuntimeLimits, RuntimeOptions, SnapshotOptions } from './node/options.js';
export { Runtime } from './node/runtime.js';
export type { RuntimeEvents } from './node/runtime-emitter.js';
export type { Health } from './node/health.js';
export type { MemberStatus, Role, RuntimeStatus } from './node/status.js';
export type { Logger } from './runtime/logger.js';
