/**
 * Asks the leader to begin a change, again and again while another one is under way. On the thread that started the node.
 */

import { ConclaveError } from '../errors.js';

/** How long to wait before asking again when another change is under way. */
const RETRY_MS = 20;

/** @throws what `begin` rejects with; `ERR_CHANGE_UNDER_WAY` only when `deadlineMs`, by `performance.now()`, is reached. */
export async function beginChange(begin: () => Promise<void>, deadlineMs: number): Promise<void> {
  for (;;) {
    try {
      await begin();
      return;
    } catch (error) {
      const isUnderWay = error instanceof ConclaveError && error.code === 'ERR_CHANGE_UNDER_WAY';
      if (!isUnderWay || performance.now() + RETRY_MS >= deadlineMs) throw error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
    });
  }
}
