/**
 * What has changed in one object lately, on the thread that it lives on: a bounded row of what its commands have told,
 * recorded only while somebody on this node watches, or has watched a moment ago. No part of the replicated state, and
 * never a reason for a command to go another way: nothing in here throws into one.
 */

import { asError, ConclaveError } from '../../../errors.js';
import { ArrayWriter } from '../array-writer.js';
import type { ValueCodec } from '../value-codec.js';
import { decodeChange, encodeChange, type ChangeBatch } from './change-batch.js';
import { keyOfChange, type ChangeKey } from './change-key.js';
import { comparePlaces, FIRST_PLACE, placeAfter, type ChangePlace } from './change-place.js';
import { ChangeRow, type EncodedChanges } from './change-row.js';
import { ChangeShapes } from './change-shapes.js';

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
  /** What they have not been told yet cannot be told any more, or nothing will change any more. */
  | { readonly type: 'lost'; readonly error: ConclaveError };

export class ChangeRecorder {
  readonly object: string;
  /** Is anything to be recorded? Read before each change is made up. */
  isRecording = false;
  readonly #codec: ValueCodec;
  /** By key; undefined stands for all of them. */
  readonly #feeds = new Map<ChangeKey | undefined, Feed>();
  readonly #row = new ChangeRow();
  /** Made when the first change is recorded. */
  #shapes: ChangeShapes | null = null;
  /** From here on, what has been recorded is kept. */
  #keptFrom: ChangePlace = FIRST_PLACE;
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
    return this.#lost !== null || this.#row.untaken > 0;
  }

  /** Is there something that cannot be told any more, or no such object? */
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

  /**
   * Would a change of this key be recorded? One that would not be need not be made up: it counts as told.
   */
  wants(index: number, command: number, key: ChangeKey): boolean {
    if (this.#feeds.has(undefined) || this.#feeds.has(key)) return true;
    this.#enter(index, command);
    this.#change++;
    return false;
  }

  /** Takes what the command at this place in the log tells of. */
  record(index: number, command: number, change: unknown): void {
    this.#enter(index, command);
    // Those that nobody watches count as well, for places are the same on every node.
    const place = this.#change++;
    try {
      const key = keyOfChange(change);
      if (key !== undefined && !this.#feeds.has(key) && !this.#feeds.has(undefined)) return;
      const encoded = encodeChange(change, (this.#shapes ??= new ChangeShapes()), this.#codec);
      const dropped = this.#row.push(index, command, place, key, encoded);
      if (dropped === null) return;
      this.#keptFrom = dropped;
      if (this.#row.hasLost) this.#lost ??= tooMany(this.object);
    } catch (error) {
      // Whether somebody watches must make no difference to the command.
      this.#lost ??= notTold(this.object, error);
      this.#row.clear();
      this.#keptFrom = placeAfter({ index, command, change: place });
    }
  }

  /** The command at this place has thrown: what it has told of is not so. */
  takeBack(index: number, command: number): void {
    if (index !== this.#index || command !== this.#command) return;
    while (this.#row.popOf(index, command));
  }

  /** There is no such object any more: whoever watches it is told so. */
  drop(error: ConclaveError): void {
    if (this.isRecording) this.#lost ??= error;
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
    const keyOf = (encoded: Uint8Array): ChangeKey | undefined =>
      keyOfChange(decodeChange(encoded, this.#shapes!.all, this.#codec));
    return this.#batch(this.#row.since(isNew ? next : from, key, keyOf, new ArrayWriter()));
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
    return { type: 'changes', batch: this.#batch(this.#row.take(writer)) };
  }

  #batch({ places, changes }: EncodedChanges): ChangeBatch {
    return { places, shapes: this.#shapes?.all ?? [], changes };
  }

  #enter(index: number, command: number): void {
    if (index === this.#index && command === this.#command) return;
    this.#index = index;
    this.#command = command;
    this.#change = 0;
  }

  /** From where on the changes of this key are kept; null: they are not recorded. */
  #knownFrom(key: ChangeKey | undefined): ChangePlace | null {
    let known: ChangePlace | null = null;
    for (const feed of [this.#feeds.get(undefined), this.#feeds.get(key)]) {
      if (feed !== undefined && (known === null || comparePlaces(feed.since, known) < 0)) known = feed.since;
    }
    return known === null || comparePlaces(known, this.#keptFrom) >= 0 ? known : this.#keptFrom;
  }

  #reset(): void {
    this.isRecording = false;
    this.#row.clear();
    this.#shapes = null;
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
