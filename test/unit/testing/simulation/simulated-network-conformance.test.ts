import { nodeId } from '../../../../src/ids.js';
import { SimulationScheduler } from '../../../../src/runtime/simulation-scheduler.js';
import { Coverage } from '../../../../src/testing/simulation/coverage.js';
import { Dice } from '../../../../src/testing/simulation/dice.js';
import { SimulatedNetwork } from '../../../../src/testing/simulation/simulated-network.js';
import { SimulatedProcess } from '../../../../src/testing/simulation/simulated-process.js';
import { describeTransport } from '../../net/transport-conformance.js';

const a = nodeId('127.0.0.1:1');
const b = nodeId('127.0.0.1:2');
const c = nodeId('127.0.0.1:3');

/** Virtual time goes on while the suite waits. */
describeTransport('SimulatedNetwork', async () => {
  const simulation = new SimulationScheduler(1);
  const network = new SimulatedNetwork(simulation, new Dice(2), new Coverage());
  const process = new SimulatedProcess(simulation);
  const timer = setInterval(() => {
    const untilMs = simulation.nowMs() + 5;
    simulation.at(untilMs, () => {});
    while (simulation.nowMs() < untilMs) simulation.step();
  }, 1);
  return {
    ids: [a, b, c],
    transport: (options) => network.transport(options, process),
    namesake: (options) => network.transport({ ...options, bind: nodeId('127.0.0.1:4') }, process),
    disconnect: () => network.disconnect(a, b),
    partition: () => {
      network.block(a, b, true);
      network.block(b, a, true);
    },
    heal: () => {
      network.unblock(a, b);
      network.unblock(b, a);
    },
    close: async () => clearInterval(timer),
  };
});
