/**
 * Gathers what one turn of a thread has to say over one link, and posts it at the end of the turn as one message with
 * one transfer list. When a post is refused, because something in it cannot be cloned, everything else still goes, in
 * order, and the link is told which record was at fault.
 */

import type { Transferable } from '../actor.js';
import type { ActorCell } from '../actor-cell.js';
import type { Scheduler, Task } from '../scheduler.js';
import type { LinkPort } from './link-port.js';
import type { LinkRecord } from './thread-protocol.js';

type Tells = Extract<LinkRecord, readonly ['tells', ...unknown[]]>;

/** Never pushed to. */
const NONE: LinkRecord[] = [];

/** What an outbox asks of its link. */
export interface OutboxOwner {
  /** Called before each post: the last chance to add records to it. */
  beforePost(): void;
  /** This record, with a single message if it tells, could not be posted. `sender` is who told it, if an actor did. */
  onUnposted(record: LinkRecord, error: unknown, sender: ActorCell | undefined): void;
}

export class Outbox implements Task {
  readonly #port: LinkPort;
  readonly #scheduler: Scheduler;
  readonly #owner: OutboxOwner;
  #records: LinkRecord[] = NONE;
  /** Who sent the record at the same position. */
  #senders: (ActorCell | undefined)[] = [];
  /** Everything that moves with the next post. */
  #transfer: Transferable[] = [];
  /** Which content asked for which of it. */
  #transfersOf = new Map<unknown, readonly Transferable[]>();
  /** The last record, if it tells: another message from the same sender to the same actor joins it. */
  #tells: Tells | undefined;
  #tellsSender: ActorCell | undefined;
  #isScheduled = false;
  #isClosed = false;

  constructor(port: LinkPort, scheduler: Scheduler, owner: OutboxOwner) {
    this.#port = port;
    this.#scheduler = scheduler;
    this.#owner = owner;
  }

  tell(
    actor: string,
    message: unknown,
    transfer: readonly Transferable[] | undefined,
    sender: ActorCell | undefined,
  ): void {
    if (this.#isClosed) return;
    const tells = this.#tells;
    if (tells !== undefined && tells[1] === actor && this.#tellsSender === sender) {
      tells.push(message);
    } else {
      const record: Tells = ['tells', actor, message];
      this.add(record, sender);
      this.#tells = record;
      this.#tellsSender = sender;
    }
    if (transfer !== undefined) this.addTransfer(message, transfer);
  }

  add(record: LinkRecord, sender?: ActorCell): void {
    if (this.#isClosed) return;
    this.#tells = undefined;
    if (this.#records.length === 0) {
      // Most posts are of one record: an array literal is smaller than one that was pushed to.
      this.#records = [record];
      this.#senders = [sender];
    } else {
      this.#records.push(record);
      this.#senders.push(sender);
    }
    this.schedule();
  }

  /** What is to move with `content`, a message or value of the record that was added last. */
  addTransfer(content: unknown, transfer: readonly Transferable[]): void {
    if (transfer.length === 0 || this.#isClosed) return;
    for (const part of transfer) this.#transfer.push(part);
    this.#transfersOf.set(content, transfer);
  }

  /** Asks for a post at the end of this turn, even if there is nothing to post yet. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#scheduler.scheduleLast(this);
  }

  /** Posts what has been gathered. */
  run(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    this.#owner.beforePost();
    const records = this.#records;
    if (records.length === 0) return;
    const senders = this.#senders;
    const transfer = this.#transfer;
    const transfersOf = this.#transfersOf;
    this.#tells = undefined;
    this.#tellsSender = undefined;
    this.#records = NONE;
    if (transfer.length > 0) {
      this.#transfer = [];
      this.#transfersOf = new Map();
    }
    try {
      this.#port.postMessage(records, transfer);
    } catch {
      this.#postOneByOne(records, senders, transfersOf);
    }
  }

  /** Nothing is posted any more. */
  close(): void {
    this.#isClosed = true;
    this.#records = NONE;
    this.#senders = [];
    this.#transfer = [];
    this.#transfersOf.clear();
    this.#tells = undefined;
    this.#tellsSender = undefined;
  }

  #postOneByOne(
    records: readonly LinkRecord[],
    senders: readonly (ActorCell | undefined)[],
    transfersOf: ReadonlyMap<unknown, readonly Transferable[]>,
  ): void {
    const moved = new Set<Transferable>();
    const post = (record: LinkRecord, content: unknown, sender: ActorCell | undefined): void => {
      const transfer = transfersOf.get(content) ?? [];
      try {
        // Node would post a buffer that is gone already as an empty one.
        if (transfer.some((part) => moved.has(part)))
          throw new Error('It transfers what another message has transferred.');
        this.#port.postMessage([record], transfer);
        for (const part of transfer) moved.add(part);
      } catch (error) {
        this.#owner.onUnposted(record, error, sender);
      }
    };
    for (const [i, record] of records.entries()) {
      if (record[0] === 'tells') {
        const [kind, actor, ...messages] = record;
        for (const message of messages) post([kind, actor, message], message, senders[i]);
      } else {
        post(record, record.at(-1), senders[i]);
      }
    }
  }
}
