/**
 * One attempt to take a snapshot, from the hash of the live objects, where they are to be compared, to the finished
 * draft. Part of the Snapshotter: runs beside its messages, changes nothing of it, and tells what has come of it.
 */

import { assert } from '../../assert.js';
import { ConclaveError } from '../../errors.js';
import { logIndex, type GroupId, type LogIndex } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import type { Logger } from '../../runtime/logger.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import type { HashedState, MachineMessage } from '../replicated/machine-messages.js';
import type { ResolvedObject } from '../replicated/object-definition.js';
import type { FoldLog, FoldResult, OnProgress } from './fold.js';
import type { FoldRunner } from './fold-runner.js';
import type { LogGatherer } from './log-gatherer.js';
import type { SnapshotKeeper } from './snapshot-keeper.js';

export interface AttemptEnv {
  readonly group: GroupId;
  readonly objects: readonly ResolvedObject[];
  readonly classes: readonly ResolvedObject[];
  readonly sessionsMax: number;
  readonly isSynced: boolean;
  readonly isVerified: boolean;
  /** The directory of the log. Null: it is in memory only. */
  readonly logDirectory: string | null;
  /** Whose objects are compared next: a fold ends at one index, and no two machines are at the same one. */
  readonly nextCompared: () => ActorRef<MachineMessage>;
  readonly gatherer: LogGatherer;
  readonly runner: FoldRunner;
  readonly keeper: SnapshotKeeper;
  readonly logger: Logger;
  /** Resolves when the log may be read up to there. */
  readonly applied: (index: LogIndex, signal: AbortSignal) => Promise<void>;
}

export interface AttemptPlan {
  /** Null: there is none yet. */
  readonly previous: SnapshotInfo | null;
  /** `previous` comes of a snapshot that was given to the node, and ended here; 0: of what the node has begun with. */
  readonly givenIndex: LogIndex;
  /** It takes in everything up to here, or further. */
  readonly index: LogIndex;
  /** The log grows faster than snapshots are taken: this one must not wait for everybody else. */
  readonly isUrgent: boolean;
  /** Told where it ends, once that is certain. */
  readonly onStarted: (index: LogIndex) => void;
  readonly onProgress: OnProgress;
}

export interface TakenSnapshot {
  /** The draft, finished: to be published, or discarded. */
  readonly draft: SnapshotInfo;
  /** Of the objects that were compared, those that were not the same, live and in the snapshot. */
  readonly diverged: readonly string[];
}

/** The objects do not change while they are hashed, so it is not for ever. */
const HASH_TIMEOUT_MS = 60_000;

/** Takes a snapshot. Whatever it rejects with, nothing is left of it. */
export async function attemptSnapshot(env: AttemptEnv, plan: AttemptPlan, signal: AbortSignal): Promise<TakenSnapshot> {
  const hashed = env.isVerified ? await hashLive(env, plan, signal) : null;
  const lastIndex = hashed?.index ?? plan.index;
  await env.applied(lastIndex, signal);
  signal.throwIfAborted();
  plan.onStarted(lastIndex);
  const firstIndex = logIndex((plan.previous?.lastIncluded.index ?? 0) + 1);
  const log = await logFor(env, firstIndex, lastIndex, signal);
  signal.throwIfAborted();
  const draft = env.keeper.store.newDraft();
  const { objects, classes, sessionsMax, isSynced } = env;
  const previous = plan.previous?.location ?? null;
  try {
    const result = await env.runner.run(
      { objects, classes, sessionsMax, previous, log, draft, isSynced },
      { isUrgent: plan.isUrgent, signal, onProgress: plan.onProgress },
    );
    signal.throwIfAborted();
    assert(result.snapshot.lastIncluded.index === lastIndex, 'a fold ends where it was to end');
    return { draft: result.snapshot, diverged: hashed === null ? [] : differences(hashed, result) };
  } catch (error) {
    env.keeper.discard(draft);
    throw error;
  }
}

/** Null: they cannot be compared this time. */
async function hashLive(
  env: AttemptEnv,
  { index, givenIndex }: AttemptPlan,
  signal: AbortSignal,
): Promise<HashedState | null> {
  try {
    const hashed = await env
      .nextCompared()
      .ask<HashedState | null>({ type: 'hashState' }, { timeoutMs: HASH_TIMEOUT_MS, signal });
    // Objects that were loaded anew may not have come so far yet.
    if (hashed === null || hashed.index < index) return null;
    // Those that were ahead of a snapshot that the node was given have not begun with it. Other code has taken it, and
    // may have left out fields that these have, or put in fields of which this code does not know.
    return hashed.restoredIndex < givenIndex ? null : hashed;
  } catch (error) {
    signal.throwIfAborted();
    env.logger.warn({ error }, 'the objects could not be hashed; the snapshot is taken without being compared');
    return null;
  }
}

async function logFor(
  { logDirectory, group, gatherer }: AttemptEnv,
  firstIndex: LogIndex,
  lastIndex: LogIndex,
  signal: AbortSignal,
): Promise<FoldLog> {
  if (logDirectory !== null) return { kind: 'files', directory: logDirectory, group, firstIndex, lastIndex };
  const pieces = await gatherer.gather(firstIndex, lastIndex, signal);
  return { kind: 'memory', firstIndex, lastIndex, pieces };
}

function differences({ hashes }: HashedState, result: FoldResult): string[] {
  const folded = new Map(result.hashes);
  return hashes.filter(([object, hash]) => folded.get(object) !== hash).map(([object]) => object);
}

/** Says what has not come of it, in terms of what was asked for. */
export function compactionFailed(index: LogIndex, cause: Error): ConclaveError {
  return new ConclaveError(
    'ERR_COMPACTION_FAILED',
    `No snapshot could be taken up to entry ${index}: ${cause.message} The log is kept, and it will be tried again.`,
    { data: { index }, cause },
  );
}
