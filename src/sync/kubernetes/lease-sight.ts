/**
 * What was seen of a Lease, and for how long it has been seen unchanged: the only ground on which it is taken from
 * somebody who has not given it up. Goes by the monotonic clock of who looks; what the Lease says of time is not read.
 */

import type { Clock } from '../../runtime/clock.js';
import type { Lease } from './lease-api.js';
import { holderIn, versionOf } from './lease-records.js';

/** For those who hold without saying for how long. */
const DURATION_SECONDS_DEFAULT = 15;

export class LeaseSight {
  readonly #clock: Clock;
  #lease: Lease | null = null;
  /** Null: nothing was seen yet. */
  #sinceMs: number | null = null;
  /** Invariant: what was seen is never older than this. */
  #version = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The last one; null: there is none, or nothing was seen yet. */
  get lease(): Lease | null {
    return this.#lease;
  }

  get isKnown(): boolean {
    return this.#sinceMs !== null;
  }

  /**
   * Is it news? What is older than what was seen is none: a watch may be behind a read. Counts from now, when it has
   * been received.
   */
  see(lease: Lease): boolean {
    const version = versionOf(lease);
    if (version < this.#version || (version === this.#version && this.#lease !== null)) return false;
    this.#lease = lease;
    this.#version = version;
    this.#sinceMs = this.#clock.nowMs();
    return true;
  }

  /** It is there no longer; null: it was looked for and not found. */
  seeNone(deletedAt: bigint | null): boolean {
    if (deletedAt !== null) {
      if (deletedAt < this.#version) return false;
      this.#version = deletedAt;
    }
    if (this.#sinceMs !== null && this.#lease === null) return false;
    this.#lease = null;
    this.#sinceMs = this.#clock.nowMs();
    return true;
  }

  /**
   * In how many milliseconds it may be taken, if it does not change until then; 0: now. Whoever is preferred takes what
   * is free at once, and all others leave it so much time.
   */
  freeInMs(identity: string, leaveMs: number): number {
    const { spec } = this.#lease ?? {};
    if (spec === undefined) return 0;
    const passedMs = this.#clock.nowMs() - this.#sinceMs!;
    if (holderIn(this.#lease) !== null) {
      return Math.max(0, (spec.leaseDurationSeconds ?? DURATION_SECONDS_DEFAULT) * 1_000 - passedMs);
    }
    const { preferredHolder = '' } = spec;
    return preferredHolder === '' || preferredHolder === identity ? 0 : Math.max(0, leaveMs - passedMs);
  }
}
