/** Telling an actor what may be lost: it is told again, or was only news. */

import { ConclaveError } from '../errors.js';
import type { ActorRef, Transferable } from './actor.js';

/** Returns whether the mailbox had room for it. */
export function tellOrDrop<Message>(
  to: ActorRef<Message>,
  message: Message,
  transfer: readonly Transferable[] = [],
): boolean {
  try {
    to.tell(message, transfer);
    return true;
  } catch (error) {
    if (!(error instanceof ConclaveError) || error.code !== 'ERR_MAILBOX_FULL') throw error;
    return false;
  }
}
