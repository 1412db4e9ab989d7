/**
 * An ask to an actor at the other end of a link, as its caller waits for it.
 */

import type { ActorAddress, AskOptions } from '../actor.js';
import { PendingAsk } from '../pending-ask.js';
import type { Scheduler } from '../scheduler.js';

export class RemoteAsk extends PendingAsk {
  readonly id: number;
  readonly #onSettled: (ask: RemoteAsk) => void;

  constructor(
    id: number,
    address: ActorAddress,
    options: AskOptions,
    scheduler: Scheduler,
    onSettled: (ask: RemoteAsk) => void,
  ) {
    super(address, options, scheduler);
    this.id = id;
    this.#onSettled = onSettled;
  }

  protected override onSettled(): void {
    this.#onSettled(this);
  }
}
