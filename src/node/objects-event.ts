/**
 * What becomes of a node's objects besides what commands do to them, as its user is told. Plain data but for the error.
 */

/** A thread of objects has ended: a class has thrown outside of its commands, or called `process.exit()`. */
export interface ObjectsFailed {
  readonly type: 'failed';
  /** As the option `placement` has it; null: that of the objects which it does not name. */
  readonly thread: string | null;
  /** `ERR_THREAD_EXITED`; its cause says why. */
  readonly error: Error;
}

/** Its objects stand again, on a new thread, as the newest snapshot and the log have them. */
export interface ObjectsRestored {
  readonly type: 'restored';
  /** As the option `placement` has it; null: that of the objects which it does not name. */
  readonly thread: string | null;
}

export type ObjectsEvent = ObjectsFailed | ObjectsRestored;
