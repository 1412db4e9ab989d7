/** Why a change of members was refused, as callers are told. Part of the shell. */

import { ConclaveError, type ErrorCode } from '../../errors.js';
import type { ChangeRefusal } from './effects.js';

const REFUSALS: Readonly<Record<ChangeRefusal, readonly [code: ErrorCode, message: string]>> = {
  'no leader': ['ERR_NO_LEADER', 'There is no leader to change the members. Nothing was begun.'],
  unanswered: ['ERR_TIMEOUT', 'The leader has not answered: the change may have been begun.'],
  outdated: ['ERR_CHANGE_UNDER_WAY', 'The members may have changed, and this node has yet to hear of it.'],
  'under way': ['ERR_CHANGE_UNDER_WAY', 'Another change of members, or a change of leadership, is under way.'],
  'already a member': ['ERR_ALREADY_MEMBER', 'The node to be added is a member already.'],
  'no such member': ['ERR_NO_SUCH_MEMBER', 'The node to be removed or replaced is no member.'],
  'last voter': ['ERR_CHANGE_REFUSED', 'The last member cannot be removed: stop it instead.'],
  'too many voters': ['ERR_CHANGE_REFUSED', 'A cluster has at most 15 members.'],
  'no quorum left': [
    'ERR_CHANGE_REFUSED',
    'Too few of the members that would be left have been heard from lately for the cluster to go on without this one.',
  ],
};

export function changeRefused(refusal: ChangeRefusal): ConclaveError {
  const [code, message] = REFUSALS[refusal];
  return new ConclaveError(code, message, { data: { reason: refusal } });
}
