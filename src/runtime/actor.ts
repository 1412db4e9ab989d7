/**
 * The whole contract between an actor and its runtime. An actor owns its state, has one bounded mailbox, handles one
 * message at a time and talks to others only by messages. Where it runs is a placement decision: nothing in this file,
 * and nothing in an actor, can tell a thread from the caller's own event loop or from a simulation.
 */

import type { Clock } from './clock.js';
import type { Logger } from './logger.js';
import type { Random } from './random.js';

/** What an actor is made of. State lives in the object (or closure); a restart makes a new one. */
export interface Actor<Message> {
  /**
   * Handles one message. Never called again before it has returned. Throwing is a crash: the actor's supervision
   * decides. Must not return a promise; work that waits sends its result to `context.self` as a message.
   */
  receive(message: Message, reply: Reply): void;
  /** Called after each batch of messages has been handled: the place to send what the batch has gathered. */
  drained?(): void;
  /** The last call an actor gets, whether it is stopped, restarted or crashed: releases what it holds. */
  stopped?(): void;
}

/** Makes an actor, at its start and at each restart. May run anything that `receive` may. */
export type ActorFactory<Message, Data = void> = (context: ActorContext<Message>, data: Data) => Actor<Message>;

/** The answer to an `ask`. For a message that was told, both methods do nothing. */
export interface Reply {
  /** Answers. Only the first answer counts. May be called later, after `receive` has returned. */
  ok(value?: unknown, transfer?: readonly Transferable[]): void;
  /** Answers with an error. */
  fail(error: Error): void;
}

/** What moves between threads instead of being copied. */
export type Transferable = ArrayBuffer | import('node:worker_threads').MessagePort;

/** An address that messages can be sent to. Valid on the thread that made it; equal addresses reach the same actor. */
export interface ActorRef<Message> {
  readonly address: ActorAddress;
  /**
   * Sends a message and forgets it. Messages from one sender to one actor arrive in the order they were sent.
   * Telling an actor that has stopped does nothing (watch it, to know).
   *
   * @throws ConclaveError `ERR_MAILBOX_FULL` when the actor has as many messages waiting as its mailbox holds;
   *   the message was not sent.
   */
  tell(message: Message, transfer?: readonly Transferable[]): void;
  /**
   * Sends a message and waits for the answer.
   *
   * Rejects with `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_MAILBOX_FULL`, `ERR_ACTOR_STOPPED` (the actor does not exist, or
   * stopped or crashed before it answered), `ERR_THREAD_EXITED`, or what the actor answered by `reply.fail`.
   */
  ask<Result>(message: Message, options: AskOptions): Promise<Result>;
}

export interface AskOptions {
  /** How long to wait, in milliseconds. Required: nothing waits for ever. */
  readonly timeoutMs: number;
  /** Ends the wait, with `ERR_ABORTED`. The message may have been handled all the same. */
  readonly signal?: AbortSignal;
  readonly transfer?: readonly Transferable[];
}

export interface ActorAddress {
  /** The actor system, in practice the thread: `main`, `consensus`, `object`. */
  readonly system: string;
  readonly name: string;
}

/** What an actor can do besides handling messages. */
export interface ActorContext<Message> {
  readonly self: ActorRef<Message>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A reference to any actor, in this system or in one that this system is linked to. It need not exist yet. */
  ref<Other>(address: ActorAddress): ActorRef<Other>;
  /** Starts a child. It is stopped with its parent, and escalates to it. */
  spawn<Child, Data>(options: SpawnOptions<Child, Data>): ActorRef<Child>;
  /**
   * Delivers `message` to this actor once `ref` has stopped for good, crashed for good, or its thread has exited; at
   * once when that is so already.
   */
  watch(ref: ActorRef<never>, message: (reason: Error | undefined) => Message): void;
  /** Delivers `message` to this actor after `delayMs`. Forgotten when the actor stops or restarts. */
  after(delayMs: number, message: Message): Timer;
  /** Delivers `message` to this actor every `periodMs`; a tick that finds the previous one undelivered is skipped. */
  every(periodMs: number, message: Message): Timer;
  /** Stops this actor once the current message has been handled. */
  stop(): void;
}

export interface Timer {
  cancel(): void;
}

export interface SpawnOptions<Message, Data = void> {
  /** Unique in its system among the living. */
  readonly name: string;
  readonly factory: ActorFactory<Message, Data>;
  readonly data: Data;
  /** What happens when the actor throws. Default: `escalate`. */
  readonly supervision?: Supervision;
  /** How many messages may wait. Default: 65,536. */
  readonly mailboxMax?: number;
}

/**
 * What happens to an actor that throws.
 *
 * - `stop`: it stops, and those who watch it are told why.
 * - `escalate`: it stops, and its parent crashes with the same error; without a parent, the system fails.
 * - `restart`: it is made anew with an empty mailbox after a back-off of `delayMinMs × 2^n`, at most `delayMaxMs`
 *   (for 10 and 1000: 10, 20, 40, …, 640, 1000, 1000); more than `restartsMax` crashes within `windowMs` escalate.
 */
export type Supervision =
  | { readonly strategy: 'stop' }
  | { readonly strategy: 'escalate' }
  | {
      readonly strategy: 'restart';
      readonly delayMinMs: number;
      readonly delayMaxMs: number;
      readonly restartsMax: number;
      readonly windowMs: number;
    };
