/**
 * One watch, on the caller's thread: what is to be read, in pieces that it shares with others, and who waits to read
 * it. It holds a bounded number of changes and ends rather than hold more, or leave one out.
 */

import { ConclaveError } from '../../../errors.js';
import { placeIn } from './change-batch.js';
import type { ChangeKey } from './change-key.js';
import { comparePlaces, placeAfter, type ChangePlace } from './change-place.js';
import type { Changes } from './changes.js';

/** How much may wait to be read. One piece may always wait, however large. */
export const CHANGES_WAITING_MAX = 65_536;
export const CHANGES_WAITING_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Changes that became known together. Shared by all who watch, who are given `values` itself when they read in batches.
 */
export interface Piece {
  /** Not frozen: the engine reads such lists several times as slowly. */
  readonly values: readonly unknown[];
  /** Three numbers for each: index, command, change. */
  readonly places: Float64Array;
  readonly bytes: number;
}

/** All that are told of one object. */
export interface WatchedObject {
  readonly name: string;
  /** Behind all that has been told. */
  upTo: ChangePlace;
}

type Result<Value> = IteratorResult<Value, undefined>;
interface Waiter<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/** One who waits to read. */
interface Reader extends Waiter<Result<never>> {
  readonly isForBatch: boolean;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export class Watch implements Changes {
  readonly object: WatchedObject;
  readonly key: ChangeKey | undefined;
  readonly #onEnded: (watch: Watch) => void;
  /** Where the reader begins; null: it has not begun. */
  #begunAt: ChangePlace | null = null;
  /**
   * What is told of and lies before this has been given at the beginning, or is not wanted; null: nothing does any
   * more.
   */
  #startsAt: ChangePlace | null = null;
  #pieces: Piece[] = [];
  /** How many of the first piece have been read. */
  #read = 0;
  #unread = 0;
  /** Of all pieces that have not been read to their end. */
  #unreadBytes = 0;
  /** The last change that was read lies here. */
  #lastPiece: Piece | null = null;
  #lastPosition = 0;
  /** Where it stood when it ended. */
  #endedAt: ChangePlace | null = null;
  #isEnded = false;
  /** What the next read is to be rejected with. */
  #error: ConclaveError | null = null;
  #readers: Reader[] = [];
  #waitingForBegin: Waiter<ChangePlace>[] = [];

  constructor(object: WatchedObject, key: ChangeKey | undefined, onEnded: (watch: Watch) => void) {
    this.object = object;
    this.key = key;
    this.#onEnded = onEnded;
  }

  get hasBegun(): boolean {
    return this.#begunAt !== null;
  }

  get at(): ChangePlace | null {
    const begunAt = this.#begunAt;
    if (begunAt === null || this.#isEnded) return this.#endedAt;
    const last = this.#lastPiece === null ? begunAt : placeAfter(placeIn(this.#lastPiece, this.#lastPosition));
    const { upTo } = this.object;
    return this.#unread === 0 && comparePlaces(upTo, last) > 0 ? upTo : last;
  }

  begun(): Promise<ChangePlace> {
    if (this.#begunAt !== null) return Promise.resolve(this.#begunAt);
    if (this.#isEnded) return Promise.reject(this.#error ?? hasEnded(this.object.name));
    return new Promise((resolve, reject) => this.#waitingForBegin.push({ resolve, reject }));
  }

  next(): Promise<Result<unknown>> {
    if (this.#unread > 0) return Promise.resolve({ done: false, value: this.#shift() });
    return this.#nextOrEnd(false);
  }

  batches(): AsyncIterableIterator<readonly unknown[], undefined, undefined> {
    const batches: AsyncIterableIterator<readonly unknown[], undefined, undefined> = {
      next: () => this.#nextBatch(),
      return: () => this.return(),
      [Symbol.asyncIterator]: () => batches,
    };
    return batches;
  }

  #nextBatch(): Promise<Result<readonly unknown[]>> {
    if (this.#unread > 0) return Promise.resolve({ done: false, value: this.#shiftBatch() });
    return this.#nextOrEnd(true);
  }

  #nextOrEnd(isForBatch: boolean): Promise<Result<never>> {
    if (!this.#isEnded) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject, isForBatch }));
    const error = this.#error;
    this.#error = null;
    return error === null ? Promise.resolve(DONE) : Promise.reject(error);
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.end(null);
    this.#error = null;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** It begins for its reader at `from` with these pieces, and is told of everything behind `startsAt` from now on. */
  begin(from: ChangePlace, startsAt: ChangePlace, pieces: readonly Piece[]): void {
    this.#begunAt = from;
    this.#startsAt = startsAt;
    for (const piece of pieces) this.#push(piece);
    for (const { resolve } of this.#waitingForBegin.splice(0)) resolve(from);
  }

  /** Adds what has changed. Ends if too much waits. */
  add(piece: Piece): void {
    if (this.#isEnded || this.#begunAt === null) return;
    let added = piece;
    if (this.#startsAt !== null) {
      added = withoutEarlier(piece, this.#startsAt);
      if (added === piece) this.#startsAt = null;
    }
    const unread = this.#unread + added.values.length;
    const unreadBytes = this.#unreadBytes + added.bytes;
    if (this.#unread > 0 && (unread > CHANGES_WAITING_MAX || unreadBytes > CHANGES_WAITING_BYTES_MAX)) {
      this.end(isBehind(this.object.name, unread));
    } else {
      this.#push(added);
    }
  }

  /** Ends it, now: what waits to be read is dropped. Null: it was left. */
  end(error: ConclaveError | null): void {
    if (this.#isEnded) return;
    this.#endedAt = this.at;
    this.#isEnded = true;
    this.#pieces = [];
    this.#lastPiece = null;
    this.#unread = 0;
    const [reader, ...others] = this.#readers.splice(0);
    if (reader === undefined) this.#error = error;
    else if (error === null) reader.resolve(DONE);
    else reader.reject(error);
    for (const { resolve } of others) resolve(DONE);
    for (const { reject } of this.#waitingForBegin.splice(0)) reject(error ?? hasEnded(this.object.name));
    this.#onEnded(this);
  }

  #push(piece: Piece): void {
    if (piece.values.length === 0) return;
    this.#pieces.push(piece);
    this.#unread += piece.values.length;
    this.#unreadBytes += piece.bytes;
    while (this.#readers.length > 0 && this.#unread > 0) {
      const { resolve, isForBatch } = this.#readers.shift()!;
      resolve({ done: false, value: (isForBatch ? this.#shiftBatch() : this.#shift()) as never });
    }
  }

  #shift(): unknown {
    const piece = this.#pieces[0]!;
    const position = this.#read++;
    this.#unread--;
    this.#lastPiece = piece;
    this.#lastPosition = position;
    if (this.#read === piece.values.length) this.#dropPiece(piece);
    return piece.values[position];
  }

  /** What has not been read of the first piece. */
  #shiftBatch(): readonly unknown[] {
    const piece = this.#pieces[0]!;
    const { values } = piece;
    const batch = this.#read === 0 ? values : values.slice(this.#read);
    this.#unread -= batch.length;
    this.#lastPiece = piece;
    this.#lastPosition = values.length - 1;
    this.#dropPiece(piece);
    return batch;
  }

  #dropPiece({ bytes }: Piece): void {
    this.#pieces.shift();
    this.#read = 0;
    this.#unreadBytes -= bytes;
  }
}

/** The same piece where nothing in it lies before `start`. */
function withoutEarlier(piece: Piece, start: ChangePlace): Piece {
  const { values, places, bytes } = piece;
  let earlier = 0;
  while (earlier < values.length && comparePlaces(placeIn(piece, earlier), start) < 0) earlier++;
  return earlier === 0 ? piece : { values: values.slice(earlier), places: places.slice(3 * earlier), bytes };
}

function isBehind(object: string, unread: number): ConclaveError {
  return new ConclaveError(
    'ERR_WATCHER_BEHIND',
    `${unread} changes of ${object} wait to be read, which is more than is kept for one who watches. Read faster, or begin anew.`,
    { data: { object, unread } },
  );
}

function hasEnded(object: string): ConclaveError {
  return new ConclaveError('ERR_ABORTED', `Watching ${object} was ended before it had begun.`, { mayBeApplied: false });
}
