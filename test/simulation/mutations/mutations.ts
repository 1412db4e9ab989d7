/** All mutations. */

import { COMMANDS } from './table/commands.js';
import { COMMITMENT } from './table/commitment.js';
import { CREATED_OBJECTS } from './table/created-objects.js';
import { CODE_VERSIONS } from './table/code-versions.js';
import { ELECTIONS } from './table/elections.js';
import { LEADERSHIPS } from './table/leaderships.js';
import { LOCKS } from './table/locks.js';
import { MEMBERSHIP } from './table/membership.js';
import { READS } from './table/reads.js';
import { REPLICATION } from './table/replication.js';
import { SNAPSHOTS } from './table/snapshots.js';
import { STORAGE } from './table/storage.js';
import type { Mutation } from './mutation.js';

/** By what they break. */
export const MUTATIONS: Readonly<Record<string, readonly Mutation[]>> = {
  Elections: ELECTIONS,
  Replication: REPLICATION,
  Commitment: COMMITMENT,
  Membership: MEMBERSHIP,
  Reads: READS,
  Commands: COMMANDS,
  Storage: STORAGE,
  Snapshots: SNAPSHOTS,
  Locks: LOCKS,
  Leaderships: LEADERSHIPS,
  'Created objects': CREATED_OBJECTS,
  'Code versions': CODE_VERSIONS,
};

export const ALL_MUTATIONS: readonly Mutation[] = Object.values(MUTATIONS).flat();
