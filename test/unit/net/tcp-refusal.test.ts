/** What a machine says of an address: that nobody listens there, or anything else. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { nodeId } from '../../../src/ids.js';
import { isRefusing } from '../../../src/net/refusal.js';
import { freeAddresses } from './support/loopback.js';

test('an address where nobody listens is refused', async () => {
  const [address] = await freeAddresses(1);

  expect(await isRefusing(address!)).toBe(true);
});

test.each([
  { listener: 'takes connections', accepts: true },
  { listener: 'takes none, as a process that stands still', accepts: false },
])('an address is not refused where somebody listens who $listener', async ({ accepts }) => {
  const [address] = await freeAddresses(1);
  const server = createServer((socket) => socket.destroy());
  // One that waits to be accepted is connected all the same.
  server.maxConnections = accepts ? 10 : 0;
  server.listen({ host: '127.0.0.1', port: Number(address!.split(':')[1]) });
  await once(server, 'listening');

  expect(await isRefusing(address!)).toBe(false);
  server.close();
});

test.each([
  { what: 'a name that nobody has', address: 'nobody.invalid:4321' },
  { what: 'what is no address', address: 'observer-0123456789ab' },
])('$what is not refused: nothing is known of it', async ({ address }) => {
  expect(await isRefusing(nodeId(address))).toBe(false);
});
