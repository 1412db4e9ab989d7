/**
 * What must hold after every step. Cheap enough to stay on in production: a core that breaks one stops, rather than
 * acknowledge what is not true.
 */

import { assert } from '../../assert.js';
import type { LogIndex, Term } from '../../ids.js';
import type { Core } from './state.js';

export function assertInvariants(core: Core, termBefore: Term, commitIndexBefore: LogIndex): void {
  assert(core.term >= termBefore, 'term never goes down');
  assert(core.commitIndex >= commitIndexBefore, 'commitIndex never goes down');
  assert(core.commitIndex <= core.log.lastIndex, 'commitIndex <= lastIndex');
  assert(core.lastApplied <= core.commitIndex, 'lastApplied <= commitIndex');
  assert(core.log.lastTerm <= core.term, 'no entry is of a later term than the node');
  const { role } = core;
  if (role.name !== 'leader') return;
  assert(core.votedFor === core.options.self, 'a leader has voted for itself');
  assert(role.durableIndex <= core.log.lastIndex, 'durableIndex <= lastIndex');
  for (const { matchIndex, nextIndex, ackedRound } of role.peers.values()) {
    assert(matchIndex < nextIndex && nextIndex <= core.log.lastIndex + 1, 'matchIndex < nextIndex <= lastIndex + 1');
    assert(ackedRound <= role.round, 'no round is answered before it was asked');
  }
}
