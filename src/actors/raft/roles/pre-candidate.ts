/**
 * A pre-candidate asks whether it would be elected, without moving to a new term: a node that was cut off cannot
 * disturb the others when it comes back (thesis §9.6).
 */

import { takeVote } from '../admitting.js';
import type { Handlers } from '../handlers.js';
import type { PreCandidate } from '../state.js';
import { becomeCandidate } from '../transitions.js';
import { listening } from './listening.js';

export const preCandidate: Handlers<PreCandidate> = {
  ...listening,
  requestPreVoteReply: (core, role, message) => {
    if (!message.voteGranted || message.campaignTerm !== core.term + 1) return role;
    return takeVote(core, role.granted, message.from) ? becomeCandidate(core, false) : role;
  },
};
