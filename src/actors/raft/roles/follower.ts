/**
 * A follower takes entries from its leader, votes, and campaigns when no leader is heard from (Raft §5.2). Learners and
 * observers are followers that never campaign.
 */

import { mayCampaign } from '../admitting.js';
import type { Handlers } from '../handlers.js';
import type { Follower } from '../state.js';
import { becomeCandidate } from '../transitions.js';
import { listening } from './listening.js';

export const follower: Handlers<Follower> = {
  ...listening,
  // The leader itself asks for the election: no pre-vote, for that would be refused while it leads (thesis §3.10).
  timeoutNow: (core, role, message) =>
    mayCampaign(core) && message.from === core.leader ? becomeCandidate(core, true) : role,
};
