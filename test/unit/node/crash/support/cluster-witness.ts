/**
 * What must be in a journal that several nodes write to while they crash: everything acknowledged, at the place that
 * its answer said, nothing twice, and nothing of which an error said that it was not done.
 */

import assert from 'node:assert/strict';
import { ConclaveError } from '../../../../../src/errors.js';

/** Ids of one life of a node go up from a multiple of this. */
const IDS_PER_LIFE = 1_000_000;

export class ClusterWitness {
  readonly #asked = new Set<number>();
  /** The place of each command that was answered. */
  readonly #places = new Map<number, number>();
  readonly #refused = new Set<number>();
  #lives = 0;

  get acknowledged(): number {
    return this.#places.size;
  }

  /** A node begins a life. Returns what gives each of its commands an id. */
  newLife(): () => number {
    this.#lives += 1;
    let id = this.#lives * IDS_PER_LIFE;
    return () => {
      id += 1;
      this.#asked.add(id);
      return id;
    };
  }

  answered(id: number, count: number): void {
    this.#places.set(id, count - 1);
  }

  failed(id: number, error: unknown): void {
    assert(error instanceof ConclaveError, `a command failed with ${String(error)}`);
    if (!error.mayBeApplied) this.#refused.add(id);
  }

  /** To be called before a read that sees everything committed; returns what is to be called with what it has seen. */
  beforeRead(): (all: readonly number[]) => void {
    const before = new Map(this.#places);
    return (all) => {
      for (const [id, place] of before) assert.equal(all[place], id, `what was answered as entry ${place} is there`);
    };
  }

  /** This is all that the journal holds in the end. */
  found(all: readonly number[]): void {
    this.beforeRead()(all);
    assert.equal(new Set(all).size, all.length, 'nothing is there twice');
    const lastOfLife = new Map<number, number>();
    for (const id of all) {
      assert(this.#asked.has(id), `${id} was asked for`);
      assert(!this.#refused.has(id), `${id} was said not to be applied`);
      const life = Math.floor(id / IDS_PER_LIFE);
      assert(id > (lastOfLife.get(life) ?? 0), 'commands of one node are applied in their order');
      lastOfLife.set(life, id);
    }
  }
}
