/**
 * Those who hold locks by way of a sidecar, all in one process of their own: each with a connection that it keeps, as
 * Metaparticle's clients have. Started by measure-locks, never by hand.
 */

import { serveParent } from '../processes/calls.js';
import { HeartbeatConnection } from './heartbeat-connection.js';
import { runHeartbeats, type HeartbeatsRequest, type HeartbeatsResult } from './heartbeats.js';

export type HeartbeatOperations = {
  readonly heartbeats: (request: HeartbeatsRequest & { readonly port: number }) => Promise<HeartbeatsResult>;
};

const connections: HeartbeatConnection[] = [];

const operations: HeartbeatOperations = {
  heartbeats: ({ port, ...request }) =>
    runHeartbeats(async (name) => {
      const connection = new HeartbeatConnection(port, name);
      connections.push(connection);
      // The first one acquires.
      await connection.beat();
      return () => connection.beat();
    }, request),
};

serveParent(operations, async () => connections.forEach((each) => each.close()));
