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
  /** By name: what is given up as soon as it is known whether it was acquired. What is asked for now comes behind. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(claiming: Claiming, ttlMs: number) {
    this.#claiming = claiming;
    this.#ttlMs = ttlMs;
  }

  /** Is it held by this node from now on? It may have been before. */
  tryAcquire(name: string): Promise<boolean> {
    const known = this.#acquiring.get(name);
    if (known !== undefined) return known;
    const leaving = this.#leaving.get(name);
    if (leaving === undefined && this.isAcquired(name)) return Promise.resolve(true);
    const acquiring = (async () => {
      await leaving;
      return this.#tryAcquire(name);
    })().finally(() => {
      if (this.#acquiring.get(name) === acquiring) this.#acquiring.delete(name);
    });
    this.#acquiring.set(name, acquiring);
    return acquiring;
  }

  isAcquired(name: string): boolean {
    return this.#held.get(name)?.held === true;
  }

  /** Gives it up, if this node holds it. */
  async release(name: string): Promise<void> {
    const acquiring = this.#acquiring.get(name);
    if (acquiring === undefined) {
      const leaving = this.#leaving.get(name);
      if (leaving !== undefined) await leaving;
      return this.#release(name);
    }
    // What was asked for before comes first, however it ends.
    this.#acquiring.delete(name);
    let releasing: Promise<void> | undefined;
    const release = (): void => {
      releasing = this.#release(name);
    };
    const leaving = acquiring.then(release, release).finally(() => {
      if (this.#leaving.get(name) === leaving) this.#leaving.delete(name);
    });
    this.#leaving.set(name, leaving);
    await leaving;
    await releasing;
  }

  async #release(name: string): Promise<void> {
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
