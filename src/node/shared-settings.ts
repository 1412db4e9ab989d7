/**
 * The settings that all nodes of a cluster must share, as hellos carry them: with different ones they would count
 * different majorities, trust leases that others do not keep, or build different objects from the same log.
 */

import { isObserverId } from '../net/hello.js';
import type { Settings } from '../net/settings.js';
import type { ConsensusData } from './consensus-actor.js';
import { textOrDigest } from './objects-fingerprint.js';

/** Small enough for a hello, whatever the options are. */
export function sharedSettings(
  data: Pick<ConsensusData, 'self' | 'peers' | 'electionTimeoutMs' | 'limits' | 'objects'>,
): Settings {
  const { self, peers, electionTimeoutMs, limits, objects } = data;
  const members = isObserverId(self) ? peers : [self, ...peers];
  return {
    members: textOrDigest(members.toSorted().join(',')),
    electionTimeoutMs: electionTimeoutMs.join('-'),
    commandBytes: String(limits.commandBytes),
    objects,
  };
}
