/**
 * A follower that is being given a snapshot, because its leader no longer has the entries it lacks. It goes on
 * listening, and campaigns like any other when its leader falls silent.
 */

import { acceptEntries, hearFromLeader, readRun } from '../appending.js';
import type { Handlers } from '../handlers.js';
import { FOLLOWER, type ReceivingSnapshot } from '../state.js';
import { listening } from './listening.js';

export const receivingSnapshot: Handlers<ReceivingSnapshot> = {
  ...listening,
  // Heartbeats go on while the snapshot is on its way, and do not end the waiting; entries that make it needless do.
  appendEntries: (core, role, message) => {
    const run = readRun(core, message);
    hearFromLeader(core, message.from);
    acceptEntries(core, message, run);
    return core.commitIndex >= role.lastIncludedIndex ? FOLLOWER : role;
  },
};
