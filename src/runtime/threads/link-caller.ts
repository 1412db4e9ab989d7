/**
 * The half of a link that calls: what actors of this system send to actors of the other, and what they wait for. It
 * refuses a message that the other's mailbox has no room for, as the mailbox itself would, by counting those sent
 * and not yet reported as handled. When the link ends, everything that waits is told.
 */

import { assert } from '../../assert.js';
import { fromPlainError, type ConclaveError, type PlainError } from '../../errors.js';
import type { ActorAddress, AskOptions, Transferable } from '../actor.js';
import { mailboxFull, notPostable } from '../actor-errors.js';
import type { Watcher } from '../death-watch.js';
import { DEFAULT_MAILBOX_MAX } from '../mailbox.js';
import { askRefusal } from '../pending-ask.js';
import type { LinkHost } from './link.js';
import type { Outbox } from './outbox.js';
import { RemoteAsk } from './remote-ask.js';

/** What is known of the mailbox of one actor at the other end. */
interface RemoteMailbox {
  /** Messages sent and not yet reported as handled. Invariant: 0 <= waiting <= max, unless max has become smaller. */
  waiting: number;
  /** The default until the other end says otherwise, which it does when the actor is spawned. */
  max: number;
}

export class LinkCaller {
  readonly #host: LinkHost;
  readonly #outbox: Outbox;
  /** Holds only mailboxes that have messages waiting or are not of the default size. */
  readonly #mailboxes = new Map<string, RemoteMailbox>();
  readonly #asks = new Map<number, RemoteAsk>();
  readonly #watchers = new Map<number, Watcher>();
  #lastId = 0;

  constructor(host: LinkHost, outbox: Outbox) {
    this.#host = host;
    this.#outbox = outbox;
  }

  /** @throws ConclaveError `ERR_MAILBOX_FULL`. */
  tell(address: ActorAddress, message: unknown, transfer: readonly Transferable[] | undefined): void {
    const mailbox = this.#mailbox(address.name);
    if (mailbox.waiting >= mailbox.max) throw mailboxFull(address, mailbox.max);
    mailbox.waiting++;
    this.#outbox.tell(address.name, message, transfer, this.#host.current);
  }

  ask(address: ActorAddress, message: unknown, options: AskOptions): Promise<unknown> {
    const refusal = askRefusal(address, options);
    if (refusal !== undefined) return Promise.reject(refusal);
    const mailbox = this.#mailbox(address.name);
    if (mailbox.waiting >= mailbox.max) return Promise.reject(mailboxFull(address, mailbox.max));
    mailbox.waiting++;
    const ask = new RemoteAsk(++this.#lastId, address, options, this.#host.scheduler, this.#onAskSettled);
    this.#asks.set(ask.id, ask);
    this.#outbox.add(['ask', address.name, ask.id, message]);
    if (options.transfer !== undefined) this.#outbox.addTransfer(message, options.transfer);
    return ask.promise;
  }

  watch(actor: string, watcher: Watcher): () => void {
    const id = ++this.#lastId;
    this.#watchers.set(id, watcher);
    this.#outbox.add(['watch', actor, id]);
    return () => {
      if (this.#watchers.delete(id)) this.#outbox.add(['unwatch', id]);
    };
  }

  onOk(id: number, value: unknown): void {
    this.#takeAsk(id)?.ok(value);
  }

  onFail(id: number, error: PlainError): void {
    this.#takeAsk(id)?.fail(fromPlainError(error));
  }

  onTerminated(id: number, reason: PlainError | undefined): void {
    const watcher = this.#watchers.get(id);
    this.#watchers.delete(id);
    watcher?.onTerminated(reason === undefined ? undefined : fromPlainError(reason));
  }

  onHandled(actor: string, count: number): void {
    const mailbox = this.#mailbox(actor);
    mailbox.waiting -= count;
    assert(mailbox.waiting >= 0, 'no more messages are handled than were sent');
    this.#forgetIfTrivial(actor, mailbox);
  }

  onMailbox(actor: string, max: number): void {
    const mailbox = this.#mailbox(actor);
    mailbox.max = max;
    this.#forgetIfTrivial(actor, mailbox);
  }

  /** This ask could not be posted. */
  onUnpostedAsk(actor: string, id: number, cause: unknown): void {
    this.onHandled(actor, 1);
    const ask = this.#takeAsk(id);
    ask?.fail(notPostable(ask.address, cause));
  }

  close(error: ConclaveError): void {
    const asks = [...this.#asks.values()];
    const watchers = [...this.#watchers.values()];
    this.#asks.clear();
    this.#watchers.clear();
    this.#mailboxes.clear();
    for (const ask of asks) ask.fail(error);
    for (const watcher of watchers) watcher.onTerminated(error);
  }

  #mailbox(actor: string): RemoteMailbox {
    let mailbox = this.#mailboxes.get(actor);
    if (mailbox === undefined) {
      mailbox = { waiting: 0, max: DEFAULT_MAILBOX_MAX };
      this.#mailboxes.set(actor, mailbox);
    }
    return mailbox;
  }

  #forgetIfTrivial(actor: string, mailbox: RemoteMailbox): void {
    if (mailbox.waiting === 0 && mailbox.max === DEFAULT_MAILBOX_MAX) this.#mailboxes.delete(actor);
  }

  #takeAsk(id: number): RemoteAsk | undefined {
    const ask = this.#asks.get(id);
    this.#asks.delete(id);
    return ask;
  }

  /** An ask that is settled while it is still known here has been given up by its caller, not answered. */
  readonly #onAskSettled = (ask: RemoteAsk): void => {
    if (this.#asks.delete(ask.id)) this.#outbox.add(['abandon', ask.id]);
  };
}
