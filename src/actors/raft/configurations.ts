/**
 * Which configuration is in effect: the newest one in the log, be it committed or not (Raft §6); where the log has
 * none, that of the snapshot which it begins behind; and before there is a cluster, the one that it is to be founded
 * with. Part of the core's state; follows the log, and is cut off with it.
 */

import { assert } from '../../assert.js';
import { logIndex, type LogIndex, type NodeId } from '../../ids.js';
import { isMember, type Configuration } from './configuration.js';
import { decodeConfiguration } from './configuration-entry.js';

interface Change {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

export class Configurations {
  /** What the log would be founded with. */
  readonly #initial: Configuration;
  /** What the snapshot says that the log begins behind; null: there was none before the log. */
  #base: Configuration | null;
  /** Where that stood in the log, or any place behind where that is not known any more. */
  #baseIndex: LogIndex;
  /** What the log says, in its order. */
  #changes: Change[] = [];
  #current: Configuration;

  /**
   * `base` is what the snapshot says that the log begins behind, which is up to `droppedIndex`; null: there is none.
   */
  constructor(initial: Configuration, base: Configuration | null, droppedIndex: LogIndex) {
    this.#initial = initial;
    this.#base = base;
    this.#baseIndex = droppedIndex;
    this.#current = base ?? initial;
  }

  /** The one in effect. */
  get current(): Configuration {
    return this.#current;
  }

  /** The one before it, as far as the log still tells; null: it does not. */
  get previous(): Configuration | null {
    const { length } = this.#changes;
    return length === 0 ? null : length === 1 ? this.#base : this.#changes[length - 2]!.configuration;
  }

  /** Is there a cluster? If not, it takes all voters to found one. */
  get isFounded(): boolean {
    return this.#base !== null || this.#changes.length > 0;
  }

  /** Where in the log the one in effect stands; 0 if it is not in the log. */
  get lastIndex(): LogIndex {
    return this.#changes.at(-1)?.index ?? logIndex(0);
  }

  /** The one that was in effect at `index`, which is not before what has been dropped. Null: there was no cluster. */
  at(index: LogIndex): Configuration | null {
    return this.#changes.findLast((change) => change.index <= index)?.configuration ?? this.#base;
  }

  /** All that are known up to `index`, the oldest first. */
  upTo(index: LogIndex): Configuration[] {
    const inLog = this.#changes.filter((change) => change.index <= index).map(({ configuration }) => configuration);
    return this.#base === null ? inLog : [this.#base, ...inLog];
  }

  /** Where the log says that this one was let in, for the last time; 0: it does not. */
  letInAt(id: NodeId): LogIndex {
    const known = [this.#base, ...this.#changes.map(({ configuration }) => configuration)];
    const isIn = known.map((configuration) => configuration !== null && isMember(configuration, id));
    return this.#changes.findLast((_, i) => isIn[i + 1] === true && isIn[i] === false)?.index ?? logIndex(0);
  }

  /** Are all known that came after `index`? */
  isKnownSince(index: LogIndex): boolean {
    return index >= this.#baseIndex;
  }

  /** Those that came after the one that was in effect at `index`, in their order. */
  since(index: LogIndex): Configuration[] {
    return this.#changes.filter((change) => change.index > index).map(({ configuration }) => configuration);
  }

  /** An entry of this kind has been appended. */
  appended(index: LogIndex, payload: Uint8Array): void {
    assert(index > this.lastIndex, 'configurations come in the order of the log');
    this.#current = decodeConfiguration(payload);
    this.#changes.push({ index, configuration: this.#current });
  }

  /** The log has been cut off behind `index`. */
  truncateAfter(index: LogIndex): void {
    if (this.lastIndex <= index) return;
    this.#changes = this.#changes.filter((change) => change.index <= index);
    this.#current = this.at(index) ?? this.#initial;
  }

  /** The log no longer has entries up to `index`. */
  dropTo(index: LogIndex): void {
    const dropped = this.#changes.findLast((change) => change.index <= index);
    if (dropped === undefined) return;
    this.#base = dropped.configuration;
    this.#baseIndex = dropped.index;
    this.#changes = this.#changes.filter((change) => change.index > index);
  }

  /** A snapshot up to `index` has taken the place of the log. */
  resetTo(base: Configuration | null, index: LogIndex): void {
    this.#base = base;
    this.#baseIndex = index;
    this.#current = base ?? this.#initial;
    this.#changes = [];
  }
}
