/**
 * Who leads, as one who observes an election is told: the latest leader that has not been read yet, and never one that
 * is older than one that was told before. On the caller's thread. It keeps one leader, however slowly it is read.
 */

import { isSameContent } from '../actors/replicated/objects/same-content.js';
import { asError, ConclaveError } from '../errors.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import type { Holder, SyncBackend } from './backend.js';

/** Who leads. */
export interface Leader {
  readonly id: string;
  /** What it has proclaimed. */
  readonly value: unknown;
  /** Of its term: greater than that of every leader before. */
  readonly token: bigint;
}

type Result = IteratorResult<Leader | null, undefined>;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export class LeaderFeed implements AsyncIterableIterator<Leader | null, undefined, undefined> {
  readonly #readers: { resolve: (result: Result) => void; reject: (error: unknown) => void }[] = [];
  readonly #timekeeper: Timekeeper;
  /** Somebody reads, and the process lives on for it. */
  #letGo: (() => void) | undefined;
  readonly #stop: () => void;
  readonly #signal: AbortSignal | null;
  readonly #onOver: (feed: LeaderFeed) => void;
  /**
   * The last one that was heard of; undefined: none yet. Invariant: its token is the greatest that was heard of, or it
   * is null.
   */
  #latest: Leader | null | undefined = undefined;
  #newestToken = 0n;
  #isUnread = false;
  #isOver = false;
  #error: Error | null = null;

  /** @param onOver told once, when it is over: maybe before this has returned */
  constructor(backend: SyncBackend, name: string, signal: AbortSignal | null, onOver: (feed: LeaderFeed) => void) {
    this.#timekeeper = backend.timekeeper;
    this.#signal = signal;
    this.#onOver = onOver;
    this.#stop = backend.observe(
      name,
      (holder) => this.#onHolder(holder),
      (error) => this.end(asError(error)),
    );
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  next(): Promise<Result> {
    if (this.#isUnread) {
      this.#isUnread = false;
      return Promise.resolve({ done: false, value: this.#latest! });
    }
    if (!this.#isOver) {
      this.#letGo ??= this.#timekeeper.holdProcess?.();
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    }
    const error = this.#error;
    this.#error = null;
    return error === null ? Promise.resolve(DONE) : Promise.reject(error);
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.end(null);
    this.#error = null;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #onHolder(holder: Holder | null): void {
    if (this.#isOver || (holder !== null && holder.token < this.#newestToken)) return;
    const leader = holder === null ? null : { ...(holder.value as Omit<Leader, 'token'>), token: holder.token };
    if (this.#latest !== undefined && isSameContent(this.#latest, leader)) return;
    this.#latest = leader;
    if (leader !== null) this.#newestToken = leader.token;
    const reader = this.#readers.shift();
    this.#letGoUnlessRead();
    if (reader === undefined) this.#isUnread = true;
    else reader.resolve({ done: false, value: leader });
  }

  readonly #onAbort = (): void => {
    this.end(
      new ConclaveError('ERR_ABORTED', 'An election was observed, and the signal was aborted.', {
        cause: this.#signal!.reason,
        mayBeApplied: false,
        retrySafe: true,
      }),
    );
  };

  /** Ends it. Null: whoever reads has left. */
  end(error: Error | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isUnread = false;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#stop();
    this.#onOver(this);
    const [first, ...others] = this.#readers.splice(0);
    this.#letGoUnlessRead();
    if (first === undefined) this.#error = error;
    else if (error === null) first.resolve(DONE);
    else first.reject(error);
    for (const { resolve } of others) resolve(DONE);
  }

  #letGoUnlessRead(): void {
    if (this.#readers.length > 0) return;
    this.#letGo?.();
    this.#letGo = undefined;
  }
}
