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

export class LogConfigurations {
  readonly #founded: StatedConfiguration | null;
  readonly #committedTermAt: (index: number) => number | null;
  readonly #stated: Stated[] = [];

  /** `founded` is what stands before all entries. */
  constructor(founded: StatedConfiguration | null, committedTermAt: (index: number) => number | null) {
    this.#founded = founded;
    this.#committedTermAt = committedTermAt;
  }

  /** An entry that no log has had before. */
  seen({ log }: Core, index: number, term: number): void {
    const { kind, payload } = log.entry(logIndex(index));
    if (kind !== EntryKind.configuration) return;
    this.#stated.push({ index, term, configuration: new StatedConfiguration(payload) });
  }

  /** The one in effect on a node whose log ends with `index`. Null: there is no cluster as far as it goes. */
  at({ log }: Core, index: number): StatedConfiguration | null {
    let newest: Stated | null = null;
    for (const each of this.#stated) {
      if (each.index > index || each.index <= (newest?.index ?? 0)) continue;
      // Only what is committed is dropped.
      const term = each.index < log.firstIndex ? this.#committedTermAt(each.index) : log.termAt(logIndex(each.index));
      if (term === each.term) newest = each;
    }
    return newest?.configuration ?? this.#founded;
  }
}
