/** What consensus reports of a node in tests. */

import type { NodeStatus } from '../../../../src/actors/replicated/caller-messages.js';
import { logIndex, nodeId, term } from '../../../../src/ids.js';

/** A follower that takes part, and has applied all that there is up to an index. */
export function followerStatus(index = 1): NodeStatus {
  return {
    type: 'nodeStatus',
    role: 'follower',
    term: term(1),
    leader: nodeId('a:1'),
    firstIndex: logIndex(1),
    lastIndex: logIndex(index),
    commitIndex: logIndex(index),
    leaderCommitIndex: logIndex(index),
    isCommitKnown: true,
    appliedIndex: logIndex(index),
    snapshotIndex: logIndex(0),
    logBytes: 0,
    connected: [],
    hasQuorum: true,
    isFounded: true,
    isMemoryLost: false,
    isAdmitted: true,
    members: [],
    observers: [],
    isChanging: false,
    isRemoved: false,
    codeVersion: 0,
  };
}
