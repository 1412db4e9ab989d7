/**
 * What must be in a journal that one caller writes to, whatever has happened to its node: everything acknowledged, once
 * and in order, and behind it at most the first ones of what was asked for and never answered.
 */

import assert from 'node:assert/strict';

export class JournalWitness {
  /** Known to be there. */
  #sure: number[] = [];
  /** Asked for since, in order, and not known to be there. */
  #asked: number[] = [];
  #lastId = 0;

  get sure(): readonly number[] {
    return this.#sure;
  }

  /** The next command is about to be made. Returns what it is to append. */
  ask(): number {
    this.#lastId += 1;
    this.#asked.push(this.#lastId);
    return this.#lastId;
  }

  /** A command has been answered: with it, all that were asked for before it are there. */
  acknowledged(id: number, count: number): void {
    const position = this.#asked.indexOf(id);
    if (position >= 0) this.#sure.push(...this.#asked.splice(0, position + 1));
    const expected = this.#sure.indexOf(id) + 1;
    assert.equal(count, expected, `command ${id} was answered as the one of this number`);
  }

  /** All that the journal holds is this, and for good: what was asked for and is not there never will be. */
  found(all: readonly number[]): void {
    const sure = this.#sure.length;
    assert.deepEqual(all.slice(0, sure), this.#sure, 'what was acknowledged is there, once and in order');
    const more = all.slice(sure);
    assert.deepEqual(more, this.#asked.slice(0, more.length), 'nothing else is there but what was asked for next');
    this.#sure = [...all];
    this.#asked = [];
  }

  clone(): JournalWitness {
    const copy = new JournalWitness();
    copy.#sure = [...this.#sure];
    copy.#asked = [...this.#asked];
    copy.#lastId = this.#lastId;
    return copy;
  }
}
