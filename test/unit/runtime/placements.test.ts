import { MessageChannel } from 'node:worker_threads';
import { describePlacement } from '../../threads/fixtures/placement-contract.js';
import { puppet } from '../../threads/fixtures/puppet.js';
import { inlineSystem } from './inline-system.js';

describePlacement('an actor of the same system', async () => {
  const system = inlineSystem('main');
  return {
    caller: system,
    calleeName: 'main',
    spawnPuppet: async (options) => void system.spawn({ data: undefined, ...options, factory: puppet }),
    end: async () => system.stop(),
  };
});

describePlacement('an actor of a linked system', async () => {
  const caller = inlineSystem('caller');
  const callee = inlineSystem('callee');
  const { port1, port2 } = new MessageChannel();
  caller.link('callee', port1);
  callee.link('caller', port2);
  return {
    caller,
    calleeName: 'callee',
    spawnPuppet: async (options) => void callee.spawn({ data: undefined, ...options, factory: puppet }),
    end: async () => {
      caller.stop();
      callee.stop();
    },
  };
});
