/**
 * What has gone wrong behind a sidecar, for who runs it: clients of old are told no more than that a lock is not
 * theirs. Each thing is said once in a while, however often it happens. On the caller's thread.
 */

import { ConclaveError, type ErrorCode } from '../errors.js';
import type { Clock } from '../runtime/clock.js';

/** Until the same is said again. */
const QUIET_MS = 60_000;
/** Different things in that time: the names of locks are in them. */
const SAID_MAX = 100;
/** What happens when nothing is wrong: somebody waits no longer, or the sidecar ends. */
const OF_NO_INTEREST: ReadonlySet<ErrorCode> = new Set(['ERR_ABORTED', 'ERR_STOPPED']);

export class Complaints {
  readonly #clock: Clock;
  readonly #warn: (message: string) => void;
  /** When it was said, the oldest first. */
  readonly #said = new Map<string, number>();

  constructor(clock: Clock, warn: (message: string) => void) {
    this.#clock = clock;
    this.#warn = warn;
  }

  about(error: unknown): void {
    if (error instanceof ConclaveError && OF_NO_INTEREST.has(error.code)) return;
    const message = error instanceof ConclaveError ? `${error.code}: ${error.message}` : String(error);
    const nowMs = this.#clock.nowMs();
    this.#forget(nowMs);
    if (this.#said.has(message) || this.#said.size >= SAID_MAX) return;
    this.#said.set(message, nowMs);
    this.#warn(message);
  }

  #forget(nowMs: number): void {
    for (const [message, saidMs] of this.#said) {
      if (nowMs - saidMs < QUIET_MS) return;
      this.#said.delete(message);
    }
  }
}
