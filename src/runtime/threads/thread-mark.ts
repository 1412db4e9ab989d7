/**
 * Tells code whether it runs on one of Conclave's own threads. The mark is a registered symbol on the thread's global
 * object, so that it also holds where two copies of this package meet. Set once, by the thread's entry, before anything
 * of the user's is loaded.
 */

const MARK = Symbol.for('conclave.thread');

/** Marks this thread as one that Conclave has started. */
export function markThread(name: string): void {
  Object.defineProperty(globalThis, MARK, { value: name, configurable: true });
}

/** Has Conclave started this thread? */
export function isOwnThread(): boolean {
  return Object.hasOwn(globalThis, MARK);
}
