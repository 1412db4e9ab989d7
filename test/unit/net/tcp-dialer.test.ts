import dns from 'node:dns';
import { afterEach, expect, it, vi } from 'vitest';
import { nodeId } from '../../../src/ids.js';
import { SeededRandom } from '../../../src/runtime/random.js';
import { TcpTransport, type TcpTransportOptions } from '../../../src/net/tcp-transport.js';
import { freeAddresses, incarnationOf, until } from './support/loopback.js';
import { Recorder } from './support/recorder.js';
import { CODE } from './support/code.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(options: Pick<TcpTransportOptions, 'self' | 'peers' | 'bind' | 'incarnation'>): Promise<Recorder> {
  const transport = new TcpTransport({
    cluster: 'names',
    settings: {},
    code: CODE,
    random: new SeededRandom(1),
    reconnect: { minMs: 2, maxMs: 10 },
    // For systems that have no second loopback address, and let the first attempt run into the void.
    handshakeTimeoutMs: 500,
    ...options,
  });
  cleanups.push(() => transport.stop());
  const seen = new Recorder();
  await transport.start(seen);
  return seen;
}

type Lookup = (host: string, options: dns.LookupOptions, callback: Function) => void;

/** Answers look-ups of `name` with these addresses in turn, staying with the last. Tells how many there were. */
function resolveTo(name: string, addresses: readonly string[]): () => number {
  const left = [...addresses];
  let lookups = 0;
  const original = dns.lookup as unknown as Lookup;
  const lookup: Lookup = (host, options, callback) => {
    if (host !== name) return original(host, options, callback);
    lookups++;
    const address = left.length > 1 ? left.shift()! : left[0]!;
    process.nextTick(() => {
      if (options.all === true) callback(null, [{ address, family: 4 }]);
      else callback(null, address, 4);
    });
  };
  const spy = vi.spyOn(dns, 'lookup').mockImplementation(lookup as unknown as typeof dns.lookup);
  cleanups.push(() => spy.mockRestore());
  return () => lookups;
}

it('looks a name up anew for each attempt, so that a peer is found where it is now', async () => {
  const [a, there] = await freeAddresses(2);
  const peer = nodeId(there!.replace('127.0.0.1', 'b.example'));
  const self = nodeId(a!.replace('127.0.0.1', 'a.example'));
  const lookups = resolveTo('b.example', ['127.0.0.2', '127.0.0.1']);
  await start({ self: peer, peers: [self], bind: there!, incarnation: incarnationOf('2') });

  const seen = await start({ self, peers: [peer], bind: a!, incarnation: incarnationOf('1') });
  await until(() => seen.events.length > 0);

  expect(seen.events).toEqual([`+${peer}`]);
  expect(lookups()).toBe(2);
});
