/**
 * The actors of one thread: starts them, finds them by name, links them to those of other threads, and ends with the
 * first failure that no supervision has caught. It knows neither what its actors do nor which host gives it its turns.
 * All of it runs on the thread that made it.
 */

import { ConclaveError } from '../errors.js';
import type { ActorAddress, ActorRef, SpawnOptions } from './actor.js';
import { ActorCell, type CellHost } from './actor-cell.js';
import { invalidOption } from './actor-errors.js';
import type { Clock } from './clock.js';
import type { Watchable } from './death-watch.js';
import { LocalRef } from './local-ref.js';
import type { Logger } from './logger.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { MailboxFigures } from './thread-figures.js';
import type { LinkPort } from './threads/link-port.js';
import { LinkTable } from './threads/link-table.js';
import type { LinkHost, LinkOptions } from './threads/link.js';
import { RemoteRef } from './threads/remote-ref.js';
import type { Timekeeper } from './timekeeper.js';

export interface ActorSystemOptions {
  /** How other systems address this one. */
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Called once, when an actor without a parent has escalated (or {@link ActorSystem.fail} was called). Every actor has
   * been stopped by then.
   */
  readonly onFailure: (error: Error) => void;
}

export class ActorSystem {
  readonly name: string;
  /** The time of its actors, for what belongs to them and is none. */
  readonly timekeeper: Timekeeper;
  readonly #scheduler: Scheduler;
  readonly #logger: Logger;
  readonly #onFailure: (error: Error) => void;
  /** The living, in the order in which they were spawned. */
  readonly #cells = new Map<string, ActorCell>();
  readonly #host: CellHost & LinkHost;
  readonly #links: LinkTable;
  #isStopped = false;

  constructor(options: ActorSystemOptions) {
    this.name = options.name;
    const { clock, scheduler } = options;
    this.timekeeper = { clock, after: (delayMs, run) => scheduler.after(delayMs, run) };
    this.#scheduler = options.scheduler;
    this.#logger = options.logger;
    this.#onFailure = options.onFailure;
    this.#host = {
      name: options.name,
      scheduler: options.scheduler,
      clock: options.clock,
      random: options.random,
      logger: options.logger,
      cells: this.#cells,
      current: undefined,
      ref: (address) => this.#ref(address),
      spawnCell: (spawnOptions, parent) => this.#spawn(spawnOptions, parent),
      onStopped: (cell) => this.#onStopped(cell),
      fail: (error) => this.fail(error),
      blame: (sender, error) => this.#blame(sender, error),
    };
    this.#links = new LinkTable(this.#host);
  }

  /**
   * Starts an actor that has no parent. Its factory is called at its first turn, so that a factory that throws is
   * supervised like any crash.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` when the name is taken or a number makes no sense, `ERR_STOPPED` when
   *   the system has stopped.
   */
  spawn<Message, Data>(options: SpawnOptions<Message, Data>): ActorRef<Message> {
    return this.#ref(this.#spawn(options as unknown as SpawnOptions<unknown, unknown>, undefined).address);
  }

  /**
   * A reference to any actor, here or in a linked system. Neither the actor nor the link need exist yet. To tell an
   * actor on another thread what cannot be cloned is a defect that shows only at the end of the turn: it crashes the
   * actor that has told it, or, outside of any actor, fails this system with `ERR_NOT_ENCODABLE`.
   */
  ref<Message>(address: ActorAddress): ActorRef<Message> {
    return this.#ref(address);
  }

  /**
   * Links the system called `peer`, whose end of the channel is at the other side of `port`. Takes the place of an
   * earlier link of that name. The port belongs to the system from now on, even if it is refused.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` when `peer` is this system's own name.
   */
  link(peer: string, port: LinkPort, options: LinkOptions = {}): void {
    const isOwnName = peer === this.name;
    if (isOwnName || this.#isStopped) port.close();
    else this.#links.add(peer, port, options);
    if (isOwnName) throw invalidOption('peer', peer, 'the name of another system');
  }

  /** Ends a link: whoever waits for `peer` gets `ERR_THREAD_EXITED` with this cause, and so do those who watch. */
  unlink(peer: string, cause: Error | undefined): void {
    this.#links.get(peer)?.end(cause);
  }

  /**
   * Stops every actor, the last spawned first, says good-bye to linked systems and leaves nothing behind that would
   * keep the process alive. An actor that calls this itself is stopped when its call returns. `reason` is what watchers
   * are told; none when the system stops in order.
   */
  stop(reason?: Error): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const cell of [...this.#cells.values()].reverse()) cell.stop(reason);
    this.#links.close(reason);
  }

  /** Stops every actor because of `error`, and reports it to `onFailure`. Does nothing once the system has stopped. */
  fail(error: Error): void {
    if (this.#isStopped) return;
    this.#logger.error({ system: this.name, error }, 'actor system failed');
    this.stop(error);
    this.#onFailure(error);
  }

  /** How many messages wait for each living actor. */
  mailboxes(): MailboxFigures[] {
    return Array.from(this.#cells, ([actor, cell]) => ({ actor, messages: cell.mailboxLength }));
  }

  #ref<Message>(address: ActorAddress): ActorRef<Message> & Watchable {
    return address.system === this.name
      ? new LocalRef(address, this.#cells, this.#scheduler)
      : new RemoteRef(address, this.#links);
  }

  #spawn(options: SpawnOptions<unknown, unknown>, parent: ActorCell | undefined): ActorCell {
    if (this.#isStopped) throw new ConclaveError('ERR_STOPPED', `The actor system "${this.name}" has stopped.`);
    if (this.#cells.has(options.name)) throw invalidOption('name', `"${options.name}"`, 'unique among living actors');
    const cell = new ActorCell(this.#host, { system: this.name, name: options.name }, options, parent);
    this.#cells.set(options.name, cell);
    this.#links.onSpawned(cell);
    return cell;
  }

  #onStopped(cell: ActorCell): void {
    this.#cells.delete(cell.address.name);
    this.#links.onStopped(cell);
  }

  /** Sending what cannot be sent is a defect of the sender, and found out only after its call has returned. */
  #blame(sender: ActorCell | undefined, error: ConclaveError): void {
    if (sender === undefined) this.fail(error);
    else if (sender.isStopped) this.#logger.error({ actor: sender.address, error }, 'message could not be posted');
    else sender.crash(error);
  }
}
