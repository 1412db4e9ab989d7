/** Simulated nodes that learn of each other one after the other are connected, whoever dials first. */

import { CODE } from '../../net/support/code.js';
import { expect, test } from 'vitest';
import { nodeId, type NodeId } from '../../../../src/ids.js';
import { SimulationScheduler } from '../../../../src/runtime/simulation-scheduler.js';
import { Coverage } from '../../../../src/testing/simulation/coverage.js';
import { Dice } from '../../../../src/testing/simulation/dice.js';
import { SimulatedNetwork } from '../../../../src/testing/simulation/simulated-network.js';
import { SimulatedProcess } from '../../../../src/testing/simulation/simulated-process.js';
import type { Transport } from '../../../../src/net/transport.js';
import { incarnationOf } from '../../net/support/loopback.js';
import { Recorder } from '../../net/support/recorder.js';
import { numbered, numberOf } from '../../net/support/sample-messages.js';

const A = nodeId('a:1');
const B = nodeId('b:1');

/** How much later the other one learns: before, while and after a hello is on its way. */
const LATER_MS = [0.05, 0.15, 0.3, 0.5, 0.9, 1.5, 3];
const SETTLED_MS = 200;

test.each([
  [A, B],
  [B, A],
])('%s dials first', async (first, second) => {
  for (const laterMs of LATER_MS) {
    const simulation = new SimulationScheduler(1);
    const network = new SimulatedNetwork(simulation, new Dice(2), new Coverage());
    const start = async (self: NodeId): Promise<{ readonly transport: Transport; readonly seen: Recorder }> => {
      const options = { cluster: 'c', self, incarnation: incarnationOf(self[0]!), peers: [], settings: {}, code: CODE };
      const transport = network.transport(options, new SimulatedProcess(simulation));
      const seen = new Recorder();
      await transport.start(seen);
      return { transport, seen };
    };
    const [x, y] = [await start(first), await start(second)];

    x.transport.setPeers([second]);
    await simulation.runFor(laterMs);
    y.transport.setPeers([first]);
    await simulation.runFor(SETTLED_MS);
    x.transport.send(second, numbered(first, 1));
    y.transport.send(first, numbered(second, 2));
    await simulation.runFor(SETTLED_MS);

    expect([x, y].map(({ seen }) => seen.messages.map(numberOf))).toEqual([[2], [1]]);
  }
});
