/** What there is to count of one thread: plain data, from the thread to who asks for it. */

import type { LoopFigures } from './loop-meter.js';

export interface ThreadFigures {
  /** The name of its actor system. */
  readonly thread: string;
  readonly loop: LoopFigures;
  readonly mailboxes: readonly MailboxFigures[];
}

export interface MailboxFigures {
  readonly actor: string;
  /**
   * Those that wait at this moment. What another thread has sent and this one has not looked at yet is not among them.
   */
  readonly messages: number;
}
