import { afterEach, describe, expect, it } from 'vitest';
import { nodeId, observerId, type NodeId } from '../../../src/ids.js';
import { MemoryNetwork, type MemoryTransportOptions } from '../../../src/net/memory-transport.js';
import type { Transport } from '../../../src/net/transport.js';
import { incarnationOf } from './support/loopback.js';
import { Recorder } from './support/recorder.js';
import { numbered, numberedBytes, numberOf } from './support/sample-messages.js';
import { describeTransport } from './transport-conformance.js';
import { CODE } from './support/code.js';

const a = nodeId('127.0.0.1:1');
const b = nodeId('127.0.0.1:2');
const c = nodeId('127.0.0.1:3');

describeTransport('MemoryNetwork', async () => {
  const network = new MemoryNetwork();
  return {
    ids: [a, b, c],
    transport: (options) => network.transport(options),
    namesake: (options) => network.transport({ ...options, bind: nodeId('127.0.0.1:4') }),
    disconnect: () => network.disconnect(a, b),
    partition: () => network.partition(a, b),
    heal: () => network.heal(a, b),
    close: async () => {},
  };
});

describe('MemoryNetwork', () => {
  const tasks: (() => void)[] = [];
  const started: Transport[] = [];

  afterEach(async () => {
    for (const transport of started.splice(0)) await transport.stop();
    tasks.length = 0;
  });

  function runAll(): void {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task();
  }

  function createNetwork(limits?: { frameBytesMax: number; linkBufferBytesMax: number }): MemoryNetwork {
    return new MemoryNetwork({ defer: (task) => void tasks.push(task), ...(limits === undefined ? {} : { limits }) });
  }

  async function start(
    network: MemoryNetwork,
    self: NodeId,
    peers: readonly NodeId[],
    more: Partial<MemoryTransportOptions> = {},
  ): Promise<{ transport: Transport; seen: Recorder }> {
    const incarnation = incarnationOf(self.at(-1)!);
    const transport = network.transport({
      cluster: 'test',
      self,
      incarnation,
      peers,
      settings: {},
      code: CODE,
      ...more,
    });
    started.push(transport);
    const seen = new Recorder();
    await transport.start(seen);
    return { transport, seen };
  }

  it('delivers only what the owner of time lets happen, one flush in one task', async () => {
    const network = createNetwork();
    const x = await start(network, a, [b]);
    const y = await start(network, b, [a]);
    runAll();

    x.transport.send(b, numbered(a, 1));
    x.transport.send(b, numbered(a, 2));
    x.transport.flush();
    expect(y.seen.messages).toEqual([]);
    tasks.shift()!();

    expect(y.seen.messages.map(numberOf)).toEqual([1, 2]);
  });

  it('drops exactly the next messages of one direction', async () => {
    const network = createNetwork();
    const x = await start(network, a, [b]);
    const y = await start(network, b, [a]);
    runAll();

    network.dropNext(a, b, 2);
    for (let i = 1; i <= 4; i++) {
      x.transport.send(b, numbered(a, i));
      y.transport.send(a, numbered(b, i));
    }
    x.transport.flush();
    y.transport.flush();
    runAll();

    expect(y.seen.messages.map(numberOf)).toEqual([3, 4]);
    expect(x.seen.messages.map(numberOf)).toEqual([1, 2, 3, 4]);
  });

  it('loses what is on its way when the connection breaks', async () => {
    const network = createNetwork();
    const x = await start(network, a, [b]);
    const y = await start(network, b, [a]);
    runAll();

    x.transport.send(b, numbered(a, 1));
    x.transport.flush();
    network.disconnect(a, b);
    runAll();

    expect(y.seen.messages).toEqual([]);
    expect(y.seen.events).toEqual([`+${a}`, `-${a}`, `+${a}`]);
  });

  it('keeps partitioned nodes apart, and only those', async () => {
    const network = createNetwork();
    const x = await start(network, a, [b, c]);
    await start(network, b, [a, c]);
    await start(network, c, [a, b]);
    runAll();

    network.partition(b, a);
    network.disconnect(a, b);
    runAll();
    expect([x.transport.isConnected(b), x.transport.isConnected(c)]).toEqual([false, true]);
    network.heal(a, b);
    runAll();

    expect(x.transport.isConnected(b)).toBe(true);
  });

  it('can be cut by whoever is the first to hear of a connection', async () => {
    const network = createNetwork();
    const y = await start(network, b, [a]);
    y.seen.onConnected = () => network.partition(a, b);
    const x = await start(network, a, [b]);
    runAll();

    expect(x.seen.events).toEqual([`+${b}`, `-${b}`]);
    expect([x.transport.isConnected(b), y.transport.isConnected(a)]).toEqual([false, false]);
  });

  it('does not let two nodes of one name take turns', async () => {
    const network = createNetwork();
    const x = await start(network, a, [b]);
    const y = await start(network, b, [a]);
    runAll();

    const namesake = await start(network, a, [b], { bind: c, incarnation: incarnationOf('d') });
    runAll();
    expect(y.seen.incarnations).toEqual([incarnationOf('1'), incarnationOf('d')]);
    expect([x, namesake].map(({ transport }) => transport.isConnected(b))).toEqual([false, true]);

    network.disconnect(a, b);
    runAll();
    expect(y.seen.incarnations).toHaveLength(3);
  });

  it('loses what was on its way from a node whose place is taken', async () => {
    const network = createNetwork();
    const x = await start(network, a, [b]);
    const y = await start(network, b, [a]);
    runAll();

    await start(network, a, [b], { bind: c, incarnation: incarnationOf('d') });
    x.transport.send(b, numbered(a, 1));
    x.transport.flush();
    runAll();

    expect(y.seen.messages).toEqual([]);
  });

  it('drops what is too large for a frame, and what comes when too much is waiting', async () => {
    const network = createNetwork({ frameBytesMax: 10_000, linkBufferBytesMax: 15_000 });
    const x = await start(network, a, [b]);
    const y = await start(network, b, [a]);
    runAll();

    x.transport.send(b, numberedBytes(a, 1, 10_001));
    for (let i = 2; i <= 5; i++) x.transport.send(b, numberedBytes(a, i, 9_000));
    x.transport.flush();
    runAll();
    x.transport.send(b, numbered(a, 6));
    x.transport.flush();
    runAll();

    expect(y.seen.messages.map(numberOf)).toEqual([2, 3, 6]);
  });

  it('does not connect nodes that would refuse each other', async () => {
    const network = createNetwork();
    const watcher = observerId(incarnationOf('9'));
    const x = await start(network, a, [b], { allowObservers: false });
    const y = await start(network, b, [a], { cluster: 'another' });
    const z = await start(network, c, [b]);
    const w = await start(network, watcher, [a], { incarnation: incarnationOf('9') });
    runAll();

    expect([x, y, z, w].map(({ seen }) => seen.events)).toEqual([[], [], [], []]);
  });
});
