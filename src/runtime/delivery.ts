/**
 * What a mailbox keeps beside each message: how it came, and who hears what becomes of it. An ask, a timer, a watch and
 * a message from another thread differ only here, so that the code which handles messages is one loop. Runs on the
 * thread of the actor that receives.
 */

import type { Reply } from './actor.js';
import type { ConclaveError } from '../errors.js';

/** Returned by {@link Delivery.open} for a message that is not to be handled after all. */
export const SKIPPED: unique symbol = Symbol('skipped');

/** The way that one message took; at the same time the {@link Reply} that its receiver is given. */
export interface Delivery extends Reply {
  /** Does somebody still wait for an answer? */
  readonly isAwaited: boolean;
  /** The message leaves the mailbox to be handled now. Returns it, or {@link SKIPPED}. May throw: that is a crash. */
  open(content: unknown): unknown;
  /** The message will never be handled. `why` makes the error for those who care. */
  discard(why: () => ConclaveError): void;
  /** The receiver has returned and owes the answer: the delivery stays in `owed` for as long as it is awaited. */
  keepIn(owed: Set<Delivery>): void;
}

const nothing = (): void => {};

/** A message that was told by an actor of the same system: nobody waits, nobody is told. */
export const TOLD: Delivery = Object.freeze({
  isAwaited: false,
  ok: nothing,
  fail: nothing,
  open: (content: unknown) => content,
  discard: nothing,
  keepIn: nothing,
});
