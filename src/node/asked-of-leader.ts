/**
 * What is the same about everything that a node asks of its leader and then sees come about: which answers are a reason
 * to ask again, and the wait for it to show here, which ends when another leader may know nothing of it. On the thread
 * that started the node.
 */

import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import type { ConclaveError, ErrorCode } from '../errors.js';
import type { NodeHost } from './node-host.js';

/** What this needs of its node. */
export interface NewsPort {
  status(): NodeStatus | null;
  /** Calls back at each news of the node, and when it has ended; returns what ends that. */
  watch(onNews: () => void, onEnded: (error: Error) => void): () => void;
  /** The time, and what is to be done later, as the node's host has it. */
  readonly host: Pick<NodeHost, 'nowMs' | 'after'>;
}

/** How long to wait before asking again. */
export const RETRY_MS = 20;

/**
 * Something else of the kind is under way; there is no leader, or it has not answered; consensus has no room for the
 * question.
 */
export const ASK_AGAIN: ReadonlySet<ErrorCode> = new Set([
  'ERR_CHANGE_UNDER_WAY',
  'ERR_NO_LEADER',
  'ERR_TIMEOUT',
  'ERR_MAILBOX_FULL',
]);

export function pause({ host }: NewsPort): Promise<void> {
  return new Promise((resolve) => void host.after(RETRY_MS, resolve));
}

/** What was begun when asked in `term` or later, and is waited for. */
export interface Begun {
  /**
   * The term before it was asked: by the time that the answer is looked at there may be another leader. Null: none was
   * known.
   */
  readonly term: number | null;
  readonly deadlineMs: number;
  readonly isDone: () => boolean;
  readonly tooLate: () => ConclaveError;
}

/**
 * Resolves with true once it is done, and with false when there is another leader, which may know nothing of it: what
 * is not committed may be cut off. Rejects when it is too late, or with why the node has ended.
 */
export function comesAbout(port: NewsPort, { term, deadlineMs, isDone, tooLate }: Begun): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      cancel();
      unwatch();
      settle();
    };
    const look = (): void => {
      const status = port.status();
      if (isDone()) end(() => resolve(true));
      else if (status !== null && status.term !== term && status.leader !== null) end(() => resolve(false));
    };
    const { host } = port;
    const cancel = host.after(Math.max(0, deadlineMs - host.nowMs()), () => end(() => reject(tooLate())));
    const unwatch = port.watch(look, (error) => end(() => reject(error)));
    look();
  });
}
