import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { describeCalls } from './calls-contract.js';
import { Ledger } from './fixtures/ledger.js';
import { OwnLoop } from './fixtures/own-loop.js';

const OBJECTS = { book: Ledger };

describeCalls("runs on its caller's event loop", async () => ({
  cluster: await LocalCluster.start({ objects: OBJECTS }),
}));

describeCalls('has its objects on a machine of their own', async () => ({
  cluster: await LocalCluster.start({ objects: OBJECTS, placement: { book: 'own' } }),
}));

describeCalls('is ticked by its caller', async () => {
  const cluster = await LocalCluster.start({ objects: OBJECTS, autoTick: false });
  const loop = new OwnLoop(cluster.nodes);
  return { cluster, end: () => loop.stop() };
});
