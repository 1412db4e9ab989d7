/**
 * Runs the conformance suite over loopback. The first two nodes' addresses belong to relays, so that the suite can cut
 * what is between them.
 */

import { SeededRandom } from '../../../src/runtime/random.js';
import type { NodeId } from '../../../src/ids.js';
import { TcpTransport, type TcpTransportOptions } from '../../../src/net/tcp-transport.js';
import { freeAddresses } from './support/loopback.js';
import { Relay } from './support/relay.js';
import { describeTransport, type Network } from './transport-conformance.js';

describeTransport('TcpTransport', async (): Promise<Network> => {
  const addresses = await freeAddresses(5);
  const [a, b, c, behindB, elsewhere] = addresses as [NodeId, NodeId, NodeId, NodeId, NodeId];
  // The smaller id dials, so everything between the first two nodes passes through the second one's relay.
  const relay = new Relay(behindB);
  await relay.listen(b);
  const create = (options: Omit<TcpTransportOptions, 'random'>): TcpTransport =>
    new TcpTransport({ ...options, random: new SeededRandom(1), reconnect: { minMs: 2, maxMs: 10 } });
  return {
    ids: [a, b, c],
    transport: (options) => create(options.self === b ? { ...options, bind: behindB } : options),
    namesake: (options) => create({ ...options, bind: elsewhere }),
    disconnect: () => relay.cut(),
    partition: () => relay.shut(),
    heal: () => relay.open(),
    close: () => relay.close(),
  };
});
