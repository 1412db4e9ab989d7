/**
 * Takes snapshots: when one is due or asked for, one at a time, again when one has failed, and none while the node is
 * given another's. Part of the Snapshotter; the work itself is done elsewhere (snapshot-attempt.ts, fold.ts).
 */

import { assert } from '../../assert.js';
import { asError, ConclaveError, toPlainError } from '../../errors.js';
import { logIndex, term, type LastIncluded, type LogIndex } from '../../ids.js';
import type { Reply } from '../../runtime/actor.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import { isCorrupt } from '../../storage/snapshot-corrupt.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { isUnreadable } from '../../storage/unreadable.js';
import { CompactionTrigger, type CompactionBounds, type CompactionMark } from './compaction-trigger.js';
import { attemptSnapshot, compactionFailed, type AttemptEnv, type TakenSnapshot } from './snapshot-attempt.js';
import type { SnapshotEvent } from './snapshot-event.js';
import type { SnapshotKeeper } from './snapshot-keeper.js';
import type { SnapshotFigures } from './snapshotter-messages.js';

/** What the Snapshotter tells itself when an attempt is over. */
export interface AttemptEnded {
  readonly type: 'attemptEnded';
  readonly taken: TakenSnapshot | null;
  readonly error: Error | null;
}

export interface CompactorOptions {
  readonly bounds: CompactionBounds;
  /** This node's place among the members. */
  readonly position: number;
  readonly membersCount: number;
  readonly env: Omit<AttemptEnv, 'applied'>;
  readonly clock: Clock;
  readonly emit: (event: SnapshotEvent) => void;
  readonly tellSelf: (message: AttemptEnded) => void;
}

/** An attempt under way. */
interface Attempt {
  /** It takes in everything up to here; exactly so far, or further. */
  index: LogIndex;
  readonly previous: SnapshotInfo | null;
  /** The bytes that had been applied by then. */
  appliedBytes: number;
  readonly isDue: boolean;
  readonly startedMs: number;
  readonly controller: AbortController;
  readonly over: Promise<void>;
}

/** Somebody who has asked for a snapshot that has everything up to `index`. */
interface Asker {
  readonly index: LogIndex;
  readonly reply: Reply;
}

/** After failures in a row: 1 s, 2 s, 4 s, …, 256 s, 300 s, 300 s. */
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 300_000;
const PROGRESS_MS = 250;
const ASKERS_MAX = 1_024;

const NOTHING: LastIncluded = { index: logIndex(0), term: term(0), timestampMs: 0 };

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #env: AttemptEnv;
  readonly #keeper: SnapshotKeeper;
  readonly #logger: Logger;
  readonly #trigger: CompactionTrigger;
  #appliedIndex = logIndex(0);
  #appliedBytes = 0;
  /** Null: none is under way, nor one that was called off and has not ended yet. */
  #attempt: Attempt | null = null;
  #askers: Asker[] = [];
  /** Since the node was started. */
  #takenCount = 0;
  #failedCount = 0;
  #lastDurationMs: number | null = null;
  /** Failures since the last success. */
  #failures = 0;
  #retryAtMs = 0;
  /** The newest snapshot was lost, and none has been taken in its place. */
  #isOwed = false;
  /** The last entry in the snapshot that the node was given last; 0: since it was started, it was given none. */
  #givenIndex = logIndex(0);
  /** The node is given a snapshot: what would be taken now is of no use. */
  #isHeld = false;
  #isClosed = false;
  /** Somebody waits until so much has been applied. */
  #awaited: { readonly index: LogIndex; readonly resolve: () => void } | null = null;

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#keeper = options.env.keeper;
    this.#logger = options.env.logger;
    this.#env = { ...options.env, applied: (index, signal) => this.#applied(index, signal) };
    const { bounds, position, membersCount } = options;
    this.#trigger = new CompactionTrigger(bounds, position, membersCount, this.#mark());
  }

  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  figures(): SnapshotFigures {
    const kept = this.#keeper.store.list();
    return {
      taken: this.#takenCount,
      failed: this.#failedCount,
      lastDurationMs: this.#lastDurationMs,
      newestBytes: kept[0]?.bytes ?? 0,
      keptBytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  logApplied(index: LogIndex, bytes: number): void {
    this.#appliedIndex = index;
    this.#appliedBytes = bytes;
    if (this.#awaited !== null && this.#awaited.index <= index) this.#awaited.resolve();
    this.advance();
  }

  placeChanged(position: number, membersCount: number): void {
    this.#trigger.move(position, membersCount);
  }

  /** Somebody asks for a snapshot that has everything up to `index`, and everything known to be applied. */
  compact(index: LogIndex, reply: Reply): void {
    if (this.#askers.length >= ASKERS_MAX) {
      reply.fail(compactionFailed(index, new Error(`${ASKERS_MAX} callers wait for snapshots already.`)));
      return;
    }
    this.#askers.push({ index: logIndex(Math.max(index, this.#appliedIndex)), reply });
    this.advance();
  }

  /** Starts what is due. */
  advance(): void {
    this.#answer();
    if (this.#isHeld || this.#isClosed || this.#attempt !== null) return;
    const nowMs = this.#options.clock.nowMs();
    if (this.#askers.some(({ index }) => index <= this.#appliedIndex)) this.#start(false, nowMs);
    else if (nowMs < this.#retryAtMs || this.#appliedIndex <= this.#keeper.newestIndex) return;
    // One that has failed is tried again, due or not.
    else if (this.#failures > 0 || this.#isOwed) this.#start(false, nowMs);
    else if (this.#trigger.isDue(this.#appliedIndex, this.#appliedBytes, nowMs)) this.#start(true, nowMs);
  }

  /** With `isHeld`, ends what is under way, and starts nothing until it is called again. Askers wait. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#abort();
    else this.advance();
  }

  /** The newest snapshot is one that was given to the node. */
  newestGiven(index: LogIndex): void {
    this.#givenIndex = index;
    this.#newestChanged();
  }

  /**
   * The newest snapshot has turned out to be none: one is taken in its place, for others may need it, and the objects.
   */
  newestLost(): void {
    this.#newestChanged();
    this.#isOwed = true;
    this.advance();
  }

  onEnded({ taken, error }: AttemptEnded): void {
    const attempt = this.#attempt;
    assert(attempt !== null, 'an attempt ends once');
    this.#attempt = null;
    if (attempt.controller.signal.aborted) {
      if (taken !== null) this.#discard(taken.draft);
    } else if (taken === null) {
      this.#failed(attempt, error!);
    } else {
      this.#taken(attempt, taken);
    }
    this.advance();
  }

  /** Ends what is under way for good. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    const over = this.#attempt?.over;
    this.#isClosed = true;
    this.#abort();
    const stopped = new ConclaveError('ERR_STOPPED', 'The runtime is being stopped.');
    for (const { index, reply } of this.#askers) reply.fail(compactionFailed(index, stopped));
    this.#askers = [];
    await over;
  }

  /** The newest snapshot is not the one that was taken here last: one was given to the node, or found damaged. */
  #newestChanged(): void {
    this.#isOwed = false;
    this.#trigger.reset(this.#mark());
  }

  #start(isDue: boolean, nowMs: number): void {
    const { emit, tellSelf } = this.#options;
    const controller = new AbortController();
    const index = this.#appliedIndex;
    const appliedBytes = this.#appliedBytes;
    const previous = this.#keeper.newest;
    let toldMs = nowMs;
    let told = 0;
    const onStarted = (lastIndex: LogIndex): void => {
      attempt.index = lastIndex;
      attempt.appliedBytes = this.#appliedBytes;
      emit({ type: 'started', index: lastIndex });
    };
    const onProgress = (fraction: number): void => {
      const progressMs = this.#options.clock.nowMs();
      if (fraction <= told || progressMs - toldMs < PROGRESS_MS || controller.signal.aborted) return;
      toldMs = progressMs;
      told = fraction;
      emit({ type: 'progress', index: attempt.index, fraction });
    };
    const isUrgent = isDue && this.#trigger.isOverdue(appliedBytes);
    const plan = { previous, givenIndex: this.#givenIndex, index, isUrgent, onStarted, onProgress };
    const over = attemptSnapshot(this.#env, plan, controller.signal).then(
      (taken) => tellSelf({ type: 'attemptEnded', taken, error: null }),
      (error: unknown) => tellSelf({ type: 'attemptEnded', taken: null, error: asError(error) }),
    );
    const attempt: Attempt = { index, appliedBytes, previous, isDue, startedMs: nowMs, controller, over };
    this.#attempt = attempt;
  }

  #taken(attempt: Attempt, { draft, diverged }: TakenSnapshot): void {
    let snapshot: SnapshotInfo;
    try {
      snapshot = this.#keeper.publish(draft);
    } catch (error) {
      this.#discard(draft);
      this.#failed(attempt, asError(error));
      return;
    }
    this.#failures = 0;
    this.#retryAtMs = 0;
    this.#isOwed = false;
    this.#trigger.reset({ ...this.#mark(), appliedBytes: attempt.appliedBytes, takenMs: attempt.startedMs });
    if (attempt.isDue) this.#trigger.settle();
    const { bytes, stateBytes, lastIncluded } = snapshot;
    const { index } = lastIncluded;
    const durationMs = this.#options.clock.nowMs() - attempt.startedMs;
    this.#takenCount++;
    this.#lastDurationMs = durationMs;
    this.#logger.info({ index, bytes, stateBytes, durationMs }, 'a snapshot was taken');
    this.#options.emit({ type: 'taken', index, bytes, stateBytes, durationMs });
    for (const object of diverged) this.#diverged(object, index);
  }

  #diverged(object: string, index: LogIndex): void {
    const error = new ConclaveError(
      'ERR_DIVERGED',
      `The object ${object} holds something else than the log says at entry ${index}: one of its commands is not ` +
        'deterministic. See that they use nothing but their arguments, the state and context(); then restart the node.',
      { data: { object, index } },
    );
    this.#logger.error({ error }, 'an object has diverged');
    this.#options.emit({ type: 'diverged', object, index });
  }

  #failed({ index, previous }: Attempt, error: Error): void {
    // Where there is an older one, the next attempt begins with that.
    if (previous !== null && isOf(previous, error)) {
      this.#keeper.giveUp(previous, error);
      this.#newestChanged();
    }
    const retryInMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#failedCount++;
    this.#retryAtMs = this.#options.clock.nowMs() + retryInMs;
    const failure = compactionFailed(index, error);
    this.#logger.error({ error, index, retryInMs }, 'a snapshot could not be taken');
    this.#options.emit({ type: 'failed', error: toPlainError(failure), retryInMs });
    const covered = this.#askers.filter((asker) => asker.index <= index);
    this.#askers = this.#askers.filter((asker) => asker.index > index);
    for (const { reply } of covered) reply.fail(failure);
  }

  #abort(): void {
    this.#attempt?.controller.abort(new ConclaveError('ERR_ABORTED', 'The snapshot was called off.'));
  }

  /** Answers those who have what they asked for. */
  #answer(): void {
    const { newest, newestIndex } = this.#keeper;
    if (!this.#askers.some(({ index }) => index <= newestIndex)) return;
    for (const { index, reply } of this.#askers) if (index <= newestIndex) reply.ok(newest?.lastIncluded ?? NOTHING);
    this.#askers = this.#askers.filter(({ index }) => index > newestIndex);
  }

  async #applied(index: LogIndex, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (index <= this.#appliedIndex) return;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#awaited = { index, resolve };
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    } finally {
      this.#awaited = null;
    }
  }

  #discard({ location }: SnapshotInfo): void {
    this.#keeper.discard(location.kind === 'file' ? { kind: 'file', path: location.path } : { kind: 'memory' });
  }

  #mark(): CompactionMark {
    const { newest, newestIndex } = this.#keeper;
    return {
      index: newestIndex,
      bytes: newest?.bytes ?? 0,
      stateBytes: newest?.stateBytes ?? 0,
      appliedBytes: this.#appliedBytes,
      takenMs: this.#options.clock.nowMs(),
    };
  }
}

/** Is it this snapshot that was found damaged or could not be read, and not the log? */
function isOf({ location }: SnapshotInfo, error: Error): boolean {
  if (location.kind !== 'file' || !(error instanceof ConclaveError)) return false;
  return (isUnreadable(error) || isCorrupt(error)) && error.data['path'] === location.path;
}
