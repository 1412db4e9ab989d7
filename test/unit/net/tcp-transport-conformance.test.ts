/**
 * Runs the conformance suite over loopback. The first two nodes' addresses belong to relays, so that the suite can cut
 * what is between them.
 */

import { SeededRandom } from '../../../src/runtime/random.js';
import { TcpTransport } from '../../../src/net/tcp-transport.js';
import { freeAddresses } from './support/loopback.js';
import { Relay } from './support/relay.js';
import { describeTransport, type Network } from './transport-conformance.js';

describeTransport('TcpTransport', async (): Promise<Network> => {
  const addresses = await freeAddresses(4);
  const [a, b, c, behindB] = [addresses[0]!, addresses[1]!, addresses[2]!, addresses[3]!];
  // The smaller id dials, so everything between the first two nodes passes through the second one's relay.
  const relay = new Relay(behindB);
  await relay.listen(b);
  return {
    ids: [a, b, c],
    transport: (options) =>
      new TcpTransport({
        ...options,
        ...(options.self === b ? { bind: behindB } : {}),
        random: new SeededRandom(1),
        reconnect: { minMs: 2, maxMs: 10 },
      }),
    disconnect: () => relay.cut(),
    partition: () => relay.shut(),
    heal: () => relay.open(),
    close: () => relay.close(),
  };
});
