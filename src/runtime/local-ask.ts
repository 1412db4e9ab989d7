/**
 * An ask between two actors of one system: the caller's wait and the receiver's reply are the same object. Lives in the
 * receiver's mailbox, then, if the answer is to come later, among those that the receiver owes.
 */

import type { ConclaveError } from '../errors.js';
import type { Delivery } from './delivery.js';
import { PendingAsk } from './pending-ask.js';

export class LocalAsk extends PendingAsk implements Delivery {
  #owed: Set<Delivery> | undefined;

  open(content: unknown): unknown {
    return content;
  }

  discard(why: () => ConclaveError): void {
    if (this.isAwaited) this.fail(why());
  }

  keepIn(owed: Set<Delivery>): void {
    if (!this.isAwaited) return;
    this.#owed = owed;
    owed.add(this);
  }

  protected override onSettled(): void {
    this.#owed?.delete(this);
  }
}
