/**
 * How those who are no members learn who the members are from any of them (only a leader sends them the log): one who
 * is to join and knows one address, an observer whose members have all been replaced, one that was removed while it was
 * away.
 */

import { isMember, membersOf } from './configuration.js';
import { decodeConfiguration, encodeConfiguration } from './configuration-entry.js';
import type { NodeId } from '../../ids.js';
import type { MembersKnown } from './messages.js';
import type { Core } from './state.js';
import { hasRecentLeader } from './voting.js';

/** In so many election timeouts one is told again what it knows already, unless that was lost. */
const TOLD_AGAIN_TIMEOUTS = 10;

/** Tells each connected node that is no member: at once for each configuration that is committed, and now and then. */
export function introduceMembers(core: Core): void {
  if (!isSettled(core)) return;
  const { current } = core.configurations;
  const lostBeforeMs = core.nowMs - TOLD_AGAIN_TIMEOUTS * core.options.electionTimeoutMs[1];
  for (const id of core.connected) {
    if (isMember(current, id)) continue;
    const told = core.introduced.get(id);
    if (told === undefined || told.configuration !== current || told.atMs <= lostBeforeMs) introduceTo(core, id);
  }
}

/** A node asks for votes that will not be given it: as far as is known here, it is no member. */
export function introduceToCandidate(core: Core, id: NodeId): void {
  if (isSettled(core) && !isMember(core.configurations.current, id)) introduceTo(core, id);
}

/** Is the configuration in effect there to stay? */
function isSettled({ configurations, commitIndex }: Core): boolean {
  return configurations.isFounded && configurations.lastIndex <= commitIndex && configurations.current.old === null;
}

function introduceTo(core: Core, to: NodeId): void {
  const { group, self } = core.options;
  const { current } = core.configurations;
  core.introduced.set(to, { configuration: current, atMs: core.nowMs });
  core.effects.push({
    type: 'send',
    to,
    message: {
      type: 'membersKnown',
      group,
      from: self,
      term: core.term,
      commitIndex: core.commitIndex,
      hasLeader: core.leader !== null && hasRecentLeader(core),
      configuration: encodeConfiguration(current),
    },
  });
}

/**
 * A node that follows a leader learns all of this from the log. One that has not heard from any for as long as it takes
 * to campaign, is told that it is left out by one that has, and knows less than that one, has been removed; should it
 * have been let in again in that very moment, it may be started again.
 *
 * @throws ConclaveError `ERR_PROTOCOL`
 */
export function onMembersKnown(core: Core, message: MembersKnown): void {
  const configuration = decodeConfiguration(message.configuration);
  if (core.configurations.isFounded && message.commitIndex <= core.commitIndex) return;
  core.effects.push({ type: 'meet', members: membersOf(configuration) });
  if (!core.isOfTheGroup || isMember(configuration, core.options.self) || !message.hasLeader) return;
  if (core.leader !== null || core.nowMs - core.leaderContactMs < core.options.electionTimeoutMs[0]) return;
  // After a start, little is known to be committed: the sender may know more of that, and not how this node was let in.
  // What its log says behind that may be what nobody else has, and may never be committed.
  if (message.commitIndex < core.configurations.letInAt(core.options.self)) return;
  core.isOfTheGroup = false;
  core.effects.push({ type: 'removed' });
}
