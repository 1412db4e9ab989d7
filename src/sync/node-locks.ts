/**
 * Locks that a node holds as a whole, whoever of its callers has asked for them: what ReplLockManager's handle does. On
 * the caller's thread.
 */

import type { Claiming } from './claiming.js';
import type { Held } from './held.js';
import { lockOf } from './lock.js';

export class NodeLocks {
  readonly #claiming: Claiming;
  readonly #ttlMs: number;
  readonly #held = new Map<string, Held>();
  /** By name: what is under way, so that one lock is claimed once. */
  readonly #acquiring = new Map<string, Promise<boolean>>();

  constructor(claiming: Claiming, ttlMs: number) {
    this.#claiming = claiming;
    this.#ttlMs = ttlMs;
  }

  /** Is it held by this node from now on? It may have been before. */
  tryAcquire(name: string): Promise<boolean> {
    if (this.isAcquired(name)) return Promise.resolve(true);
    const known = this.#acquiring.get(name);
    if (known !== undefined) return known;
    const acquiring = this.#tryAcquire(name).finally(() => this.#acquiring.delete(name));
    this.#acquiring.set(name, acquiring);
    return acquiring;
  }

  isAcquired(name: string): boolean {
    return this.#held.get(name)?.held === true;
  }

  /** Gives it up, if this node holds it. */
  async release(name: string): Promise<void> {
    // What was asked for before comes first, however it ends.
    await this.#acquiring.get(name)?.catch(() => false);
    const held = this.#held.get(name);
    this.#held.delete(name);
    await held?.release();
  }

  async #tryAcquire(name: string): Promise<boolean> {
    const held = await lockOf(this.#claiming, name, { ttlMs: this.#ttlMs }).tryAcquire();
    if (held === null) return false;
    this.#held.set(name, held);
    held.once('lost', () => {
      if (this.#held.get(name) === held) this.#held.delete(name);
    });
    return true;
  }
}
