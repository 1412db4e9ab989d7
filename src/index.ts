/**
 * Conclave: replicated objects for Node.js. What is named here is public; nothing else is.
 *
 * @module conclave
 */

export { context, type CommandContext } from './actors/replicated/command-context.js';
export type { ChangePlace } from './actors/replicated/changes/change-place.js';
export type { Changes, ObjectState, WatchOptions } from './actors/replicated/changes/changes.js';
export { query, replicated } from './actors/replicated/decorators.js';
export { defineObject, type ObjectDescription, type VersionedMethod } from './actors/replicated/define-object.js';
export type { ObjectClass } from './actors/replicated/describe-class.js';
export type { VersionOptions } from './actors/replicated/method-mark.js';
export {
  object,
  since,
  type ObjectDefinition,
  type ObjectDefinitions,
  type CreatableClasses,
} from './actors/replicated/object-definition.js';
export type {
  CallOptions,
  HandleControls,
  HandlesOf,
  ObjectOf,
  ObjectsOf,
  RemoteOf,
  TellOf,
  WaitOptions,
  WatchControls,
} from './actors/replicated/remote-of.js';
export type {
  SnapshotDiverged,
  SnapshotDone,
  SnapshotEvent,
  SnapshotFailed,
  SnapshotInstalled,
  SnapshotProgress,
  SnapshotReceiving,
  SnapshotStarted,
} from './actors/snapshotter/snapshot-event.js';
export { ConclaveError, type ErrorCode, type ErrorData, type ErrorOptions, type PlainError } from './errors.js';
export type { ChangeOptions, Members } from './node/members.js';
export type { UserLogger as Logger } from './node/node-logger.js';
export type { RuntimeLimits, RuntimeOptions, SnapshotOptions } from './node/options.js';
export { Runtime } from './node/runtime.js';
export type { RuntimeEvents } from './node/runtime-emitter.js';
export type { Health } from './node/health.js';
export type { ObjectsEvent, ObjectsFailed, ObjectsRestored } from './node/objects-event.js';
export type { MemberStatus, Role, RuntimeStatus } from './node/status.js';
