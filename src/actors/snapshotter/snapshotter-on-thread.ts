/** The Snapshotter of a node with threads, on its storage thread: what it folds is folded on further ones. */

import type { ActorFactory } from '../../runtime/actor.js';
import { NodeDisk } from '../../storage/node-disk.js';
import { PoolFoldRunner } from './pool-fold-runner.js';
import { snapshotterActorOn, type SnapshotterData } from './snapshotter-actor.js';
import type { SnapshotterMessage } from './snapshotter-messages.js';

/** Makes the actor; the export that a storage thread spawns by name. */
export const snapshotterActor: ActorFactory<SnapshotterMessage, SnapshotterData> = (context, data) =>
  snapshotterActorOn(new NodeDisk({ isSynced: data.isSynced }), new PoolFoldRunner())(context, data);
