/**
 * Waits until what the leader has begun has come about, as far as this node can see. On the thread that started the node.
 */

import type { ConclaveError } from '../errors.js';

/** Calls back at each news, and when the node has ended; returns what ends that. */
export type Watch = (onNews: () => void, onEnded: (error: Error) => void) => () => void;

/** @throws what `tooLate` makes when `deadlineMs`, by `performance.now()`, is reached; why the node has ended, if it has. */
export function cameAbout(
  isSo: () => boolean,
  watch: Watch,
  deadlineMs: number,
  tooLate: () => ConclaveError,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      unwatch();
      settle();
    };
    const look = (): void => {
      if (isSo()) end(resolve);
    };
    const timer = setTimeout(() => end(() => reject(tooLate())), deadlineMs - performance.now());
    const unwatch = watch(look, (error) => end(() => reject(error)));
    look();
  });
}
