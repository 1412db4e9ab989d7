/**
 * The half of a link that is called: delivers what the other system sends to the actors of this one, carries their
 * answers and ends back, and reports how many messages they have handled, so that the other end knows how many more it
 * may send. A report is due once an eighth of a mailbox has been handled, not for each message.
 */

import { toPlainError, type ConclaveError } from '../../errors.js';
import type { Transferable } from '../actor.js';
import type { ActorCell } from '../actor-cell.js';
import { mailboxFull, neverHandled } from '../actor-errors.js';
import type { Watcher } from '../death-watch.js';
import type { Delivery } from '../delivery.js';
import { DEFAULT_MAILBOX_MAX } from '../mailbox.js';
import type { LinkHost } from './link.js';
import type { Outbox } from './outbox.js';
import type { LinkRecord } from './thread-protocol.js';

/** A report is due once this part of a mailbox has been handled. */
const REPORT_FRACTION = 8;

export class LinkCallee {
  readonly #host: LinkHost;
  readonly #outbox: Outbox;
  /** One per actor of this system that the other has sent something to; gone when the actor stops. */
  readonly #channels = new Map<string, InboundChannel>();
  readonly #due = new Set<InboundChannel>();
  readonly #asks = new Map<number, InboundAsk>();
  readonly #watches = new Map<number, { readonly cell: ActorCell; readonly watcher: Watcher }>();

  constructor(host: LinkHost, outbox: Outbox) {
    this.#host = host;
    this.#outbox = outbox;
    for (const cell of host.cells.values()) this.onSpawned(cell);
  }

  onTells(record: Extract<LinkRecord, readonly ['tells', ...unknown[]]>): void {
    const actor = record[1];
    const channel = this.#channel(actor);
    if (channel === undefined) {
      this.#outbox.add(['handled', actor, record.length - 2]);
      return;
    }
    const { cell } = channel;
    for (let i = 2; i < record.length; i++) cell.deliver(record[i], channel);
  }

  onAsk(actor: string, id: number, message: unknown): void {
    const channel = this.#channel(actor);
    if (channel === undefined) {
      const error = neverHandled({ system: this.#host.name, name: actor });
      this.#outbox.add(['fail', id, toPlainError(error)]);
      this.#outbox.add(['handled', actor, 1]);
      return;
    }
    const ask = new InboundAsk(id, channel, this);
    this.#asks.set(id, ask);
    const { cell } = channel;
    if (cell.mayOweMore) cell.deliver(message, ask);
    else ask.discard(() => mailboxFull(cell.address, cell.mailboxMax));
  }

  onAbandon(id: number): void {
    const ask = this.#asks.get(id);
    this.#asks.delete(id);
    ask?.abandon();
  }

  onWatch(actor: string, id: number): void {
    const cell = this.#host.cells.get(actor);
    if (cell === undefined) {
      const error = neverHandled({ system: this.#host.name, name: actor });
      this.#outbox.add(['terminated', id, toPlainError(error)]);
      return;
    }
    const watcher: Watcher = {
      onTerminated: (reason) => {
        this.#watches.delete(id);
        this.#outbox.add(['terminated', id, reason === undefined ? undefined : toPlainError(reason)]);
      },
    };
    this.#watches.set(id, { cell, watcher });
    cell.addWatcher(watcher);
  }

  onUnwatch(id: number): void {
    const watch = this.#watches.get(id);
    this.#watches.delete(id);
    watch?.cell.removeWatcher(watch.watcher);
  }

  /** An actor of this system has been spawned. */
  onSpawned(cell: ActorCell): void {
    if (cell.mailboxMax !== DEFAULT_MAILBOX_MAX) this.#outbox.add(['mailbox', cell.address.name, cell.mailboxMax]);
  }

  /** An actor of this system has stopped, and its mailbox has been emptied. */
  onStopped(cell: ActorCell): void {
    const { name } = cell.address;
    const channel = this.#channels.get(name);
    if (channel !== undefined) {
      this.#channels.delete(name);
      this.#due.add(channel);
      this.#outbox.schedule();
    }
    if (cell.mailboxMax !== DEFAULT_MAILBOX_MAX) this.#outbox.add(['mailbox', name, DEFAULT_MAILBOX_MAX]);
  }

  /** A report for this channel goes with the next post. */
  reportDue(channel: InboundChannel): void {
    this.#due.add(channel);
    this.#outbox.schedule();
  }

  addReports(): void {
    if (this.#due.size === 0) return;
    for (const channel of this.#due) {
      const count = channel.takeHandled();
      if (count > 0) this.#outbox.add(['handled', channel.cell.address.name, count]);
    }
    this.#due.clear();
  }

  onAnswered(id: number, record: LinkRecord, transfer?: readonly Transferable[]): void {
    this.#asks.delete(id);
    this.#outbox.add(record);
    if (transfer !== undefined) this.#outbox.addTransfer(record[2], transfer);
  }

  close(): void {
    for (const ask of this.#asks.values()) ask.abandon();
    for (const { cell, watcher } of this.#watches.values()) cell.removeWatcher(watcher);
    this.#asks.clear();
    this.#watches.clear();
    this.#channels.clear();
    this.#due.clear();
  }

  #channel(actor: string): InboundChannel | undefined {
    let channel = this.#channels.get(actor);
    if (channel === undefined) {
      const cell = this.#host.cells.get(actor);
      if (cell === undefined) return undefined;
      channel = new InboundChannel(cell, this);
      this.#channels.set(actor, channel);
    }
    return channel;
  }
}

/** How everything that one link tells one actor is delivered. Counts what leaves the mailbox. */
class InboundChannel implements Delivery {
  readonly cell: ActorCell;
  readonly isAwaited = false;
  readonly #callee: LinkCallee;
  readonly #reportMin: number;
  /** Handled since the last report. */
  #handled = 0;

  constructor(cell: ActorCell, callee: LinkCallee) {
    this.cell = cell;
    this.#callee = callee;
    this.#reportMin = Math.max(1, Math.floor(cell.mailboxMax / REPORT_FRACTION));
  }

  open(content: unknown): unknown {
    this.countHandled();
    return content;
  }

  discard(): void {
    this.countHandled();
  }

  countHandled(): void {
    if (++this.#handled === this.#reportMin) this.#callee.reportDue(this);
  }

  takeHandled(): number {
    const handled = this.#handled;
    this.#handled = 0;
    return handled;
  }

  ok(): void {}
  fail(): void {}
  keepIn(_owed: Set<Delivery>): void {}
}

/** An ask from the other end, as the actor that is asked replies to it. */
class InboundAsk implements Delivery {
  isAwaited = true;
  readonly #id: number;
  readonly #channel: InboundChannel;
  readonly #callee: LinkCallee;
  #owed: Set<Delivery> | undefined;

  constructor(id: number, channel: InboundChannel, callee: LinkCallee) {
    this.#id = id;
    this.#channel = channel;
    this.#callee = callee;
  }

  open(content: unknown): unknown {
    this.#channel.countHandled();
    return content;
  }

  discard(why: () => ConclaveError): void {
    this.#channel.countHandled();
    if (this.isAwaited) this.fail(why());
  }

  ok(value?: unknown, transfer?: readonly Transferable[]): void {
    if (!this.isAwaited) return;
    this.abandon();
    this.#callee.onAnswered(this.#id, ['ok', this.#id, value], transfer);
  }

  fail(error: Error): void {
    if (!this.isAwaited) return;
    this.abandon();
    this.#callee.onAnswered(this.#id, ['fail', this.#id, toPlainError(error)]);
  }

  keepIn(owed: Set<Delivery>): void {
    this.#owed = owed;
    owed.add(this);
  }

  /** Nobody waits any more. */
  abandon(): void {
    this.isAwaited = false;
    this.#owed?.delete(this);
  }
}
