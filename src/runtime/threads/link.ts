/**
 * One end of a connection between two actor systems, in practice two threads, over a port. Both ends are equal: actors
 * of either may call actors of the other. It reads what arrives and hands it to the half that it is for, posts what
 * both halves have to say at the end of each turn, and ends once, for one reason, whatever happens to the other thread.
 */

import { unreachable } from '../../assert.js';
import { fromPlainError, toPlainError, type ConclaveError, type PlainError } from '../../errors.js';
import type { ActorCell } from '../actor-cell.js';
import { notPostable, systemStopped, threadExited } from '../actor-errors.js';
import type { Scheduler } from '../scheduler.js';
import { LinkCallee } from './link-callee.js';
import { LinkCaller } from './link-caller.js';
import type { LinkPort } from './link-port.js';
import { Outbox } from './outbox.js';
import type { LinkRecord } from './thread-protocol.js';

/** What a link needs from the system that it is an end of. */
export interface LinkHost {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly cells: ReadonlyMap<string, ActorCell>;
  /** Whose turn it is. */
  readonly current: ActorCell | undefined;
  /** `sender`, or someone outside of any actor, has told a message that cannot be posted. */
  blame(sender: ActorCell | undefined, error: ConclaveError): void;
}

export interface LinkOptions {
  /**
   * Settles once the other thread has exited. With it, a link whose port closes without a word waits to learn why;
   * without, it ends at once.
   */
  readonly exited?: Promise<{ readonly error: Error | undefined }>;
}

export class Link {
  /** The system at the other end. */
  readonly peer: string;
  readonly caller: LinkCaller;
  readonly callee: LinkCallee;
  readonly #host: LinkHost;
  readonly #port: LinkPort;
  readonly #outbox: Outbox;
  readonly #onEnded: (link: Link, error: ConclaveError) => void;
  #isEnded = false;

  constructor(
    peer: string,
    port: LinkPort,
    options: LinkOptions,
    host: LinkHost,
    onEnded: (link: Link, error: ConclaveError) => void,
  ) {
    this.peer = peer;
    this.#host = host;
    this.#port = port;
    this.#onEnded = onEnded;
    this.#outbox = new Outbox(port, host.scheduler, {
      beforePost: () => this.callee.addReports(),
      onUnposted: (record, error, sender) => this.#onUnposted(record, error, sender),
    });
    this.caller = new LinkCaller(host, this.#outbox);
    this.callee = new LinkCallee(host, this.#outbox);
    port.on('message', (post) => host.scheduler.onEvent(this.#onPost, post as readonly LinkRecord[]));
    port.on('messageerror', (error) => this.end(error));
    port.on('close', () => this.#onClose(options.exited));
  }

  /** Says good-bye and ends: the system at this end has stopped, or failed with `error`. */
  close(error: Error | undefined): void {
    if (this.#isEnded) return;
    this.#outbox.add(['bye', error === undefined ? undefined : toPlainError(error)]);
    this.#outbox.run();
    // Once more, for what has replaced a record that could not be posted.
    this.#outbox.run();
    this.#end(systemStopped(this.#host.name, error));
  }

  /** Ends the link; whoever waits for the other end is told that its thread has exited, because of `cause`. */
  end(cause: unknown): void {
    if (!this.#isEnded) this.#end(threadExited(this.peer, cause));
  }

  #end(error: ConclaveError): void {
    this.#isEnded = true;
    this.#outbox.close();
    this.#port.close();
    this.#onEnded(this, error);
    this.callee.close();
    this.caller.close(error);
  }

  readonly #onPost = (post: readonly LinkRecord[]): void => {
    for (const record of post) {
      if (this.#isEnded) return;
      this.#onRecord(record);
    }
  };

  #onRecord(record: LinkRecord): void {
    switch (record[0]) {
      case 'tells':
        return this.callee.onTells(record);
      case 'ask':
        return this.callee.onAsk(record[1], record[2], record[3]);
      case 'abandon':
        return this.callee.onAbandon(record[1]);
      case 'watch':
        return this.callee.onWatch(record[1], record[2]);
      case 'unwatch':
        return this.callee.onUnwatch(record[1]);
      case 'ok':
        return this.caller.onOk(record[1], record[2]);
      case 'fail':
        return this.caller.onFail(record[1], record[2]);
      case 'terminated':
        return this.caller.onTerminated(record[1], record[2]);
      case 'handled':
        return this.caller.onHandled(record[1], record[2]);
      case 'mailbox':
        return this.caller.onMailbox(record[1], record[2]);
      case 'bye':
        return this.end(record[1] === undefined ? undefined : fromPlainError(record[1]));
      default:
        unreachable(record);
    }
  }

  #onClose(exited: LinkOptions['exited']): void {
    if (this.#isEnded) return;
    if (exited === undefined) this.end(undefined);
    else void exited.then(({ error }) => this.end(error));
  }

  #onUnposted(record: LinkRecord, cause: unknown, sender: ActorCell | undefined): void {
    switch (record[0]) {
      case 'tells':
        this.caller.onHandled(record[1], 1);
        this.#host.blame(sender, notPostable({ system: this.peer, name: record[1] }, cause));
        return;
      case 'ask':
        this.caller.onUnpostedAsk(record[1], record[2], cause);
        return;
      case 'ok':
        this.#outbox.add(['fail', record[1], toPlainError(notPostable({ system: this.peer, name: '?' }, cause))]);
        return;
      case 'fail':
      case 'terminated':
        if (record[2] !== undefined) this.#outbox.add([record[0], record[1], withoutData(record[2])]);
        return;
      case 'bye':
        if (record[1] !== undefined) this.#outbox.add(['bye', withoutData(record[1])]);
        return;
      case 'abandon':
      case 'watch':
      case 'unwatch':
      case 'handled':
      case 'mailbox':
        // Strings and numbers only: these cannot be refused.
        throw cause;
      default:
        unreachable(record);
    }
  }
}

/** An error reduced to what can certainly be cloned: its data may hold anything, and a foreign one's fields, too. */
function withoutData(error: PlainError): PlainError {
  return JSON.parse(JSON.stringify(error, (key, value: unknown) => (key === 'data' ? undefined : value))) as PlainError;
}
