/**
 * How long work that must not block its thread is cut into slices: after each it asks whether to step aside. Where the
 * work has a thread of its own nobody minds, and it never does.
 */

/**
 * Called between slices of work: a promise to wait for before going on, so that others get their turn, or `undefined`
 * to go on at once. A promise that rejects ends the work: that is how it is aborted.
 */
export type Pause = () => Promise<void> | undefined;

/** Makes the pause of one piece of work, which is to keep its thread for about `sliceMs` at a time. */
export type NewPause = (sliceMs: number) => Pause;
