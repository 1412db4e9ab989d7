/** Why a change of members was refused, as callers are told. Part of the shell. */

import { ConclaveError, type ErrorCode } from '../../errors.js';
import type { ChangeAnswer, ChangeRefusal } from './effects.js';
import type { MembersChange } from './messages.js';

/** What cannot be done, by those whom it is about. */
type Wanted = Pick<MembersChange, 'add' | 'remove'>;

type Refused = ChangeAnswer & { readonly refusal: ChangeRefusal };

const REFUSALS: Readonly<
  Record<ChangeRefusal, readonly [code: ErrorCode, message: string | ((wanted: Wanted) => string)]>
> = {
  'no leader': ['ERR_NO_LEADER', 'There is no leader to change the members. Nothing was begun.'],
  unanswered: ['ERR_TIMEOUT', 'The leader has not answered: the change may have been begun.'],
  outdated: ['ERR_CHANGE_UNDER_WAY', 'The members may have changed, and this node has yet to hear of it.'],
  'under way': ['ERR_CHANGE_UNDER_WAY', 'Another change of members, or a change of leadership, is under way.'],
  'already a member': ['ERR_ALREADY_MEMBER', ({ add }) => `${add} is a member already, or on its way to be one.`],
  'no such member': ['ERR_NO_SUCH_MEMBER', ({ remove }) => `${remove} is no member: nothing was removed or replaced.`],
  'last voter': ['ERR_CHANGE_REFUSED', 'The last member cannot be removed: stop it instead.'],
  'too many voters': ['ERR_CHANGE_REFUSED', 'A cluster has at most 15 members.'],
  'no quorum left': [
    'ERR_CHANGE_REFUSED',
    'Too few of the members that would be left have been heard from lately for the cluster to go on without this one.',
  ],
};

export function changeRefused({ refusal, index }: Refused, { add, remove }: Wanted): ConclaveError {
  const [code, message] = REFUSALS[refusal];
  const text = typeof message === 'string' ? message : message({ add, remove });
  const known = refusal === 'outdated' ? { index } : {};
  return new ConclaveError(code, text, { data: { reason: refusal, ...known, add, remove } });
}
