/**
 * What must hold after every step. Cheap enough to stay on in production: a core that breaks one stops, rather than
 * acknowledge what is not true.
 */

import { assert } from '../../assert.js';
import type { LogIndex, Term } from '../../ids.js';
import { isVoter } from './configuration.js';
import type { Core } from './state.js';

export function assertInvariants(core: Core, termBefore: Term, commitIndexBefore: LogIndex): void {
  assert(core.term >= termBefore, 'term never goes down');
  assert(core.commitIndex >= commitIndexBefore, 'commitIndex never goes down');
  assert(core.commitIndex <= core.log.lastIndex, 'commitIndex <= lastIndex');
  assert(core.lastApplied <= core.commitIndex, 'lastApplied <= commitIndex');
  assert(core.log.lastTerm <= core.term, 'no entry is of a later term than the node');
  const { configurations, role } = core;
  assert(
    configurations.lastIndex === (core.log.configurationIndexes.at(-1) ?? 0),
    'the newest configuration is in effect',
  );
  if (role.name !== 'leader') return;
  assert(core.votedFor === core.options.self, 'a leader has voted for itself');
  assert(role.durableIndex <= core.log.lastIndex, 'durableIndex <= lastIndex');
  const { current } = configurations;
  assert(
    isVoter(current, core.options.self) || configurations.lastIndex > core.commitIndex,
    'a leader votes, or what leaves it out is not committed',
  );
  const { self } = core.options;
  for (const id of current.electors) assert(id === self || role.peers.has(id), 'all members are sent the log');
  for (const { id } of current.learners) assert(id === self || role.peers.has(id), 'all members are sent the log');
  for (const { matchIndex, nextIndex, ackedRound } of role.peers.values()) {
    assert(matchIndex < nextIndex && nextIndex <= core.log.lastIndex + 1, 'matchIndex < nextIndex <= lastIndex + 1');
    assert(ackedRound <= role.round, 'no round is answered before it was asked');
  }
}
