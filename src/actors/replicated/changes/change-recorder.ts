/**
 * What has changed in one object lately, on the thread that it lives on: a bounded row of what its commands have told,
 * recorded only while somebody on this node watches, or has watched a moment ago. No part of the replicated state, and
 * never a reason for a command to go another way: nothing in here throws into one.
 */

import { asError, ConclaveError } from '../../../errors.js';
import { ArrayWriter } from '../array-writer.js';
import type { ValueCodec } from '../value-codec.js';
import { encodeBatch, type ChangeBatch, type RecordedChange } from './change-batch.js';
import { keyOfChange, type ChangeKey } from './change-key.js';
import { comparePlaces, FIRST_PLACE, placeAfter, type ChangePlace } from './change-place.js';

/** How much is kept of one object. */
export const CHANGES_KEPT_MAX = 65_536;
export const CHANGES_KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** What one kept change costs besides its bytes, about. */
const CHANGE_OVERHEAD_BYTES = 64;

interface Entry extends RecordedChange {
  /** Undefined: it concerns all keys. */
  readonly key: ChangeKey | undefined;
}

/** Those who watch one key, or all. */
interface Feed {
  /** All changes behind this place have been recorded, as far as they are kept. */
  readonly since: ChangePlace;
  watchers: number;
  /** When the last watcher left; kept for a while, for one who comes back. */
  idleSinceMs: number;
}

/** What those who watch are to be told. */
export type RecordedNews =
  | { readonly type: 'changes'; readonly batch: ChangeBatch }
  /** What they have not been told yet cannot be told any more. */
  | { readonly type: 'lost'; readonly error: ConclaveError };

export class ChangeRecorder {
  readonly object: string;
  /** Is anything to be recorded? Read before each change is made up. */
  isRecording = false;
  readonly #codec: ValueCodec;
  /** By key; undefined stands for all of them. */
  readonly #feeds = new Map<ChangeKey | undefined, Feed>();
  /** What is kept lies from `#start` on. */
  #entries: Entry[] = [];
  #start = 0;
  #bytes = 0;
  /** From here on, what has been recorded is kept. */
  #keptFrom: ChangePlace = FIRST_PLACE;
  /** Where in `#entries` begins what has not been told. Invariant: #start <= #toldTo <= #entries.length, unless `#lost`. */
  #toldTo = 0;
  #lost: ConclaveError | null = null;
  /** The command that told of a change last, and of how many it has. */
  #index = -1;
  #command = -1;
  #change = 0;

  constructor(object: string, codec: ValueCodec) {
    this.object = object;
    this.#codec = codec;
  }

  /** Is there something to tell? */
  get hasNews(): boolean {
    return this.#lost !== null || this.#toldTo < this.#entries.length;
  }

  /** Is there something that cannot be told any more? */
  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** Is there a key that nobody watches any more? */
  get hasIdle(): boolean {
    for (const { watchers } of this.#feeds.values()) if (watchers === 0) return true;
    return false;
  }

  /** How many keys, or all of them, are recorded for. */
  get feeds(): number {
    return this.#feeds.size;
  }

  /** Takes what the command at this place in the log tells of. */
  record(index: number, command: number, change: unknown): void {
    if (index !== this.#index || command !== this.#command) {
      this.#index = index;
      this.#command = command;
      this.#change = 0;
    }
    // Those that nobody watches count as well, for places are the same on every node.
    const place = this.#change++;
    try {
      const key = keyOfChange(change);
      if (key !== undefined && !this.#feeds.has(key) && !this.#feeds.has(undefined)) return;
      const bytes = this.#codec.encodeInto(change, 'change').slice();
      this.#entries.push({ index, command, change: place, key, bytes });
      this.#bytes += bytes.length + CHANGE_OVERHEAD_BYTES;
    } catch (error) {
      // Whether somebody watches must make no difference to the command.
      this.#loseAll({ index, command, change: place }, notTold(this.object, error));
      return;
    }
    while (this.#bytes > CHANGES_KEPT_BYTES_MAX || this.#entries.length - this.#start > CHANGES_KEPT_MAX) {
      this.#dropOldest();
    }
  }

  /** The command at this place has thrown: what it has told of is not so. */
  takeBack(index: number, command: number): void {
    if (index !== this.#index || command !== this.#command) return;
    for (;;) {
      const last = this.#entries.at(-1);
      if (this.#entries.length === this.#start || last?.index !== index || last.command !== command) return;
      this.#entries.pop();
      this.#bytes -= last.bytes.length + CHANGE_OVERHEAD_BYTES;
    }
  }

  /**
   * Begins to record for one who watches `key`, or everything. What is told of later may lie before it.
   *
   * @param next behind what has been applied
   * @param from what it has seen; null: nothing, and it wants what comes
   * @returns what it has missed since, or null: that is not known
   */
  begin(key: ChangeKey | undefined, from: ChangePlace | null, next: ChangePlace): ChangeBatch | null {
    const known = this.#knownFrom(key);
    const isNew = from === null || comparePlaces(from, next) >= 0;
    if (!isNew && (known === null || comparePlaces(from, known) < 0)) return null;
    const feed = this.#feeds.get(key);
    if (feed === undefined) this.#feeds.set(key, { since: isNew ? next : known!, watchers: 1, idleSinceMs: 0 });
    else feed.watchers++;
    this.isRecording = true;
    const missed = isNew
      ? []
      : this.#entries
          .slice(this.#start)
          .filter(
            (entry) =>
              comparePlaces(entry, from) >= 0 && (key === undefined || entry.key === undefined || entry.key === key),
          );
    return encodeBatch(missed, new ArrayWriter());
  }

  /** One who watched this key does no longer. */
  end(key: ChangeKey | undefined, nowMs: number): void {
    const feed = this.#feeds.get(key);
    if (feed === undefined) return;
    feed.watchers = Math.max(0, feed.watchers - 1);
    if (feed.watchers === 0) feed.idleSinceMs = nowMs;
  }

  /** Does nothing more for keys that nobody has watched since then. */
  forgetIdle(beforeMs: number): void {
    for (const [key, { watchers, idleSinceMs }] of this.#feeds) {
      if (watchers === 0 && idleSinceMs <= beforeMs) this.#feeds.delete(key);
    }
    if (this.#feeds.size === 0) this.#reset();
  }

  /** What has been recorded since the last call, for all who watch. */
  takeNews(writer: ArrayWriter): RecordedNews {
    const lost = this.#lost;
    if (lost !== null) {
      this.#feeds.clear();
      this.#reset();
      return { type: 'lost', error: lost };
    }
    const batch = encodeBatch(this.#entries.slice(this.#toldTo), writer);
    this.#toldTo = this.#entries.length;
    this.#compact();
    return { type: 'changes', batch };
  }

  /** From where on the changes of this key are kept; null: they are not recorded. */
  #knownFrom(key: ChangeKey | undefined): ChangePlace | null {
    let known: ChangePlace | null = null;
    for (const feed of [this.#feeds.get(undefined), this.#feeds.get(key)]) {
      if (feed !== undefined && (known === null || comparePlaces(feed.since, known) < 0)) known = feed.since;
    }
    return known === null || comparePlaces(known, this.#keptFrom) >= 0 ? known : this.#keptFrom;
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#start]!;
    this.#keptFrom = placeAfter(oldest);
    this.#bytes -= oldest.bytes.length + CHANGE_OVERHEAD_BYTES;
    if (this.#start >= this.#toldTo) this.#lost ??= tooMany(this.object);
    this.#start++;
    if (this.#toldTo < this.#start) this.#toldTo = this.#start;
    this.#compact();
  }

  /** Gives back what lies before `#start`, now and then. */
  #compact(): void {
    if (this.#start < 1024 || 2 * this.#start < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#toldTo -= this.#start;
    this.#start = 0;
  }

  #loseAll(place: ChangePlace, error: ConclaveError): void {
    this.#lost ??= error;
    this.#entries = [];
    this.#start = this.#toldTo = this.#bytes = 0;
    this.#keptFrom = placeAfter(place);
  }

  #reset(): void {
    this.isRecording = false;
    this.#entries = [];
    this.#start = this.#toldTo = this.#bytes = 0;
    this.#keptFrom = FIRST_PLACE;
    this.#lost = null;
  }
}

function tooMany(object: string): ConclaveError {
  return new ConclaveError(
    'ERR_CHANGES_LOST',
    `More of ${object} has changed at once than is kept, and nobody was told of all of it. Read its state, and watch from there.`,
    { data: { object } },
  );
}

function notTold(object: string, error: unknown): ConclaveError {
  const { message } = asError(error);
  return new ConclaveError(
    'ERR_CHANGES_LOST',
    `A command of ${object} has told of a change that cannot be told: ${message} The command was applied.`,
    { data: { object } },
  );
}
