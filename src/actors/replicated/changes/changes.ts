/**
 * What `watch` of a handle gives, and takes. Types only; see watch.ts for what stands behind them.
 */

import type { ChangeKey } from './change-key.js';
import type { ChangePlace } from './change-place.js';

/**
 * What changes in an object, in the order in which the commands were applied: none missing, none twice. It is being
 * watched from the call of `watch` on, whether or not anybody reads yet; leaving the loop ends it, and so does
 * `return()`.
 *
 * The changes are shared by all who watch: do not modify them.
 *
 * It rejects once, and is over then, with
 *
 * - `ERR_WATCHER_BEHIND` when more than 65,536 changes or 16 MiB wait to be read;
 * - `ERR_CHANGES_LOST` when changes behind `from` are not kept any more, when this server was given a snapshot instead
 *   of the log, or the thread of its objects has ended: read the state and watch from there (`read`);
 * - `ERR_NO_SUCH_OBJECT` when an object that was created is dropped, or there is none of this name and class here, or
 *   not yet;
 * - `ERR_ABORTED` by the signal, and `ERR_STOPPED` when the runtime stops or fails. No writer ever waits for a watcher.
 *
 * @example
 * async function mirror(scores: RemoteOf<ReplMap<string, number>>): Promise<void> {
 *   const mirrored = new Map<string, number>();
 *   for await (const change of scores.watch({ read: 'entries' })) {
 *     if (change.type === 'state') for (const [key, value] of change.value) mirrored.set(key, value);
 *     else if (change.type === 'set') mirrored.set(change.key, change.value);
 *     else if (change.type === 'delete') mirrored.delete(change.key);
 *     else mirrored.clear();
 *   }
 * }
 */
export interface Changes<Change = unknown> extends AsyncIterableIterator<Change, undefined, undefined> {
  /**
   * Behind the last change that was given, or, before the first, where it has begun; null: it has not begun yet. For
   * `from`, also on another server.
   */
  readonly at: ChangePlace | null;
  /**
   * Resolves once it has begun: every change of a command that is called from then on, wherever, is among those that
   * are given. Rejects as reading does when it ends before.
   */
  begun(): Promise<ChangePlace>;
  /**
   * Reads the same changes in batches, as they become known here: those of many calls at once where there are many.
   * Each batch takes one turn of the event loop's microtasks, where otherwise each change takes one: for many who watch
   * all of a busy object. None is empty. They are shared by all who watch: do not modify them. {@link at} is behind the
   * last change of the batch that was given last. What the one iterator has given, the other does not; leaving either
   * ends the watch.
   *
   * @example
   * async function follow(scores: RemoteOf<ReplMap<string, number>>): Promise<void> {
   *   for await (const batch of scores.watch().batches()) {
   *     for (const change of batch) console.log(change);
   *   }
   * }
   */
  batches(): AsyncIterableIterator<readonly Change[], undefined, undefined>;
  return(): Promise<IteratorReturnResult<undefined>>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How to watch. */
export interface WatchOptions<Read = string> {
  /** Ends it with `ERR_ABORTED`. */
  readonly signal?: AbortSignal;
  /** Go on from here: {@link Changes.at} of an earlier one. */
  readonly from?: ChangePlace;
  /**
   * A query, whose answer comes first, as `{ type: 'state', value }`: what the object is on this server as the watch
   * begins. It is given the key that is watched, if there is one.
   */
  readonly read?: Read;
}

/** What comes first when `read` names a query. */
export interface ObjectState<Value> {
  readonly type: 'state';
  readonly value: Value;
}

/** The key of a change, where it has one; see `context().changed`. */
export type KeyOf<Change> = Change extends { readonly key: infer Key extends ChangeKey } ? Key : never;
