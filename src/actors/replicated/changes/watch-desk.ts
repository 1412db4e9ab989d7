/**
 * All watches of a node's callers, on the caller's thread, a part of Caller: asks the thread of the objects for
 * changes, decodes them once for each object and turn, and hands them to those who watch. Nobody's reading is waited
 * for.
 */

import { ConclaveError, fromPlainError } from '../../../errors.js';
import { logIndex, type LogIndex } from '../../../ids.js';
import type { ActorRef } from '../../../runtime/actor.js';
import { tellOrDrop } from '../../../runtime/tell-or-drop.js';
import { AbortWatch } from '../abort-watch.js';
import { BlockBuilder } from '../block-builder.js';
import { BlockNames, MethodName } from '../block-names.js';
import type { WatchBegun, WatchedChanges, WatchRefused } from '../caller-messages.js';
import type { MachineMessage } from '../machine-messages.js';
import { resultError, type ResultBlock } from '../results.js';
import type { ValueCodec } from '../value-codec.js';
import { batchBytes, decodeChanges, type ChangeBatch } from './change-batch.js';
import { keyOfChange, type ChangeKey } from './change-key.js';
import { comparePlaces, FIRST_PLACE, placeAfterEntry, type ChangePlace } from './change-place.js';
import { Watch, type Piece, type WatchedObject } from './watch.js';

/** How many there may be at a time. */
export const WATCHES_MAX = 10_000;

/** The objects' thread is told of so much that was taken, not of each message. */
const TAKEN_BYTES = 1024 * 1024;

/** What is to be watched, and how. */
export interface WatchRequest {
  readonly object: string;
  readonly key: ChangeKey | undefined;
  readonly from: ChangePlace | null;
  /** The query whose answer comes first, as `object` has it. */
  readonly read: string | null;
  readonly signal: AbortSignal | null;
}

export interface WatchDeskOptions {
  readonly codec: ValueCodec;
  readonly commandBytesMax: number;
  /** What the callers of this node have seen: no watch begins before it. */
  readonly seenIndex: () => LogIndex;
  readonly machine: ActorRef<MachineMessage>;
  /** Its mailbox was full: `tellAgain` is to be called in a while. */
  readonly onUntold: () => void;
}

interface Watched extends WatchedObject {
  /** Those that have not ended, begun or not. It is forgotten with the last one. */
  watches: number;
  readonly all: Set<Watch>;
  readonly byKey: Map<ChangeKey, Set<Watch>>;
}

/** A watch from its request to its end. */
interface Begun {
  readonly request: WatchRequest;
  readonly watch: Watch;
  readonly watched: Watched;
  /** As the objects' thread knows it: another one each time that it is asked. */
  id: number;
  forgetSignal: () => void;
}

export class WatchDesk {
  readonly #options: WatchDeskOptions;
  /** Those that somebody watches: objects come and go. */
  readonly #objects = new Map<string, Watched>();
  readonly #byWatch = new Map<Watch, Begun>();
  readonly #byId = new Map<number, Begun>();
  readonly #aborts = new AbortWatch();
  readonly #builder: BlockBuilder;
  #nextId = 1;
  #takenBytes = 0;
  /** Ids of watches that have ended, which the objects' thread has had no room to hear. */
  #untold: number[] = [];

  constructor(options: WatchDeskOptions) {
    this.#options = options;
    this.#builder = new BlockBuilder(options.codec, options.commandBytesMax, new BlockNames());
  }

  /** Begins to watch. What goes wrong is for the reader of the watch to hear. */
  watch(request: WatchRequest): Watch {
    const { object, key, signal } = request;
    const watched = this.#objects.get(object) ?? newlyWatched(object);
    const watch = new Watch(watched, key, (ended) => this.#onEnded(ended));
    const begun: Begun = { request, watch, watched, id: 0, forgetSignal: nothing };
    if (signal?.aborted === true) {
      watch.end(aborted(signal));
    } else if (this.#byWatch.size >= WATCHES_MAX) {
      watch.end(tooMany());
    } else {
      this.#byWatch.set(watch, begun);
      this.#objects.set(object, watched);
      watched.watches++;
      if (signal !== null) begun.forgetSignal = this.#aborts.add(signal, () => watch.end(aborted(signal)));
      this.#ask(begun);
    }
    return watch;
  }

  onBegun({ watchId, at, missed, state }: WatchBegun): void {
    this.#take(batchBytes(missed));
    const begun = this.#byId.get(watchId);
    if (begun === undefined) return;
    const { request, watch } = begun;
    const from = request.from ?? at;
    const pieces: Piece[] = [];
    if (state !== null) {
      try {
        pieces.push(statePiece(this.#answerOf(state, request), at));
      } catch (error) {
        watch.end(error as ConclaveError);
        return;
      }
    }
    pieces.push(this.#decode(missed));
    join(begun);
    watch.begin(from, comparePlaces(from, at) > 0 ? from : at, pieces);
  }

  onRefused({ watchId, error }: WatchRefused): void {
    const begun = this.#byId.get(watchId);
    if (begun === undefined) return;
    this.#byId.delete(watchId);
    begun.watch.end(fromPlainError(error) as ConclaveError);
  }

  onChanges({ appliedIndex, changes }: WatchedChanges): void {
    const upTo = placeAfterEntry(appliedIndex);
    for (const news of changes) {
      if ('batch' in news) this.#take(batchBytes(news.batch));
      const watched = this.#objects.get(news.object);
      if (watched === undefined) continue;
      if ('lost' in news) {
        this.#lose(watched, () => fromPlainError(news.lost) as ConclaveError);
      } else if (watched.all.size > 0 || watched.byKey.size > 0) {
        this.#handOut(watched, this.#decode(news.batch));
        watched.upTo = upTo;
      }
    }
  }

  /** The objects are others than those that were watched. Those that have not begun will begin with the new ones. */
  loseAll(error: () => ConclaveError): void {
    for (const watched of this.#objects.values()) this.#lose(watched, error);
    this.#takenBytes = 0;
  }

  /** The objects have ended. What may still be heard of them is no beginning: nothing more would come. */
  onMachineLost(error: () => ConclaveError): void {
    this.loseAll(error);
    // Those in their place may have been asked by now.
    for (const begun of this.#byWatch.values()) this.#tellUnwatch(begun);
  }

  /** The objects stand again: what they have not been asked, or have not answered, they are asked once more. */
  askAgain(): void {
    for (const begun of this.#byWatch.values()) {
      if (begun.watch.hasBegun) continue;
      // It may have reached them already.
      this.#tellUnwatch(begun);
      this.#ask(begun);
    }
  }

  /**
   * Tells the objects' thread what its mailbox had no room for: it would go on sending what nobody wants, or nothing
   * more.
   */
  tellAgain(): void {
    for (const watchId of this.#untold.splice(0)) this.#tellEnded(watchId);
    this.#take(0);
  }

  /** Ends all of them. */
  stop(reason: ConclaveError): void {
    for (const watch of this.#byWatch.keys()) watch.end(reason);
  }

  #ask(begun: Begun): void {
    const { object, key, from, read } = begun.request;
    begun.id = this.#nextId++;
    this.#byId.set(begun.id, begun);
    try {
      const block = read === null ? null : this.#blockOf(new MethodName(object, read), key);
      // Entries before the one that `from` lies in have been seen.
      const index = Math.max(this.#options.seenIndex(), (from?.index ?? 0) - 1);
      const message = { type: 'watchChanges', watchId: begun.id, object, key, from, block } as const;
      this.#options.machine.tell({ ...message, index: logIndex(index) }, block === null ? [] : [block]);
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      this.#byId.delete(begun.id);
      begun.watch.end(error);
    }
  }

  #blockOf(name: MethodName, key: ChangeKey | undefined): ArrayBuffer {
    this.#builder.add(name, key === undefined ? [] : [key]);
    return this.#builder.seal(0, 0);
  }

  /** The answer to the one query, or throws what it has ended with. */
  #answerOf({ numbers, values, errors }: ResultBlock, { object, read }: WatchRequest): unknown {
    if (errors !== null) throw resultError(errors[0]![1], `${object}.${read}`, true);
    return numbers !== null
      ? numbers[0]
      : values === null
        ? undefined
        : (this.#options.codec.decode(values) as unknown[])[0];
  }

  #decode(batch: ChangeBatch): Piece {
    const values = decodeChanges(batch, this.#options.codec);
    return { values, places: batch.places, bytes: batchBytes(batch) };
  }

  #handOut({ all, byKey }: Watched, piece: Piece): void {
    if (byKey.size > 0) {
      for (const [key, positions] of positionsByKey(piece.values, byKey)) {
        const part = partOf(piece, positions);
        for (const watch of byKey.get(key)!) watch.add(part);
      }
    }
    for (const watch of all) watch.add(piece);
  }

  #lose(watched: Watched, error: () => ConclaveError): void {
    const lost = [...watched.all];
    for (const watches of watched.byKey.values()) lost.push(...watches);
    for (const watch of lost) {
      // The objects' thread knows nothing of it any more.
      this.#byId.delete(this.#byWatch.get(watch)!.id);
      watch.end(error());
    }
  }

  #onEnded(watch: Watch): void {
    const begun = this.#byWatch.get(watch);
    if (begun === undefined) return;
    begun.forgetSignal();
    this.#byWatch.delete(watch);
    if (watch.hasBegun) leave(begun);
    const { watched } = begun;
    if (--watched.watches === 0) this.#objects.delete(watched.name);
    this.#tellUnwatch(begun);
  }

  #tellUnwatch({ id }: Begun): void {
    if (this.#byId.delete(id)) this.#tellEnded(id);
  }

  #tellEnded(watchId: number): void {
    const { machine, onUntold } = this.#options;
    if (tellOrDrop(machine, { type: 'unwatchChanges', watchId })) return;
    this.#untold.push(watchId);
    onUntold();
  }

  #take(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < TAKEN_BYTES) return;
    const { machine, onUntold } = this.#options;
    if (tellOrDrop(machine, { type: 'changesTaken', bytes: this.#takenBytes })) this.#takenBytes = 0;
    else onUntold();
  }
}

const nothing = (): void => {};

function newlyWatched(name: string): Watched {
  return { name, upTo: FIRST_PLACE, watches: 0, all: new Set(), byKey: new Map() };
}

function join({ watch, watched: { all, byKey } }: Begun): void {
  const { key } = watch;
  if (key === undefined) all.add(watch);
  else if (byKey.has(key)) byKey.get(key)!.add(watch);
  else byKey.set(key, new Set([watch]));
}

function leave({ watch, watched: { all, byKey } }: Begun): void {
  const { key } = watch;
  if (key === undefined) {
    all.delete(watch);
    return;
  }
  const watches = byKey.get(key)!;
  watches.delete(watch);
  if (watches.size === 0) byKey.delete(key);
}

/** For each key that is watched and concerned: where its changes are, in their order. */
function positionsByKey(
  values: readonly unknown[],
  watched: ReadonlyMap<ChangeKey, unknown>,
): ReadonlyMap<ChangeKey, number[]> {
  const positions = new Map<ChangeKey, number[]>();
  const add = (key: ChangeKey, position: number): void => {
    const list = positions.get(key);
    if (list === undefined) positions.set(key, [position]);
    else list.push(position);
  };
  for (const [position, change] of values.entries()) {
    const key = keyOfChange(change);
    if (key === undefined) for (const each of watched.keys()) add(each, position);
    else if (watched.has(key)) add(key, position);
  }
  return positions;
}

function partOf({ values, places, bytes }: Piece, positions: readonly number[]): Piece {
  if (positions.length === values.length) return { values, places, bytes };
  const part = new Float64Array(3 * positions.length);
  for (const [i, position] of positions.entries()) part.set(places.subarray(3 * position, 3 * position + 3), 3 * i);
  return {
    values: positions.map((position) => values[position]),
    places: part,
    bytes: Math.ceil((bytes * positions.length) / values.length),
  };
}

/** Lies right before `at`. */
function statePiece(value: unknown, { index, command, change }: ChangePlace): Piece {
  return {
    values: [{ type: 'state', value }],
    places: Float64Array.of(index, command, change - 1),
    bytes: 0,
  };
}

function aborted(signal: AbortSignal): ConclaveError {
  return new ConclaveError('ERR_ABORTED', 'Watching was ended: its signal was aborted.', {
    cause: signal.reason,
    mayBeApplied: false,
    retrySafe: true,
  });
}

/** What there was to tell is lost. */
export function changesLost(why: string, cause?: Error): ConclaveError {
  const message = `${why}: what has changed meanwhile is not known here. Read the state, and watch from there.`;
  return new ConclaveError('ERR_CHANGES_LOST', message, cause === undefined ? {} : { cause });
}

function tooMany(): ConclaveError {
  return new ConclaveError('ERR_QUEUE_FULL', `${WATCHES_MAX} watches are open already: end some of them.`, {
    data: { limit: 'watches', waiting: WATCHES_MAX, max: WATCHES_MAX },
  });
}
