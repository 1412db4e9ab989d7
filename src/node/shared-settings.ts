/**
 * The settings that all nodes of a cluster must share, as hellos carry them: with different ones they would trust
 * leases that others do not keep. Who the members are is not among them: that is in the log, and some know of it later
 * than others.
 */

import type { Settings } from '../net/settings.js';
import type { ConsensusData } from './consensus-actor.js';

/** Small enough for a hello, whatever the options are. */
export function sharedSettings(data: Pick<ConsensusData, 'electionTimeoutMs' | 'limits'>): Settings {
  const { electionTimeoutMs, limits } = data;
  return {
    electionTimeoutMs: electionTimeoutMs.join('-'),
    commandBytes: String(limits.commandBytes),
  };
}
