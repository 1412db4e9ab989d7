import { object } from '../../../src/actors/replicated/object-definition.js';
import {
  ReplCounter,
  ReplList,
  ReplLockManager,
  ReplMap,
  ReplQueue,
} from '../../../src/actors/replicated/objects/index.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { OwnLoop } from './fixtures/own-loop.js';
import { describeNodes } from './node-contract.js';

const OPTIONS = {
  objects: {
    hits: ReplCounter,
    prices: ReplMap,
    steps: ReplList,
    jobs: object(ReplQueue<string>, { capacity: 2 }),
    locks: ReplLockManager,
  },
  classes: { ReplCounter },
};

describeNodes("runs on its caller's event loop", async () => ({
  cluster: await LocalCluster.start(OPTIONS),
  Counter: ReplCounter,
}));

describeNodes('has its objects on machines of their own', async () => ({
  cluster: await LocalCluster.start({ ...OPTIONS, placement: { prices: 'one', jobs: 'other', locks: 'other' } }),
  Counter: ReplCounter,
}));

describeNodes('is ticked by its caller', async () => {
  const cluster = await LocalCluster.start({ ...OPTIONS, autoTick: false });
  const loop = new OwnLoop(cluster.nodes);
  return { cluster, Counter: ReplCounter, end: () => loop.stop() };
});
