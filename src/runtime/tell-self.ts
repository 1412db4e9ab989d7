/**
 * An actor's news for itself, which nobody would tell it again: of work that has waited, or of more that there is to
 * do.
 */

import type { ActorContext } from './actor.js';
import { tellOrDrop } from './tell-or-drop.js';

/** Never refused: a full mailbox takes what comes from a timer. */
export function tellSelf<Message>(context: ActorContext<Message>, message: Message): void {
  if (!tellOrDrop(context.self, message)) context.after(0, message);
}
