/**
 * Every configuration that any log has ever held, and which of them is in effect on a node: the newest one in its log,
 * be it committed or not (Raft §6), or, where its log begins behind a snapshot, the newest one that was committed
 * before.
 */

import { EntryKind } from '../../../actors/raft/entry.js';
import type { Core } from '../../../actors/raft/state.js';
import { logIndex } from '../../../ids.js';
import { StatedConfiguration } from './stated-configuration.js';

/** A configuration where it stands in a log. */
export interface Stated {
  readonly index: number;
  readonly term: number;
  readonly configuration: StatedConfiguration;
}

/** Told of each that is in a log for the first time, of whose log that is, and of the one in effect there before. */
export type OnStated = (core: Core, stated: Stated, before: StatedConfiguration | null) => void;

export class LogConfigurations {
  readonly #founded: StatedConfiguration | null;
  readonly #committedTermAt: (index: number) => number | null;
  readonly #stated: Stated[] = [];
  readonly #listeners: OnStated[] = [];

  /** `founded` is what stands before all entries. */
  constructor(founded: StatedConfiguration | null, committedTermAt: (index: number) => number | null) {
    this.#founded = founded;
    this.#committedTermAt = committedTermAt;
  }

  whenStated(listener: OnStated): void {
    this.#listeners.push(listener);
  }

  /** An entry that no log has had before. */
  seen(core: Core, index: number, term: number): void {
    const { kind, payload } = core.log.entry(logIndex(index));
    if (kind !== EntryKind.configuration) return;
    const configuration = new StatedConfiguration(payload);
    const stated = { index, term, configuration };
    const before = this.at(core, index - 1);
    this.#stated.push(stated);
    for (const listener of this.#listeners) listener(core, stated, before);
  }

  /** All in a log that ends with `index`, the newest first, be they dropped since or not. */
  allUpTo(core: Core, index: number): readonly Stated[] {
    return this.#stated
      .filter((each) => each.index <= index && this.#isIn(core, each))
      .toSorted((a, b) => b.index - a.index);
  }

  /** All that any log has held behind `index`, be they cut off again or not. */
  behind(index: number): readonly StatedConfiguration[] {
    return this.#stated.filter((each) => each.index > index).map(({ configuration }) => configuration);
  }

  /** The one in effect on a node whose log ends with `index`. Null: there is no cluster as far as it goes. */
  at(core: Core, index: number): StatedConfiguration | null {
    return this.#newest(core, index)?.configuration ?? this.#founded;
  }

  #newest(core: Core, index: number): Stated | null {
    let newest: Stated | null = null;
    for (const each of this.#stated) {
      if (each.index > index || each.index <= (newest?.index ?? 0)) continue;
      if (this.#isIn(core, each)) newest = each;
    }
    return newest;
  }

  /** Is it in the log, or was it? Only what is committed is dropped. */
  #isIn({ log }: Core, { index, term }: Stated): boolean {
    return term === (index < log.firstIndex ? this.#committedTermAt(index) : log.termAt(logIndex(index)));
  }
}
