/**
 * A Coordination as its callers reach it: by commands and queries, and by following what changes. One is in a
 * replicated object, another in this very process. Types only.
 */

import type { Coordination, CoordinationChange, NameView, Standing } from '../actors/coordination/coordination.js';
import type { RemoteOf } from '../actors/replicated/remote-of.js';
import type { Timekeeper } from '../runtime/timekeeper.js';

export type CoordinationCalls = Pick<
  RemoteOf<Coordination>,
  'openSession' | 'renew' | 'closeSession' | 'claim' | 'giveUp' | 'proclaim' | 'look' | 'standing'
>;

/** What comes first, and again after whatever was missed: the answer to a query. */
export interface FollowedState {
  readonly type: 'state';
  readonly value: Standing | NameView | null;
}

export interface CoordinationAccess {
  readonly timekeeper: Timekeeper;
  /** Calls that wait for this long at most. */
  within(timeoutMs: number): CoordinationCalls;
  /**
   * Follows a session, by its number, or a name, by what `read` says of it and then its changes. `onEnd` is called once
   * it cannot go on. Returns what ends it without a word.
   */
  follow(
    key: number | string,
    read: 'standing' | 'look',
    onNews: (news: FollowedState | CoordinationChange) => void,
    onEnd: (error: unknown) => void,
  ): () => void;
}
