/**
 * What only the TCP transport does: listening, dialling, keeping alive, replacing and dropping. What all transports do
 * is in the conformance suite; what hostile peers get is in the file beside this one.
 */

import { createServer } from 'node:net';
import { Encoder } from '@msgpack/msgpack';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeId, type NodeId } from '../../../src/ids.js';
import { SeededRandom } from '../../../src/runtime/random.js';
import { parseAddress } from '../../../src/net/address.js';
import { FrameType, NO_BYTES } from '../../../src/net/frame.js';
import { readRefusal } from '../../../src/net/hello.js';
import { TcpTransport, type TcpTransportOptions } from '../../../src/net/tcp-transport.js';
import { freeAddresses, hasAddress, incarnationOf, until } from './support/loopback.js';
import { frameBytes, helloBytes, RawListener, RawPeer } from './support/raw-peer.js';
import { Recorder, RecordingLogger } from './support/recorder.js';
import { numbered, numberedBytes, numberOf } from './support/sample-messages.js';
import { CODE } from './support/code.js';

interface Node {
  readonly transport: TcpTransport;
  readonly seen: Recorder;
  readonly logger: RecordingLogger;
}

const CLUSTER = 'tcp';

/** The code of a small message. */
const READ_INDEX = 10;

let a: NodeId;
let b: NodeId;
let c: NodeId;
let cleanups: (() => unknown)[];

beforeEach(async () => {
  [a, b, c] = (await freeAddresses(3)) as [NodeId, NodeId, NodeId];
  cleanups = [];
});

afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

function create(self: NodeId, peers: readonly NodeId[], more: Partial<TcpTransportOptions> = {}): Node {
  const logger = new RecordingLogger();
  const transport = new TcpTransport({
    cluster: CLUSTER,
    self,
    incarnation: incarnationOf('1'),
    peers,
    settings: {},
    code: CODE,
    random: new SeededRandom(1),
    reconnect: { minMs: 2, maxMs: 10 },
    logger,
    ...more,
  });
  cleanups.push(() => transport.stop());
  return { transport, seen: new Recorder(), logger };
}

async function start(self: NodeId, peers: readonly NodeId[], more: Partial<TcpTransportOptions> = {}): Promise<Node> {
  const node = create(self, peers, more);
  await node.transport.start(node.seen);
  return node;
}

async function greet(address: NodeId, from: NodeId, incarnation = incarnationOf('9')): Promise<RawPeer> {
  const peer = await RawPeer.greet(address, CLUSTER, from, incarnation);
  cleanups.push(() => peer.socket.destroy());
  return peer;
}

async function listen(address: NodeId): Promise<RawListener> {
  const listener = new RawListener();
  await listener.listen(address);
  cleanups.push(() => listener.close());
  return listener;
}

describe('addresses', () => {
  it.each([
    ['self', { self: 'no-port' }],
    ['peers', { peers: ['no-port'] }],
    ['bind', { bind: 'no-port' }],
  ])('that are none are refused at once: %s', (option, change) => {
    expect(() => create(a, [b], change as unknown as Partial<TcpTransportOptions>)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', data: { option, value: 'no-port' } }),
    );
  });

  it('that are taken are an error at start, naming the address', async () => {
    const server = createServer().listen({ ...parseAddress(a, 'self'), exclusive: true });
    cleanups.push(() => server.close());
    await until(() => server.listening);

    await expect(start(a, [b])).rejects.toMatchObject({
      code: 'ERR_ADDRESS_UNAVAILABLE',
      message: `Cannot listen on ${a}: the port is taken (EADDRINUSE).`,
      data: { address: a, reason: 'EADDRINUSE' },
    });
  });

  it('whose name nobody knows are an error at start, too', async () => {
    await expect(start(a, [b], { bind: 'nobody.invalid:4321' })).rejects.toMatchObject({
      code: 'ERR_ADDRESS_UNAVAILABLE',
      data: { address: 'nobody.invalid:4321' },
    });
  });

  it('may be names', async () => {
    const name = (address: NodeId): NodeId => nodeId(address.replace('127.0.0.1', 'localhost'));
    const x = await start(name(a), [name(b)], { incarnation: incarnationOf('2') });
    const y = await start(name(b), [name(a)]);

    await until(() => x.seen.events.length > 0 && y.seen.events.length > 0);

    expect([...x.seen.events, ...y.seen.events]).toEqual([`+${name(b)}`, `+${name(a)}`]);
  });

  it('may be IPv6', async ({ skip }) => {
    if (!(await hasAddress('::1'))) skip();
    const [x6, y6] = (await freeAddresses(2, '::1')) as [NodeId, NodeId];
    const x = await start(x6, [y6], { incarnation: incarnationOf('2') });
    const y = await start(y6, [x6]);

    await until(() => x.transport.isConnected(y6) && y.transport.isConnected(x6));

    expect(x6).toMatch(/^\[::1\]:\d+$/);
  });

  it('are listened on as bind says, while peers know the node by self', async () => {
    const y = await start(b, [a], { bind: c });

    const peer = RawPeer.connect(c);
    cleanups.push(() => peer.socket.destroy());
    peer.socket.write(
      helloBytes({ cluster: CLUSTER, from: a, incarnation: incarnationOf('9'), to: b, settings: {}, code: CODE }),
    );
    await until(() => y.seen.events.length > 0);

    expect(y.seen.events).toEqual([`+${a}`]);
  });
});

describe('dialling', () => {
  it('is done by the smaller id only', async () => {
    const [below, above] = [await listen(a), await listen(c)];

    // The other one would after a minute or two.
    await start(b, [a, c], { reconnect: { minMs: 2, maxMs: 60_000 } });
    await until(() => above.peers.length === 1 && above.peers[0]!.frames.length === 1);

    expect(below.peers).toEqual([]);
  });

  it('goes on until the peer is there', async () => {
    const x = await start(a, [b], { incarnation: incarnationOf('2') });
    await until(() => x.logger.count('cannot connect') >= 3);

    const y = await start(b, [a]);

    await until(() => x.seen.events.length > 0 && y.seen.events.length > 0);

    expect([...x.seen.events, ...y.seen.events]).toEqual([`+${b}`, `+${a}`]);
  });

  it('says once loudly why it fails, and then quietly until the reason changes', async () => {
    const x = await start(a, [b]);

    await until(() => x.logger.count('cannot connect') >= 5);

    expect(x.logger.count('warn cannot connect')).toBe(1);
    expect(x.logger.lines[0]).toContain('ECONNREFUSED');
  });

  it('says that what listens there is no node, where something else has the port', async () => {
    const stranger = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    const { host, port } = parseAddress(b, 'b');
    stranger.listen(port, host);
    cleanups.push(() => stranger.close());

    const x = await start(a, [b]);
    await until(() => x.logger.count('cannot connect') > 0);

    expect(x.logger.lines[0]).toContain(
      'what listens there is no node of Conclave, or one of another version: protocol error',
    );
  });

  it('survives a name that cannot be resolved, and tries again', async () => {
    const x = await start(nodeId('127.0.0.1:1'), [nodeId('nobody.invalid:4321')], { bind: a });

    await until(() => x.logger.count('cannot connect') >= 2);

    expect(x.logger.lines[0]).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  it('gives up on a peer that accepts and says nothing, and tries again', async () => {
    const silent = await listen(b);

    const x = await start(a, [b], { handshakeTimeoutMs: 30 });
    await until(() => silent.peers.length >= 2 && silent.peers[0]!.isClosed);

    expect(x.logger.lines[0]).toContain('no hello within 30 ms');
  });

  it('refuses a peer that turns out to be another node, and tells it why', async () => {
    const impostor = await listen(b);

    const x = await start(a, [b]);
    await until(() => impostor.peers[0]?.frames.length === 1);
    impostor.peers[0]!.socket.write(
      helloBytes({ cluster: CLUSTER, from: c, incarnation: incarnationOf('9'), to: a, settings: {}, code: CODE }),
    );
    await until(() => impostor.peers[0]!.frames.length === 2);

    expect(impostor.peers[0]!.frames[1]!.type).toBe(FrameType.refused);
    await until(() => x.logger.count(`\\"${b}\\" was asked for, but this is \\"${c}\\"`) > 0);
    expect(x.transport.isConnected(b)).toBe(false);
  });

  it('logs why the other side refused it', async () => {
    await start(b, [a], { cluster: 'another' });

    const x = await start(a, [b], { incarnation: incarnationOf('2') });

    await until(() => x.logger.count('refused by the other side') > 0);
    expect(x.logger.count('wrongCluster')).toBeGreaterThan(0);
  });
});

describe('a link', () => {
  it('is replaced by a newer connection from the same peer', async () => {
    const y = await start(b, [a]);
    const older = await greet(b, a);

    const newer = await greet(b, a);
    await older.closed();
    y.transport.send(a, numbered(b, 1));
    y.transport.flush();
    await until(() => newer.frames.length === 2);

    expect(y.seen.events).toEqual([`+${a}`, `-${a}`, `+${a}`]);
    expect(y.seen.reasons).toEqual(['replaced by a newer connection']);
  });

  it('is refused, with the reason, when another incarnation connects', async () => {
    const y = await start(b, [a]);
    const older = await greet(b, a);

    const newer = await greet(b, a, incarnationOf('d'));
    await older.closed();

    expect(older.frames.map((frame) => frame.type)).toEqual([FrameType.hello, FrameType.refused]);
    expect(readRefusal(older.frames[1]!)).toEqual({
      reason: 'replaced',
      message: `Another process has connected as "${a}", with incarnation ${incarnationOf('d')}.`,
    });
    expect(y.seen.history).toEqual([`+${a} ${incarnationOf('9')}`, `-${a}`, `+${a} ${incarnationOf('d')}`]);
    expect(newer.frames).toHaveLength(1);
  });

  it.each([
    ['the same incarnation', incarnationOf('9')],
    ['another incarnation', incarnationOf('d')],
  ])('delivers nothing more once it has been replaced by %s, not even the rest of a message', async (_which, by) => {
    const y = await start(b, [a]);
    const older = await greet(b, a);
    const said = frameBytes(FrameType.message, READ_INDEX, 0, new Encoder().encode([1, 1, true]));
    const saidByNewer = frameBytes(FrameType.message, READ_INDEX, 0, new Encoder().encode([1, 2, true]));
    older.socket.write(Buffer.concat([said, said.subarray(0, 14)]));
    await until(() => y.seen.messages.length === 1);

    const newer = await greet(b, a, by);
    older.socket.write(Buffer.concat([said.subarray(14), said]));
    newer.socket.write(saidByNewer);
    await older.closed();
    await until(() => y.seen.messages.length > 1);

    expect(y.seen.messages.map(numberOf)).toEqual([1, 2]);
    expect(y.seen.history[2]).toBe(`-${a}`);
  });

  it('is taken from each other by two processes of one name ever more slowly', async () => {
    const connectedAt: number[] = [];
    const y = create(b, [a]);
    y.seen.onConnected = () => void connectedAt.push(performance.now());
    await y.transport.start(y.seen);
    // Swept often enough that a link would soon count as settled if that were all that it took.
    const more = { keepaliveMs: 20, reconnect: { minMs: 2, maxMs: 40 } };

    const x = await start(a, [b], { ...more, incarnation: incarnationOf('2') });
    const namesake = await start(a, [b], { ...more, incarnation: incarnationOf('3'), bind: c });
    await until(() => connectedAt.length >= 22);

    // Whoever is replaced waits for 20 to 40 ms once the series has reached its end, and only one of the two waits.
    expect(connectedAt[21]! - connectedAt[11]!).toBeGreaterThan(100);
    const told = [x, namesake].map(({ logger }) => logger.count('Another process has connected as'));
    expect(Math.min(...told)).toBeGreaterThan(5);
    expect(y.logger.count('two processes go by its name')).toBe(2);
  });

  it('sends keepalives while it is idle', async () => {
    await start(b, [a], { keepaliveMs: 20 });
    const peer = await greet(b, a);

    await until(() => peer.frames.length >= 3);

    expect(peer.frames.slice(1).every((frame) => frame.type === FrameType.keepalive)).toBe(true);
  });

  it('stays up for as long as keepalives come, and not much longer', async () => {
    const y = await start(b, [a], { keepaliveMs: 40 });
    const peer = await greet(b, a);

    // Ten keepalives from the other side take 400 ms; silence is borne for 120.
    for (let received = 2; received <= 11; received++) {
      await until(() => peer.frames.length >= received);
      peer.socket.write(frameBytes(FrameType.keepalive, 0, 0, NO_BYTES));
    }
    expect(peer.isClosed).toBe(false);
    await peer.closed();

    expect(y.seen.reasons).toEqual(['nothing received for three keepalive intervals']);
  });

  it('connects again after silence', async () => {
    const mute = await listen(b);
    await start(a, [b], { keepaliveMs: 10 });
    await until(() => mute.peers[0]?.frames.length === 1);

    mute.peers[0]!.socket.write(
      helloBytes({ cluster: CLUSTER, from: b, incarnation: incarnationOf('9'), to: a, settings: {}, code: CODE }),
    );

    await until(() => mute.peers.length === 2);
    expect(mute.peers[0]!.isClosed).toBe(true);
  });

  it('delivers what comes in one chunk in one turn', async () => {
    const x = await start(a, [b], { incarnation: incarnationOf('2') });
    const y = await start(b, [a]);
    await until(() => x.transport.isConnected(b) && y.transport.isConnected(a));
    let turn = 0;
    const turns: number[] = [];
    y.seen.afterMessage = () => {
      turns.push(turn);
      if (turns.length === 1) setImmediate(() => turn++);
    };

    for (let i = 0; i < 500; i++) x.transport.send(b, numbered(a, i));
    x.transport.flush();
    await until(() => turns.length === 500);

    expect(new Set(turns)).toEqual(new Set([0]));
  });

  it('drops messages while a peer takes none, holds no more than its limit, and says how many', async () => {
    const linkBufferBytesMax = 1_000_000;
    const y = await start(b, [a], { limits: { frameBytesMax: 1_000_000, linkBufferBytesMax }, keepaliveMs: 200 });
    const peer = await greet(b, a);
    peer.socket.pause();
    const before = process.memoryUsage().arrayBuffers;

    // The system's own buffers take a few megabytes before anything waits here.
    const payload = numberedBytes(b, 1, 100_000);
    for (let i = 0; i < 2_000; i++) {
      y.transport.send(a, payload);
      y.transport.flush();
    }
    await until(() => y.logger.count('dropped messages: the peer takes them too slowly') > 0);

    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(y.logger.count('dropped messages')).toBe(1);
  });

  it('works on after it has dropped messages', async () => {
    const y = await start(b, [a], { limits: { frameBytesMax: 1_000_000, linkBufferBytesMax: 10_000 } });
    const peer = await greet(b, a);

    for (let i = 0; i < 100; i++) y.transport.send(a, numberedBytes(b, i, 9_000));
    y.transport.flush();
    await until(() => peer.frames.length === 3);
    y.transport.send(a, numbered(b, 100));
    y.transport.flush();

    await until(() => peer.frames.length === 4);

    expect(peer.frames[3]!.code).toBe(READ_INDEX);
  });

  it('drops a message that is too large for a frame, and says so', async () => {
    const y = await start(b, [a], {
      limits: { frameBytesMax: 10_000, linkBufferBytesMax: 1_000_000 },
      keepaliveMs: 20,
    });
    const peer = await greet(b, a);

    y.transport.send(a, numberedBytes(b, 1, 10_000));
    y.transport.send(a, numbered(b, 2));
    y.transport.flush();
    await until(() => y.logger.count('dropped messages: too large') > 0);

    expect(peer.frames.filter((frame) => frame.type === FrameType.message)).toHaveLength(1);
  });
});

describe('stop', () => {
  it('frees the port, with links, dials and handshakes under way', async () => {
    const y = await start(b, [a, c, nodeId('z.invalid:1')]);
    const linked = await greet(b, a);
    const inHandshake = RawPeer.connect(b);
    await until(() => !inHandshake.socket.connecting);

    await y.transport.stop();

    await linked.closed();
    await inHandshake.closed();
    const next = createServer().listen({ ...parseAddress(b, 'self'), exclusive: true });
    cleanups.push(() => next.close());
    await until(() => next.listening);

    expect([linked.isClosed, inHandshake.isClosed]).toEqual([true, true]);
  });

  it('leaves no socket open', async () => {
    const openSockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;
    await until(() => openSockets() === 0);
    const x = await start(a, [b, c], { incarnation: incarnationOf('2') });
    const y = await start(b, [a, c]);
    await until(() => x.transport.isConnected(b));

    await Promise.all([x.transport.stop(), y.transport.stop()]);
    await until(() => openSockets() === 0);

    expect(x.transport.isConnected(b)).toBe(false);
  });

  it('ends an attempt to connect to a peer that is none any more, and has connected itself', async () => {
    const silent = await listen(a);
    const y = await start(b, [a], { handshakeTimeoutMs: 60_000 });
    await until(() => silent.peers.length === 1);
    await greet(b, a);

    y.transport.setPeers([]);
    await y.transport.stop();

    await silent.peers[0]!.closed();
  });

  it('while starting ends the start, and the port is free', async () => {
    const y = create(b, [a]);

    const starting = y.transport.start(y.seen);
    const stopping = y.transport.stop();

    await expect(starting).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    await stopping;
    await start(b, [a]);
  });

  it('from within onDisconnected ends everything', async () => {
    const y = await start(b, [a]);
    const older = await greet(b, a);
    let stopped: Promise<void> | undefined;
    y.seen.onDisconnected = () => void (stopped = y.transport.stop());

    const newer = RawPeer.connect(b);
    newer.socket.write(
      helloBytes({ cluster: CLUSTER, from: a, incarnation: incarnationOf('9'), to: b, settings: {}, code: CODE }),
    );
    await Promise.all([older.closed(), newer.closed()]);
    await stopped;

    expect(y.transport.isConnected(a)).toBe(false);
    expect(y.seen.events).toEqual([`+${a}`]);
  });
});

describe('messages', () => {
  it('from within onConnected come after the hello', async () => {
    const y = create(b, [a]);
    y.seen.onConnected = (peer) => {
      y.transport.send(peer, numbered(b, 1));
      y.transport.flush();
    };
    await y.transport.start(y.seen);

    const x = await start(a, [b], { incarnation: incarnationOf('2') });
    await until(() => x.seen.messages.length === 1);

    expect(x.seen.messages.map(numberOf)).toEqual([1]);
  });
});
