/**
 * What a node's actors are made from, given its options: the one place that knows which of them needs what.
 */

import type { ResolvedObject } from '../actors/replicated/object-definition.js';
import { groupId, incarnation, observerId, type Life } from '../ids.js';
import type { DataDir } from '../storage/data-dir.js';
import { objectsFingerprint } from './objects-fingerprint.js';
import type { CheckedOptions } from './options.js';
import type { NodeAddresses, NodeParts } from './placement.js';

const GROUP = groupId(0);
/** Sessions that the cluster remembers; the least recently used is forgotten. The same on every node. */
const SESSIONS_MAX = 10_000;

/** `dataDir` is null for a node that keeps everything in memory; `life` names this one, from its start to its end. */
export function nodeParts(
  addresses: NodeAddresses,
  options: CheckedOptions,
  objects: readonly ResolvedObject[],
  classes: readonly ResolvedObject[],
  dataDir: DataDir | null,
  life: Life,
): NodeParts {
  const { cluster, peers, join, bind, electionTimeoutMs, heartbeatMs, limits, fsync, snapshot, autoCodeVersion } =
    options;
  const { places } = options.placement;
  const { raft, machines, caller, snapshotter, administration } = addresses;
  // A node that remembers nothing is another one each time.
  const remembered = dataDir?.identity.incarnation ?? incarnation(life);
  const self = options.self ?? observerId(remembered);
  const logStore = dataDir === null ? null : addresses.logStore;
  const members = [...(options.self === null ? [] : [self]), ...peers].toSorted();
  return {
    consensus: {
      cluster,
      self,
      peers,
      join,
      bind,
      group: GROUP,
      incarnation: remembered,
      life,
      electionTimeoutMs,
      heartbeatMs,
      limits,
      code: objectsFingerprint(objects, classes),
      autoCodeVersion,
      machines,
      caller,
      snapshotter,
      logStore,
      administration,
    },
    machines: machines.map((_, machine) => {
      const part = { machine, places };
      return { objects, classes, part, life, sessionsMax: SESSIONS_MAX, raft, caller, snapshotter };
    }),
    snapshotter: {
      self,
      group: GROUP,
      objects,
      classes,
      sessionsMax: SESSIONS_MAX,
      place:
        dataDir === null
          ? { kind: 'memory' }
          : { kind: 'disk', snapshots: dataDir.layout.snapshots, log: dataDir.layout.log },
      isSynced: fsync,
      snapshot: {
        entries: snapshot.entries,
        bytes: snapshot.bytes,
        intervalMs: snapshot.intervalMs,
        isVerified: snapshot.verify,
      },
      position: Math.max(0, members.indexOf(self)),
      membersCount: members.length,
      raft,
      machines,
      caller,
      logStore,
    },
    logStore: dataDir === null ? null : { directory: dataDir.layout.log, segmentBytes: limits.segmentBytes, fsync },
  };
}
