/**
 * A register that several processes add to, each while it holds a lock, and the judge of what they do: kept by the
 * test's process, guarded by fencing tokens or not. It believes nobody: what it has accepted must be what one after
 * another would have done.
 */

import { FencedResource } from 'conclave/sync';
import type { RegisterAnswer, RegisterUse } from '../fixtures/node-messages.js';

interface Use {
  readonly holder: string;
  readonly token: bigint;
  readonly heldAtUs: number;
}

export class ContestedRegister {
  /** Who has had an answer to a use that was let in, in that order, once for each token. */
  readonly holders: string[] = [];
  #value = 0;
  #accepted = 0;
  #refused = 0;
  /** Of the last use that was accepted. */
  #token = 0n;
  readonly #fence: FencedResource | null;
  readonly #uses: Use[] = [];
  readonly #complaints: string[] = [];

  constructor({ isGuarded }: { readonly isGuarded: boolean }) {
    this.#fence = isGuarded ? new FencedResource() : null;
  }

  /** Writes that were let in. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Uses that were not. */
  get refused(): number {
    return this.#refused;
  }

  /** How often this one has used it, or tried to. */
  usesOf(holder: string): number {
    return this.#uses.filter((use) => use.holder === holder).length;
  }

  /** Somebody reads (`value` is null) or writes. */
  use(holder: string, { use, token: text, value, heldAtUs }: RegisterUse): RegisterAnswer {
    const token = BigInt(text);
    this.#uses.push({ holder, token, heldAtUs });
    if (!this.#isLetIn(token)) {
      this.#refused++;
      return { use, value: null };
    }
    const who = `${holder} with token ${token}`;
    if (token < this.#token) this.#complaints.push(`${who} was let in after token ${this.#token}: that is stale`);
    else if (token > this.#token) this.holders.push(holder);
    this.#token = token;
    if (value !== null) {
      if (value !== this.#value + 1)
        this.#complaints.push(`${who} wrote ${value} over ${this.#value}: a write is lost`);
      this.#accepted++;
      this.#value = value;
    }
    return { use, value: this.#value };
  }

  /**
   * Everything that is wrong: two who held at a time, tokens that did not increase, stale writes. Empty: nothing is.
   */
  complaints(): string[] {
    const found = [...this.#complaints];
    const ofTokens = new Map<bigint, string>();
    let newest: Use | null = null;
    // On the one monotonic clock that all processes of the machine share.
    for (const use of this.#uses.toSorted((a, b) => a.heldAtUs - b.heldAtUs)) {
      const { holder, token, heldAtUs } = use;
      if ((ofTokens.get(token) ?? holder) !== holder)
        found.push(`${holder} and ${ofTokens.get(token)} have token ${token}`);
      ofTokens.set(token, holder);
      if (newest === null || token >= newest.token) newest = use;
      else {
        found.push(
          `${holder} held token ${token} at ${heldAtUs} us, after ${newest.holder} had held ${newest.token} at ${newest.heldAtUs} us`,
        );
      }
    }
    return found;
  }

  #isLetIn(token: bigint): boolean {
    try {
      this.#fence?.check(token);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_STALE_TOKEN') throw error;
      return false;
    }
  }
}
