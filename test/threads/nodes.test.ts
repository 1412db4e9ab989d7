import { object } from 'conclave';
import { ReplCounter, ReplList, ReplLockManager, ReplMap, ReplQueue } from 'conclave/objects';
import { LocalCluster } from 'conclave/testing';
import { describeNodes } from '../unit/node/node-contract.js';

const OPTIONS = {
  objects: {
    hits: ReplCounter,
    prices: ReplMap,
    steps: ReplList,
    jobs: object(ReplQueue<string>, { capacity: 2 }),
    locks: ReplLockManager,
  },
  classes: { ReplCounter },
  threads: true,
};

describeNodes('runs on threads', async () => ({ cluster: await LocalCluster.start(OPTIONS), Counter: ReplCounter }));

describeNodes('has its objects on threads of their own', async () => ({
  cluster: await LocalCluster.start({ ...OPTIONS, placement: { prices: 'one', jobs: 'other', locks: 'other' } }),
  Counter: ReplCounter,
}));
