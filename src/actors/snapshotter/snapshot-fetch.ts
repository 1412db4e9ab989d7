/**
 * Fetches the snapshot that a leader offers: asks for it range by range, a few at a time, again for what is lost, until
 * it is whole. Whoever offers it is asked, and what has been received counts whoever sent it. Part of the Snapshotter;
 * what becomes of a snapshot that is there is not its business.
 */

import { crc32 } from '../../checksum.js';
import { asError, ConclaveError } from '../../errors.js';
import type { GroupId, LogIndex, NodeId } from '../../ids.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { Disk } from '../../storage/disk.js';
import type { NewPause } from '../../storage/pause.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { SnapshotReceiver, type SnapshotOffer } from '../../storage/snapshot-receiver.js';
import type { SnapshotStore } from '../../storage/snapshot-store.js';
import type { FetchSnapshot } from '../raft/effects.js';
import type { SnapshotPiece, SnapshotRequest } from '../raft/messages.js';
import { abortable } from './abortable.js';
import { FetchPace, type Asked } from './fetch-pace.js';

export interface SnapshotFetchOptions {
  readonly group: GroupId;
  readonly self: NodeId;
  readonly disk: Disk;
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newPause: NewPause;
  /** Sends a request to another node; it may be lost. */
  readonly send: (to: NodeId, request: SnapshotRequest) => void;
  /** Told now and then how far it is. */
  readonly onProgress: (index: LogIndex, receivedBytes: number, bytes: number) => void;
  readonly onEnded: (ended: FetchEnded) => void;
}

/** All of a snapshot has been received, and it is one of this node's now; or is none after all. */
export interface FetchEnded {
  readonly type: 'fetchEnded';
  readonly snapshot: SnapshotInfo | null;
  readonly error: Error | null;
}

/** A snapshot that is being received, or that was before another one was offered. */
interface Incoming {
  readonly receiver: SnapshotReceiver;
  /** Who offered it last. */
  from: NodeId;
  offeredMs: number;
  /** Of whoever offers it, since that was last heard of. */
  pace: FetchPace;
  /** By offset. */
  readonly asked: Map<number, Asked>;
  /** What came before what is in front of it; by offset. */
  readonly early: Map<number, Uint8Array>;
  /** What is before this has been asked for. */
  askedUpTo: number;
}

/** After the disk has refused, or what was fetched was damaged, nothing is fetched for so long. */
export const FETCH_RETRY_MS = 5_000;

/** Ranges under way, those included that are here and wait for one before them. */
const WINDOW = 4;
/** A leader offers a snapshot at each heartbeat, for as long as it wants it fetched. */
const OFFER_MS = 30_000;
/** A connection ends when so long nothing is heard on it, and what was on its way there is lost. */
const SILENCE_MS = 3_000;
const PROGRESS_MS = 250;
/** How long checking what was received keeps the thread at a time. */
const SLICE_MS = 5;

export class SnapshotFetch {
  readonly #options: SnapshotFetchOptions;
  #current: Incoming | null = null;
  /** Kept for as long as it may be offered again, by the next leader perhaps. */
  #parked: Incoming | null = null;
  /** What is whole is being checked. */
  #finishing: { readonly controller: AbortController; readonly over: Promise<void> } | null = null;
  #notBeforeMs = 0;
  #progressMs = 0;

  constructor(options: SnapshotFetchOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#current !== null || this.#finishing !== null;
  }

  /** A leader offers a snapshot, once more perhaps, that is newer than what is here. */
  onOffer({ from, lastIncluded, snapshotId: id, snapshotBytes: bytes }: FetchSnapshot): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#finishing !== null || nowMs < this.#notBeforeMs) return;
    const offer: SnapshotOffer = { id, bytes, lastIncluded };
    const incoming = this.#current?.receiver.matches(offer) === true ? this.#current : this.#turnTo(offer, from);
    if (incoming === null) return;
    const heardMs = Math.max(incoming.offeredMs, incoming.pace.arrivedMs);
    if (incoming.from !== from || nowMs - heardMs >= SILENCE_MS) {
      incoming.from = from;
      incoming.pace = new FetchPace();
      for (const asked of incoming.asked.values()) asked.sentMs = -Infinity;
    }
    incoming.offeredMs = nowMs;
    this.#ask(incoming, nowMs);
  }

  onPiece({ from, snapshotId, offset, crc, bytes }: SnapshotPiece): void {
    const incoming = this.#current;
    if (incoming === null || incoming.receiver.offer.id !== snapshotId) return;
    if (bytes.length === 0) {
      // One who offered it earlier may have lost it: nobody asks there any more.
      if (from === incoming.from) this.#abandonCurrent('is no longer there');
      return;
    }
    const nowMs = this.#options.clock.nowMs();
    const asked = incoming.asked.get(offset);
    if (from === incoming.from) incoming.pace.arrived(asked ?? null, nowMs);
    if (asked === undefined || asked.length !== bytes.length) return;
    if (crc32(bytes) !== crc) {
      this.#options.logger.warn({ from, snapshotId, offset }, 'a piece of a snapshot has arrived damaged');
      return;
    }
    incoming.asked.delete(offset);
    incoming.early.set(offset, bytes);
    try {
      this.#write(incoming);
    } catch (error) {
      this.#fail(asError(error));
      return;
    }
    if (incoming.receiver.isComplete) this.#finish(incoming);
    else this.#ask(incoming, nowMs);
    this.#tellProgress(incoming, nowMs);
  }

  /** Asks again for what has not come, and gives up what is not offered any more. */
  tick(nowMs: number): void {
    if (this.#parked !== null && nowMs - this.#parked.offeredMs >= OFFER_MS) {
      this.#abandon(this.#parked);
      this.#parked = null;
    }
    if (this.#current === null) return;
    if (nowMs - this.#current.offeredMs >= OFFER_MS) this.#abandonCurrent('is not offered any more');
    else this.#ask(this.#current, nowMs);
  }

  /** What `onEnded` was told has been dealt with. */
  ended({ error }: FetchEnded): void {
    this.#finishing = null;
    if (error !== null) this.#notBeforeMs = this.#options.clock.nowMs() + FETCH_RETRY_MS;
  }

  /** Gives up whatever is under way. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#notBeforeMs = Infinity;
    this.#finishing?.controller.abort(new ConclaveError('ERR_ABORTED', 'The runtime is being stopped.'));
    this.#abandon(this.#current);
    this.#current = null;
    this.#abandon(this.#parked);
    this.#parked = null;
    await this.#finishing?.over;
  }

  /** From now on it is this one that is fetched. Null: it cannot be. */
  #turnTo(offer: SnapshotOffer, from: NodeId): Incoming | null {
    const former = this.#current;
    const parked = this.#parked;
    this.#current = null;
    if (parked?.receiver.matches(offer) === true) {
      this.#current = parked;
      parked.asked.clear();
      parked.early.clear();
      parked.askedUpTo = 0;
    } else {
      this.#abandon(parked);
    }
    this.#parked = former;
    if (this.#current !== null) return this.#current;
    const { disk, store, logger } = this.#options;
    try {
      const receiver = new SnapshotReceiver(disk, store, offer);
      const { index } = offer.lastIncluded;
      logger.info({ from, index, bytes: offer.bytes }, 'this node is far behind: it is being given a snapshot');
      const pace = new FetchPace();
      this.#current = { receiver, from, offeredMs: 0, pace, asked: new Map(), early: new Map(), askedUpTo: 0 };
    } catch (error) {
      this.#fail(asError(error));
    }
    return this.#current;
  }

  #ask(incoming: Incoming, nowMs: number): void {
    const { receiver, pace } = incoming;
    const overdue = [...incoming.asked].filter(([, asked]) => pace.isOverdue(asked, nowMs));
    for (const [offset, asked] of overdue) {
      asked.sentMs = nowMs;
      this.#send(incoming, offset, asked.length);
    }
    if (overdue.length > 0) pace.retried();
    while (incoming.asked.size + incoming.early.size < WINDOW) {
      const range = receiver.missing(incoming.askedUpTo, pace.rangeBytes);
      if (range === null) return;
      const { offset, length } = range;
      incoming.askedUpTo = offset + length;
      incoming.asked.set(offset, { length, firstMs: nowMs, sentMs: nowMs });
      this.#send(incoming, offset, length);
    }
  }

  #send({ from: to, receiver }: Incoming, offset: number, length: number): void {
    const { group, self, send } = this.#options;
    send(to, { type: 'snapshotRequest', group, from: self, snapshotId: receiver.offer.id, offset, length });
  }

  /** Writes what has nothing missing in front of it. */
  #write({ receiver, early }: Incoming): void {
    for (;;) {
      const bytes = early.get(receiver.received);
      if (bytes === undefined) return;
      early.delete(receiver.received);
      receiver.write(receiver.received, bytes);
    }
  }

  #finish({ receiver }: Incoming): void {
    this.#current = null;
    this.#abandon(this.#parked);
    this.#parked = null;
    const controller = new AbortController();
    const { onEnded, newPause } = this.#options;
    const over = receiver.finish(abortable(controller.signal, newPause(SLICE_MS))).then(
      (snapshot) => onEnded({ type: 'fetchEnded', snapshot, error: null }),
      (error: unknown) => onEnded({ type: 'fetchEnded', snapshot: null, error: asError(error) }),
    );
    this.#finishing = { controller, over };
  }

  #fail(error: Error): void {
    this.#abandon(this.#current);
    this.#current = null;
    this.#notBeforeMs = this.#options.clock.nowMs() + FETCH_RETRY_MS;
    this.#options.onEnded({ type: 'fetchEnded', snapshot: null, error });
  }

  #abandonCurrent(why: string): void {
    const incoming = this.#current;
    this.#current = null;
    if (incoming === null) return;
    const { id, lastIncluded } = incoming.receiver.offer;
    this.#options.logger.warn({ id, index: lastIncluded.index, from: incoming.from }, `the snapshot offered ${why}`);
    this.#abandon(incoming);
  }

  /** Removes what has been received; what cannot be removed now is at the next start. */
  #abandon(incoming: Incoming | null): void {
    try {
      incoming?.receiver.abandon();
    } catch (error) {
      this.#options.logger.warn({ error }, 'what was received of a snapshot could not be removed');
    }
  }

  #tellProgress({ receiver }: Incoming, nowMs: number): void {
    if (nowMs - this.#progressMs < PROGRESS_MS && !receiver.isComplete) return;
    this.#progressMs = nowMs;
    this.#options.onProgress(receiver.offer.lastIncluded.index, receiver.received, receiver.offer.bytes);
  }
}
