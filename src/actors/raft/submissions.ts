/**
 * What this node's own callers have submitted and not seen applied: kept in order, so that it can be sent again when it
 * may have been lost. Sending twice is harmless, for the objects skip what a session already did; losing is not.
 */

import { assert } from '../../assert.js';
import type { Content } from './entry.js';

export class Submissions {
  readonly #inflightBytesMax: number;
  #kept: Content[] = [];
  /** Invariant: head <= cursor <= kept.length. Before head: let go; before cursor: sent since the last rewind. */
  #head = 0;
  #cursor = 0;
  /** Bytes from head to cursor. */
  #sentBytes = 0;
  /** Up to where they have been sent before. Invariant: cursor <= sentBefore <= kept.length. */
  #sentBefore = 0;
  /** How many have been sent again. */
  #resent = 0;
  /** Has anything been let go since what was sent was last rewound? If not, a refusal is about that sending. */
  #hasProgressed = true;

  constructor(inflightBytesMax: number) {
    this.#inflightBytesMax = inflightBytesMax;
  }

  get resent(): number {
    return this.#resent;
  }

  get hasSent(): boolean {
    return this.#cursor > this.#head;
  }

  add(submission: Content): void {
    this.#kept.push(submission);
  }

  /** The next one to send; null when all have been sent, or as much as may be under way. */
  next(): Content | null {
    if (this.#cursor === this.#kept.length || this.#sentBytes >= this.#inflightBytesMax) return null;
    if (this.#cursor < this.#sentBefore) this.#resent++;
    const submission = this.#kept[this.#cursor++]!;
    this.#sentBefore = Math.max(this.#sentBefore, this.#cursor);
    this.#sentBytes += submission.payload.length;
    return submission;
  }

  /** Lets go of the first `count`. */
  applied(count: number): void {
    assert(this.#head + count <= this.#kept.length, 'only what was submitted is let go');
    for (let i = 0; i < count; i++) {
      // One that was sent, then rewound, may turn out to have been applied by the first sending.
      if (this.#head < this.#cursor) this.#sentBytes -= this.#kept[this.#head]!.payload.length;
      else this.#cursor++;
      this.#head++;
    }
    if (count > 0) this.#hasProgressed = true;
    if (this.#head === this.#kept.length || this.#head >= 1024) {
      this.#kept = this.#kept.slice(this.#head);
      this.#cursor -= this.#head;
      this.#sentBefore = Math.max(this.#cursor, this.#sentBefore - this.#head);
      this.#head = 0;
    }
  }

  /** Everything kept will be sent again, from the first one on. */
  rewind(): void {
    if (this.hasSent) this.#hasProgressed = false;
    this.#cursor = this.#head;
    this.#sentBytes = 0;
  }

  /** As `rewind`, unless nothing has been applied since the last one: then its sending is still under way. */
  rewindOnRefusal(): boolean {
    if (!this.#hasProgressed) return false;
    this.rewind();
    return true;
  }
}
