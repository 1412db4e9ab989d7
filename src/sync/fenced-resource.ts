/**
 * The half of a fencing token that whatever is protected runs: it refuses those who hold no longer. Pure; where it
 * runs, and where the newest token is kept, is the business of whoever protects something.
 */

import { ConclaveError } from '../errors.js';

/**
 * Refuses tokens that are older than the newest one that it has seen. A lock alone cannot keep a holder from acting
 * that stood still for longer than its TTL and has not noticed yet; what it acts upon can.
 *
 * For what is held by one at a time: those who share a lock, or have permits of a semaphore, have different tokens
 * each.
 *
 * @example
 * const rows = new Map<string, string>();
 * const fence = new FencedResource();
 * function write(key: string, value: string, token: bigint): void {
 *   fence.check(token); // throws ERR_STALE_TOKEN
 *   rows.set(key, value);
 * }
 */
export class FencedResource {
  #newest: bigint;

  /** @param newest the newest token that was seen before, where that is kept over a restart */
  constructor(newest = 0n) {
    this.#newest = newest;
  }

  /** The newest token that was seen. */
  get newest(): bigint {
    return this.#newest;
  }

  /**
   * Lets this token pass, and none from now on that is older. Check it in the same step as what it protects: in one
   * transaction where that is a database.
   *
   * @throws ConclaveError `ERR_STALE_TOKEN` when a newer one was seen; `ERR_INVALID_OPTION` when it is no bigint.
   */
  check(token: bigint): void {
    if (typeof token !== 'bigint') {
      throw new ConclaveError('ERR_INVALID_OPTION', 'token must be a bigint.', { data: { option: 'token' } });
    }
    if (token < this.#newest) {
      throw new ConclaveError(
        'ERR_STALE_TOKEN',
        `The token ${token} is older than ${this.#newest}: whoever shows it does not hold any more.`,
        { data: { token, newest: this.#newest } },
      );
    }
    this.#newest = token;
  }
}
