/**
 * A candidate has voted for itself in a new term and gathers votes (Raft §5.2). It leads when a quorum has given them,
 * follows when somebody else leads, and asks anew when the time is over.
 */

import { mayCampaign, takeVote } from '../admitting.js';
import type { Handlers } from '../handlers.js';
import type { Candidate } from '../state.js';
import { becomeLeader } from '../transitions.js';
import { listening } from './listening.js';

export const candidate: Handlers<Candidate> = {
  ...listening,
  requestVoteReply: (core, role, message) => {
    if (!message.voteGranted) return role;
    // Since it has campaigned, a snapshot may have told it that it has no vote.
    return takeVote(core, role.granted, message.from) && mayCampaign(core) ? becomeLeader(core, role.granted) : role;
  },
};
