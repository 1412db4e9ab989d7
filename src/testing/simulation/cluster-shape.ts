/** What a simulated cluster is like: how many nodes, how patient they are, how soon their files are full. */

import type { Dice } from './dice.js';

export interface ClusterShape {
  readonly members: number;
  readonly observers: number;
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly heartbeatMs: number;
  readonly callTimeoutMs: number;
  /** Snapshots are due after so many entries of the log. */
  readonly snapshotEntries: number;
  /** Are snapshots compared with the live objects? */
  readonly isVerified: boolean;
  readonly segmentBytes: number;
  readonly latencyMs: readonly [min: number, max: number];
  /** Bytes on their way to the objects: where they are few, objects that are made anew take a while to catch up. */
  readonly applyBytesMax: number;
  /**
   * What is done to the cluster and with it comes so many times as seldom as in most histories, and lasts so many times
   * as long.
   */
  readonly pace: number;
  /** Entries in one message, messages and submissions on their way: small, so that every border is met. */
  readonly limits: {
    readonly appendBytesMax: number;
    readonly inflightMessagesMax: number;
    readonly submissionBytesInflightMax: number;
  };
}

/** Where they are long, and a network is fast, clocks that run apart show in a lease. */
const ELECTION_TIMEOUTS_MS = [
  [30, 60],
  [40, 120],
  [60, 120],
  [150, 220],
] as const;
const LATENCIES_MS = [
  [0.05, 0.2],
  [0.2, 1],
  [0.2, 1],
  [1, 5],
] as const;
const MEMBERS = [1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7] as const;

const CALM_PACE = 50;
/** Entries on their way to a peer, one in a message, where each takes milliseconds. */
const INFLIGHT_MESSAGES_MIN = 8;
/** A message of so many bytes holds an entry or two. */
const NARROW_BYTES_MAX = 400;

/** Draws one; `members` where it is known already. */
export function drawShape(dice: Dice, members?: number): ClusterShape {
  const electionTimeoutMs = dice.oneOf(ELECTION_TIMEOUTS_MS);
  return bearable({
    members: members ?? dice.oneOf(MEMBERS),
    observers: dice.chance(0.2) ? 1 : 0,
    electionTimeoutMs,
    heartbeatMs: electionTimeoutMs[0] / 3,
    callTimeoutMs: dice.oneOf([150, 400]),
    snapshotEntries: dice.oneOf([15, 40, 150, 1_000]),
    isVerified: dice.chance(0.25),
    segmentBytes: dice.oneOf([2_048, 4_096, 16_384]),
    latencyMs: dice.oneOf(LATENCIES_MS),
    applyBytesMax: dice.oneOf([300, 4_000, 8 * 1024 * 1024]),
    pace: 1,
    limits: {
      appendBytesMax: dice.oneOf([1, 400, 4_000, 1024 * 1024]),
      inflightMessagesMax: dice.oneOf([2, 8, 256]),
      submissionBytesInflightMax: dice.oneOf([300, 3_000, 16 * 1024 * 1024]),
    },
  });
}

/**
 * Where few entries go into a message, which is on its way for long, two at a time hold less than clients write:
 * whoever is to catch up would never do so.
 */
function bearable(shape: ClusterShape): ClusterShape {
  const { limits, latencyMs } = shape;
  const inflightMessagesMax = Math.max(limits.inflightMessagesMax, INFLIGHT_MESSAGES_MIN);
  const isNarrow = limits.appendBytesMax <= NARROW_BYTES_MAX && latencyMs[0] >= 1;
  return isNarrow ? { ...shape, limits: { ...limits, inflightMessagesMax } } : shape;
}

/**
 * The same, as patient as in production, and left alone for seconds at a time: what takes half a minute happens, too.
 */
export function calm(shape: ClusterShape): ClusterShape {
  return { ...shape, electionTimeoutMs: [150, 300], heartbeatMs: 50, callTimeoutMs: 10_000, pace: CALM_PACE };
}
