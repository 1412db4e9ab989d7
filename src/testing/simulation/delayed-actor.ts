/**
 * An actor on a thread that is slow: what it is told waits, and then all that has gathered is handled at once, as after
 * a sync that took its time. Nothing changes its order.
 */

import type { Actor, ActorContext, ActorFactory, Reply } from '../../runtime/actor.js';

interface GoOn {
  readonly type: 'goOn';
}

class DelayedActor<Message extends { readonly type: string }> implements Actor<Message | GoOn> {
  readonly #context: ActorContext<Message | GoOn>;
  readonly #inner: Actor<Message>;
  readonly #delayMs: () => number;
  /** Null: none is waited for. */
  #waiting: [message: Message, reply: Reply][] | null = null;

  constructor(context: ActorContext<Message | GoOn>, inner: Actor<Message>, delayMs: () => number) {
    this.#context = context;
    this.#inner = inner;
    this.#delayMs = delayMs;
  }

  receive(message: Message | GoOn, reply: Reply): void {
    if (message.type === 'goOn') return this.#goOn();
    if (this.#waiting === null) {
      const delayMs = this.#delayMs();
      if (delayMs === 0) return this.#inner.receive(message as Message, reply);
      this.#waiting = [];
      this.#context.after(delayMs, { type: 'goOn' });
    }
    this.#waiting.push([message as Message, reply]);
  }

  drained(): void {
    if (this.#waiting === null) this.#inner.drained?.();
  }

  stopped(): void {
    this.#inner.stopped?.();
  }

  #goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const [message, reply] of waiting) this.#inner.receive(message, reply);
  }
}

/**
 * Makes the same actor, on such a thread. `delayMs` is asked whenever something comes to one that waits for nothing.
 */
export function delayed<Message extends { readonly type: string }, Data>(
  factory: ActorFactory<Message, Data>,
  delayMs: () => number,
): ActorFactory<Message, Data> {
  return (context, data) => new DelayedActor(context, factory(context, data), delayMs);
}
