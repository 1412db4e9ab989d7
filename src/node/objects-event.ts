/**
 * What becomes of a node's objects besides what commands do to them, as its user is told. Plain data but for the error.
 */

/** The thread of the objects has ended: a class has thrown outside of its commands, or called `process.exit()`. */
export interface ObjectsFailed {
  readonly type: 'failed';
  /** `ERR_THREAD_EXITED`; its cause says why. */
  readonly error: Error;
}

/** The objects stand again, on a new thread, as the newest snapshot and the log have them. */
export interface ObjectsRestored {
  readonly type: 'restored';
}

export type ObjectsEvent = ObjectsFailed | ObjectsRestored;
