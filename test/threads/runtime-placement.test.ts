import { linkThread } from '../../dist/runtime/threads/link-threads.js';
import { describePlacement } from './fixtures/placement-contract.js';
import { mainSystem, puppetModule, startThread } from './fixtures/threads.js';

describePlacement('an actor on a worker thread', async () => {
  const caller = mainSystem();
  const host = await startThread('worker');
  await linkThread(caller, host);
  return {
    caller,
    calleeName: 'worker',
    spawnPuppet: (options) => host.spawn({ ...options, module: puppetModule, export: 'puppet' }),
    end: async () => {
      caller.stop();
      await host.stop();
    },
  };
});
