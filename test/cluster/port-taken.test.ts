import { expect, onTestFinished, test } from 'vitest';
import { freeAddresses } from '../unit/net/support/loopback.js';
import { NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';

test.each([true, false])(
  "a second process on a node's address is told so and can end, and the first one notices nothing (threads: %s)",
  async (threads) => {
    const cluster = await ProcessCluster.start(1, { threads });
    const [first] = cluster.nodes;
    const second = new NodeProcess(first!.address);
    onTestFinished(async () => void (await second.kill()));

    const start = second.call('start', { self: first!.address, peers: [], threads });

    await expect(start).rejects.toMatchObject({ code: 'ERR_ADDRESS_UNAVAILABLE' });
    // It ends by itself, for nothing of the node is left in it.
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    expect(await first!.call('append', { caller: 'test', number: 1, timeoutMs: 1_000 })).toBe(1);
    expect(await cluster.complaints()).toEqual([]);
  },
);

test('an address that is not of this machine is refused in the same way', async () => {
  const [self] = await freeAddresses(1);
  const node = new NodeProcess(self!);
  onTestFinished(async () => void (await node.kill()));

  const start = node.call('start', { self: self!, peers: [], bind: '192.0.2.1:4321' });

  await expect(start).rejects.toMatchObject({ code: 'ERR_ADDRESS_UNAVAILABLE' });
  expect(await node.stop()).toEqual({ code: 0, signal: null });
});
