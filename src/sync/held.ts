/**
 * What is held: a lock, a permit or leadership, until it is released or lost. On the caller's thread. Whether it is
 * held is computed from the clock whenever it is asked for; the session tells it of a loss, which it passes on once.
 */

import { EventEmitter } from 'eventemitter3';
import type { ConclaveError } from '../errors.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import type { Session } from './session.js';

/** What {@link Held} tells. */
export interface HeldEvents {
  /** It is held no longer, and was not released. */
  lost: (reason: ConclaveError) => void;
  /**
   * Somebody else is to be preferred, and asks for it (Kubernetes' `preferredHolder`): release it when you can. It is
   * held until then. `Election.run` does so by itself.
   */
  asked: () => void;
}

/** Where a Held stands. */
export interface HeldClaim {
  readonly session: Session;
  readonly request: number;
  readonly token: bigint;
  /** `ttlMs` of the session. */
  readonly ttlMs: number;
  readonly timekeeper: Timekeeper;
}

/**
 * Something that this process holds. A process may stand still at any moment for any time (garbage collection, a
 * suspended machine), and be overtaken between asking whether it holds and acting on it. So hand `token` to whatever is
 * protected, and let that refuse older ones ({@link FencedResource}).
 *
 * @example
 * await using held = await sync.lock('db-migrate').acquire();
 * console.log(held.token, held.expiresInMs);
 * held.signal.throwIfAborted(); // throws ERR_LOCK_LOST once it is lost
 */
export class Held {
  /** Greater than every token that was granted before for this name. */
  readonly token: bigint;
  readonly #claim: HeldClaim;
  // Made when somebody asks for them: most locks are released before, and these cost more than all the rest of it.
  #aborting: AbortController | null = null;
  #lost: Promise<ConclaveError> | null = null;
  #events: EventEmitter<HeldEvents> | null = null;
  #resolveLost: (reason: ConclaveError) => void = () => {};
  #state: 'held' | 'lost' | 'released' = 'held';
  /** Why it was lost; null: it was not. */
  #reason: ConclaveError | null = null;
  #isAsked = false;
  #releasing: Promise<void> | null = null;

  /** @internal */
  constructor(claim: HeldClaim) {
    this.#claim = claim;
    this.token = claim.token;
  }

  /** Aborted with `ERR_LOCK_LOST` when it is lost; never by releasing it. */
  get signal(): AbortSignal {
    if (this.#aborting === null) {
      this.#aborting = new AbortController();
      if (this.#reason !== null) this.#aborting.abort(this.#reason);
    }
    return this.#aborting.signal;
  }

  /** Resolves with the reason when it is lost; never if it is released before. */
  get lost(): Promise<ConclaveError> {
    this.#lost ??= new Promise((resolve) => {
      if (this.#reason === null) this.#resolveLost = resolve;
      else resolve(this.#reason);
    });
    return this.#lost;
  }

  /** Is it held, as far as this process may believe? Computed from the clock. Once false, it stays so. */
  get held(): boolean {
    return this.expiresInMs > 0;
  }

  /** For how many milliseconds it is held even if nothing is heard from the back end any more; 0: it is not held. */
  get expiresInMs(): number {
    // Asking the session may be what tells of the loss.
    const remainingMs = this.#state === 'held' ? this.#claim.session.remainingMs : 0;
    return this.#state === 'held' ? remainingMs : 0;
  }

  /** Listens to an event. Who comes after it is told it all the same, as {@link lost} and {@link signal} say it. */
  on<Event extends keyof HeldEvents>(event: Event, listener: HeldEvents[Event]): this {
    if (!this.#tellLate(event, listener)) this.#emitter.on(event, listener as never);
    return this;
  }

  /** Listens once; as {@link on}. */
  once<Event extends keyof HeldEvents>(event: Event, listener: HeldEvents[Event]): this {
    if (!this.#tellLate(event, listener)) this.#emitter.once(event, listener as never);
    return this;
  }

  /** Stops listening. */
  off<Event extends keyof HeldEvents>(event: Event, listener: HeldEvents[Event]): this {
    this.#events?.off(event, listener as never);
    return this;
  }

  /**
   * Gives it up, so that the next one can have it. May be called more than once, and after a loss. Resolves when it has
   * been given up, or after a TTL, by which it has ended at the latest. Never rejects.
   */
  release(): Promise<void> {
    if (this.#state === 'held') this.#state = 'released';
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  /** `await using held = await lock.acquire()` releases it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** @internal */
  protected proclaimValue(value: unknown): Promise<boolean> {
    return this.held ? this.#claim.session.proclaim(this.#claim.request, value) : Promise.resolve(false);
  }

  /**
   * It is held no longer.
   *
   * @internal
   */
  lose(reason: ConclaveError): void {
    if (this.#state !== 'held') return;
    this.#state = 'lost';
    this.#reason = reason;
    this.#resolveLost(reason);
    this.#aborting?.abort(reason);
    this.#tell(() => this.#events?.emit('lost', reason));
    this.#events?.removeAllListeners();
  }

  /**
   * It is asked for by somebody else.
   *
   * @internal
   */
  ask(): void {
    if (this.#state !== 'held' || this.#isAsked) return;
    this.#isAsked = true;
    this.#tell(() => this.#events?.emit('asked'));
  }

  /**
   * What has happened before somebody listens, be it between being granted and the turn of who has waited for that. It
   * happens once. False: it has not happened.
   */
  #tellLate<Event extends keyof HeldEvents>(event: Event, listener: HeldEvents[Event]): boolean {
    const reason = this.#reason;
    if (event === 'lost' && reason !== null) {
      queueMicrotask(() => listener(reason));
      return true;
    }
    if (event !== 'asked' || !this.#isAsked || this.#state !== 'held') return false;
    queueMicrotask(() => {
      if (this.#state === 'held') (listener as HeldEvents['asked'])();
    });
    return true;
  }

  get #emitter(): EventEmitter<HeldEvents> {
    this.#events ??= new EventEmitter();
    return this.#events;
  }

  #tell(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      // A listener that throws is the user's affair, and must not keep others from being told.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  async #release(): Promise<void> {
    if (this.#state === 'lost') return;
    this.#events?.removeAllListeners();
    const { session, request, ttlMs, timekeeper } = this.#claim;
    const letGo = timekeeper.holdProcess?.();
    await new Promise<void>((resolve) => {
      const timer = timekeeper.after(ttlMs, resolve);
      const onGivenUp = (): void => {
        timer.cancel();
        resolve();
      };
      void session.giveUp(request).then(onGivenUp);
    });
    letGo?.();
  }
}
