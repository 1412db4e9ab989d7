/**
 * The control plane of a thread: what its host may ask of it, seldom and outside of all actors. Calls travel by
 * comlink; their results are plain data with the error inside, because comlink would strip an error of its class and
 * code.
 */

import { toPlainError, type PlainError } from '../../errors.js';
import type { MessagePort } from 'node:worker_threads';
import type { Supervision } from '../actor.js';
import type { ThreadFigures } from '../thread-figures.js';

/** What happened to one call. */
export type ControlResult<Value = undefined> =
  | { readonly isOk: true; readonly value: Value }
  | { readonly isOk: false; readonly error: PlainError };

/** What a thread does for its host. */
export interface ThreadControl {
  /** Answers once the thread can do the rest. */
  ready(): ControlResult;
  link(peer: string, port: MessagePort): ControlResult;
  spawn(request: SpawnRequest): Promise<ControlResult>;
  /** Of the time since it was last asked. */
  measure(): ControlResult<ThreadFigures>;
  /** Stops the actor system, and lets the thread end. */
  stop(): ControlResult;
}

/** An actor that is to run on another thread: a factory cannot be sent, so it is named. */
export interface SpawnRequest {
  readonly name: string;
  /** URL of the module that exports the factory. */
  readonly module: string;
  /** The name under which the module exports an `ActorFactory`. */
  readonly export: string;
  /** Handed to the factory. Must be cloneable. */
  readonly data?: unknown;
  readonly supervision?: Supervision;
  readonly mailboxMax?: number;
}

export const CONTROL_OK: ControlResult = { isOk: true, value: undefined };

export function controlFailure(thrown: unknown): ControlResult<never> {
  return { isOk: false, error: toPlainError(thrown) };
}
