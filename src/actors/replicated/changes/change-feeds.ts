/**
 * Tells the caller of its node what changes in the objects that it watches: begins and ends watching, and sends what
 * has been recorded, once for each object and batch of messages. On the thread of the objects, a part of MachineActor.
 * It never waits for one who reads: what the caller has not taken stays in the recorders, which drop the oldest.
 */

import { assert } from '../../../assert.js';
import { ConclaveError, toPlainError } from '../../../errors.js';
import { logIndex } from '../../../ids.js';
import type { ActorRef, Transferable } from '../../../runtime/actor.js';
import type { Clock } from '../../../runtime/clock.js';
import { ArrayWriter } from '../array-writer.js';
import type { CallerMessage, WatchedChanges } from '../caller-messages.js';
import { createdName } from '../command-name.js';
import { noSuchObject } from '../created-objects.js';
import type { Machine } from '../machine.js';
import type { UnwatchChanges, WatchChanges } from '../machine-messages.js';
import { collectTransfers } from '../results.js';
import { batchBytes } from './change-batch.js';
import type { ChangeKey } from './change-key.js';
import { placeAfterEntry } from './change-place.js';
import type { ChangeRecorder } from './change-recorder.js';

/** For how long changes are recorded after the last watcher has left: for one who comes back and goes on. */
export const KEPT_UNWATCHED_MS = 30_000;

/** How many keys are recorded for in one object; beyond it those that nobody watches any more are given up first. */
const FEEDS_MAX = 10_000;

/** So much may be on its way to a caller that takes nothing. */
const SENT_BYTES_MAX = 16 * 1024 * 1024;

export interface ChangeFeedsHost {
  readonly clock: Clock;
  readonly caller: ActorRef<CallerMessage>;
  /** The number of the machine on its node. */
  readonly machine: number;
  /** Calls `forgetIdle` after so long. */
  readonly forgetLater: (delayMs: number) => void;
}

export class ChangeFeeds {
  readonly #host: ChangeFeedsHost;
  /** Those of the machine that there is that record. */
  readonly #recorders = new Set<ChangeRecorder>();
  /** Who is told of what, by the id of the watch. */
  readonly #watches = new Map<number, { readonly recorder: ChangeRecorder; readonly key: ChangeKey | undefined }>();
  /** Those that begin once the objects are as new as they ask for, in the order of their arrival. */
  #waiting: WatchChanges[] = [];
  readonly #writer = new ArrayWriter();
  #sentBytes = 0;
  #isForgetting = false;

  constructor(host: ChangeFeedsHost) {
    this.#host = host;
  }

  watch(message: WatchChanges): void {
    this.#waiting.push(message);
  }

  unwatch({ watchId }: UnwatchChanges): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.watchId !== watchId);
    const watch = this.#watches.get(watchId);
    // What it watched may have been lost meanwhile, and somebody else may have begun to watch it.
    if (watch === undefined) return;
    this.#watches.delete(watchId);
    const { recorder, key } = watch;
    recorder.end(key, this.#host.clock.nowMs());
    if (recorder.feeds > FEEDS_MAX) recorder.forgetIdle(this.#host.clock.nowMs());
    this.#forgetLater();
  }

  /** The caller has taken so much of what it was sent. */
  taken(bytes: number): void {
    // What another object's thread had sent may be among it.
    this.#sentBytes = Math.max(0, this.#sentBytes - bytes);
  }

  /** Sends what has been gathered, and begins what may begin. */
  drained(machine: Machine): void {
    if (this.#recorders.size > 0) this.#tellNews(machine.appliedIndex);
    if (this.#waiting.length > 0) this.#beginWaiting(machine);
  }

  /** Another machine takes the place of the one that there was, and nobody knows what has changed in between. */
  replaced(): void {
    if (this.#recorders.size === 0) return;
    this.#recorders.clear();
    this.#watches.clear();
    this.#sentBytes = 0;
    this.#host.caller.tell({ type: 'allChangesLost', machine: this.#host.machine });
  }

  /** Stops recording what nobody has watched for so long. */
  forgetIdle(): void {
    this.#isForgetting = false;
    const beforeMs = this.#host.clock.nowMs() - KEPT_UNWATCHED_MS;
    let isAnyIdle = false;
    for (const recorder of this.#recorders) {
      recorder.forgetIdle(beforeMs);
      if (recorder.feeds === 0) this.#recorders.delete(recorder);
      else isAnyIdle ||= recorder.hasIdle;
    }
    if (isAnyIdle) this.#forgetLater();
  }

  #forgetLater(): void {
    if (this.#isForgetting) return;
    this.#isForgetting = true;
    this.#host.forgetLater(KEPT_UNWATCHED_MS);
  }

  #tellNews(appliedIndex: number): void {
    const changes: WatchedChanges['changes'][number][] = [];
    const transfer: Transferable[] = [];
    for (const recorder of this.#recorders) {
      if (!recorder.hasNews || (this.#sentBytes >= SENT_BYTES_MAX && !recorder.isLost)) continue;
      const news = recorder.takeNews(this.#writer);
      const { object } = recorder;
      if (news.type === 'lost') {
        this.#forget(recorder);
        changes.push({ object, lost: toPlainError(news.error) });
      } else {
        changes.push({ object, batch: news.batch });
        transfer.push(news.batch.places.buffer, news.batch.changes.buffer);
        this.#sentBytes += batchBytes(news.batch);
      }
    }
    if (changes.length === 0) return;
    const { caller, machine } = this.#host;
    caller.tell({ type: 'watchedChanges', machine, appliedIndex: logIndex(appliedIndex), changes }, transfer);
  }

  /** Nobody watches it any more. */
  #forget(recorder: ChangeRecorder): void {
    this.#recorders.delete(recorder);
    for (const [watchId, watch] of this.#watches) if (watch.recorder === recorder) this.#watches.delete(watchId);
  }

  #beginWaiting(machine: Machine): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) {
      if (message.index <= machine.appliedIndex) this.#begin(message, machine);
      else this.#waiting.push(message);
    }
  }

  #begin({ watchId, object, key, from, block }: WatchChanges, machine: Machine): void {
    const { caller, machine: number } = this.#host;
    const recorder = machine.changesOf(object);
    if (recorder === undefined) {
      const called = createdName(object);
      assert(called !== null, 'those of the options are always there');
      const error = noSuchObject({ object: called.object, class: called.class });
      caller.tell({ type: 'watchRefused', machine: number, watchId, error: toPlainError(error) });
      return;
    }
    // Those who watched before are told first: one who begins now has lost nothing.
    if (recorder.isLost) this.#tellNews(machine.appliedIndex);
    const next = placeAfterEntry(machine.appliedIndex);
    const missed = recorder.begin(key, from, next);
    if (missed === null) {
      caller.tell({ type: 'watchRefused', machine: number, watchId, error: toPlainError(notKept(object)) });
      return;
    }
    this.#recorders.add(recorder);
    this.#watches.set(watchId, { recorder, key });
    this.#sentBytes += batchBytes(missed);
    const state = block === null ? null : machine.query(block);
    const transfer: ArrayBuffer[] = [missed.places.buffer, missed.changes.buffer];
    if (state !== null) collectTransfers(state, transfer);
    caller.tell({ type: 'watchBegun', machine: number, watchId, at: next, missed, state }, transfer);
  }
}

function notKept(object: string): ConclaveError {
  return new ConclaveError(
    'ERR_CHANGES_LOST',
    `What has changed in ${object} since then is not kept here any more. Read its state, and watch from there.`,
    { data: { object } },
  );
}
