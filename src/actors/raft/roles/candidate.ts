/**
 * A candidate has voted for itself in a new term and gathers votes (Raft §5.2). It leads when a quorum has given them,
 * follows when somebody else leads, and asks anew when the time is over.
 */

import type { Handlers } from '../handlers.js';
import type { Candidate } from '../state.js';
import { becomeLeader } from '../transitions.js';
import { listening } from './listening.js';

export const candidate: Handlers<Candidate> = {
  ...listening,
  requestVoteReply: (core, role, message) => {
    if (!message.voteGranted) return role;
    role.granted.add(message.from);
    return core.options.configuration.quorum.isElectionQuorum(role.granted) ? becomeLeader(core) : role;
  },
};
