/**
 * How a node fares, in a word: what its fate, its consensus and its user say of it together. Pure; on the thread that
 * started the node.
 */

import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import { ConclaveError } from '../errors.js';
import { finalErrorIn } from './failure.js';

/**
 * How a node fares.
 *
 * - `starting`: it has not heard from consensus yet.
 * - `founding`: it knows of no cluster yet. To found one it takes all members at once, for any that were missing might
 *   remember one; from then on a majority is enough.
 * - `memory lost`: it remembers a cluster, and too many of the other members do not for there ever to be a leader
 *   again: only people can mend that. Commands wait, and local queries are answered.
 * - `no quorum`: it knows no leader, or is one that cannot reach a quorum. Commands wait.
 * - `catching up`: it has a leader, and has not yet applied what was committed when it found it, after its start or
 *   after it was cut off; or it is being given a snapshot.
 * - `ok`: it takes part.
 * - `object failed`: a thread of its objects has ended and is being brought back.
 * - `thread dead`: one of its threads has ended for good, and the node with it; `status().failure` says why.
 * - `failed`: it cannot go on for another reason, its disk for instance; `status().failure` says which.
 * - `stopped`: `stop()` was called, or the node was removed from the cluster.
 */
export type Health =
  | 'starting'
  | 'founding'
  | 'memory lost'
  | 'no quorum'
  | 'catching up'
  | 'ok'
  | 'object failed'
  | 'thread dead'
  | 'failed'
  | 'stopped';

/** All of them. */
export const HEALTHS = Object.keys({
  starting: true,
  founding: true,
  'memory lost': true,
  'no quorum': true,
  'catching up': true,
  ok: true,
  'object failed': true,
  'thread dead': true,
  failed: true,
  stopped: true,
} satisfies Readonly<Record<Health, true>>) as readonly Health[];

export interface HealthSigns {
  readonly isStopped: boolean;
  /** Why the node cannot go on; null: it does. */
  readonly failure: Error | null;
  readonly areMachinesUp: boolean;
  /** Null: consensus has not said anything yet. */
  readonly status: NodeStatus | null;
  readonly isReady: boolean;
  /** Has it still to apply what was committed when it found its leader? */
  readonly isBehind: boolean;
}

export function healthOf({ isStopped, failure, areMachinesUp, status, isReady, isBehind }: HealthSigns): Health {
  if (isStopped) return 'stopped';
  if (failure !== null) return hasThreadEnded(failure) ? 'thread dead' : 'failed';
  if (!areMachinesUp) return 'object failed';
  if (status === null) return 'starting';
  if (!status.isFounded) return 'founding';
  if (status.isMemoryLost) return 'memory lost';
  if (status.leader === null || !status.hasQuorum) return 'no quorum';
  return isReady && !isBehind ? 'ok' : 'catching up';
}

const OF_THREADS: ReadonlySet<string> = new Set(['ERR_THREAD_EXITED', 'ERR_OBJECT_FAILED']);

/** A thread that the disk has ended is not what is to be mended. */
function hasThreadEnded(failure: Error): boolean {
  if (finalErrorIn(failure) !== null) return false;
  for (let cause: unknown = failure; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConclaveError && OF_THREADS.has(cause.code)) return true;
  }
  return false;
}
