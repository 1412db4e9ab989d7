/**
 * Every configuration that any log has ever held, and which of them is in effect on a node: the newest one in its log, be it
 * committed or not (Raft §6), or, where its log begins behind a snapshot, the newest one that was committed before.
 */

import { EntryKind } from '../../../actors/raft/entry.js';
import type { Core } from '../../../actors/raft/state.js';
import { logIndex } from '../../../ids.js';
import { StatedConfiguration } from './stated-configuration.js';

interface Stated {
  readonly index: number;
  readonly term: number;
  readonly configuration: StatedConfiguration;
}

/** Told of each configuration that no log has had before, and of the one before it in the same log. */
export type OnStated = (before: StatedConfiguration | null, after: StatedConfiguration, index: number) => void;

export class LogConfigurations {
  readonly #founded: StatedConfiguration | null;
  readonly #committedTermAt: (index: number) => number | null;
  readonly #stated: Stated[] = [];
  onStated: OnStated = () => {};

  /** `founded` is what stands before all entries. */
  constructor(founded: StatedConfiguration | null, committedTermAt: (index: number) => number | null) {
    this.#founded = founded;
    this.#committedTermAt = committedTermAt;
  }

  /** An entry that no log has had before. */
  seen(core: Core, index: number, term: number): void {
    const { kind, payload } = core.log.entry(logIndex(index));
    if (kind !== EntryKind.configuration) return;
    const configuration = new StatedConfiguration(payload);
    this.onStated(this.at(core, index - 1), configuration, index);
    this.#stated.push({ index, term, configuration });
  }

  /** The one in effect on a node whose log ends with `index`. Null: there is no cluster as far as it goes. */
  at(core: Core, index: number): StatedConfiguration | null {
    return this.#newest(core, index)?.configuration ?? this.#founded;
  }

  /** Where that one stands; 0 if it is none of the entries. */
  indexAt(core: Core, index: number): number {
    return this.#newest(core, index)?.index ?? 0;
  }

  #newest({ log }: Core, index: number): Stated | null {
    let newest: Stated | null = null;
    for (const each of this.#stated) {
      if (each.index > index || each.index <= (newest?.index ?? 0)) continue;
      // Only what is committed is dropped.
      const term = each.index < log.firstIndex ? this.#committedTermAt(each.index) : log.termAt(logIndex(each.index));
      if (term === each.term) newest = each;
    }
    return newest;
  }
}
