/**
 * What a node does with strangers, liars and noise on its port: it closes their connection, says why, and goes on.
 */

import { Encoder } from '@msgpack/msgpack';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeId, observerId, type NodeId } from '../../../src/ids.js';
import { SeededRandom } from '../../../src/runtime/random.js';
import { FrameType, NO_BYTES } from '../../../src/net/frame.js';
import { PROTOCOL_VERSION, readRefusal, type Hello } from '../../../src/net/hello.js';
import { TcpTransport, type TcpTransportOptions } from '../../../src/net/tcp-transport.js';
import { freeAddresses, incarnationOf, until } from './support/loopback.js';
import { frameBytes, helloBytes, RawPeer } from './support/raw-peer.js';
import { Recorder, RecordingLogger } from './support/recorder.js';
import { CODE } from './support/code.js';

const CLUSTER = 'hostile';
const FRAME_MAX = 20_000;

let a: NodeId;
let b: NodeId;
let c: NodeId;
let seen: Recorder;
let logger: RecordingLogger;
let transport: TcpTransport;
let peers: RawPeer[];

beforeEach(async () => {
  [a, b, c] = (await freeAddresses(3)) as [NodeId, NodeId, NodeId];
  peers = [];
});

afterEach(async () => {
  for (const peer of peers) peer.socket.destroy();
  await transport.stop();
});

/** Starts node b, whose peers are a and c. */
async function start(more: Partial<TcpTransportOptions> = {}): Promise<void> {
  seen = new Recorder();
  logger = new RecordingLogger();
  transport = new TcpTransport({
    cluster: CLUSTER,
    self: b,
    incarnation: incarnationOf('b'),
    peers: [a, c],
    settings: {},
    code: CODE,
    random: new SeededRandom(1),
    limits: { frameBytesMax: FRAME_MAX, linkBufferBytesMax: 1_000_000 },
    logger,
    ...more,
  });
  await transport.start(seen);
}

function open(): RawPeer {
  const peer = RawPeer.connect(b);
  peers.push(peer);
  return peer;
}

function write(bytes: Uint8Array): RawPeer {
  const peer = open();
  peer.socket.write(bytes);
  return peer;
}

function hello(change: Partial<Hello> = {}): Buffer {
  return helloBytes({
    cluster: CLUSTER,
    from: a,
    incarnation: incarnationOf('a'),
    to: b,
    settings: {},
    code: CODE,
    ...change,
  });
}

async function greet(): Promise<RawPeer> {
  const peer = write(hello());
  await until(() => peer.frames.length > 0);
  return peer;
}

/** The node goes on: whoever behaves can still connect. */
async function isAlive(): Promise<boolean> {
  const peer = await greet();
  return peer.frames[0]!.type === FrameType.hello && transport.isConnected(a);
}

const keepalive = frameBytes(FrameType.keepalive, 0, 0, NO_BYTES);
const message = frameBytes(FrameType.message, 10, 0, new Encoder().encode([1, 2, true]));

describe('a hello that is refused', () => {
  it.each([
    ['another cluster', 'wrongCluster', () => ({ cluster: 'other' })],
    ['a name that no node has', 'unknownNode', () => ({ from: nodeId('nobody') })],
    ['itself', 'selfConnection', () => ({ from: b })],
    ['its own incarnation under another name', 'sameIncarnation', () => ({ incarnation: incarnationOf('b') })],
    ['who looked for another node', 'wrongRecipient', () => ({ to: c })],
    ['a peer that it dials itself', 'wrongDirection', () => ({ from: c, incarnation: incarnationOf('c') })],
    ['a peer with other settings', 'differentSettings', () => ({ settings: { members: 'x' } })],
    [
      'a false observer',
      'unknownNode',
      () => ({ from: observerId(incarnationOf('d')), incarnation: incarnationOf('e') }),
    ],
  ] as const)('is that of %s; both sides log why', async (_what, reason, change) => {
    await start();

    const peer = write(hello(change()));
    await peer.closed();

    expect(peer.frames).toHaveLength(1);
    expect(peer.frames[0]!.type).toBe(FrameType.refused);
    expect(readRefusal(peer.frames[0]!).reason).toBe(reason);
    expect(logger.count('warn connection closed in handshake')).toBe(1);
    expect(seen.events).toEqual([]);
    expect(await isAlive()).toBe(true);
  });

  it('is that of another version', async () => {
    await start();

    const peer = write(frameBytes(FrameType.hello, 99, 0, Buffer.from('from the future')));
    await peer.closed();

    expect(readRefusal(peer.frames[0]!).message).toContain(
      `speaks version ${PROTOCOL_VERSION} of the protocol, not 99`,
    );
  });

  it('is that of an observer where none are allowed', async () => {
    await start({ allowObservers: false });

    const peer = write(hello({ from: observerId(incarnationOf('e')), incarnation: incarnationOf('e') }));
    await peer.closed();

    expect(readRefusal(peer.frames[0]!).message).toContain('takes no observer');
  });

  it('is that of the 65th observer, until one leaves', async () => {
    await start();
    const observer = (i: number): Buffer => {
      const incarnation = `${i.toString(16).padStart(12, '0')}${'0'.repeat(20)}` as Hello['incarnation'];
      return hello({ from: observerId(incarnation), incarnation });
    };

    for (let i = 0; i < 64; i++) write(observer(i));
    await until(() => peers.every((peer) => peer.frames.length > 0));
    const surplus = write(observer(64));
    await surplus.closed();
    peers[0]!.socket.destroy();
    await until(() => seen.events.length === 65);
    const next = write(observer(65));
    await until(() => next.frames.length > 0);

    expect(readRefusal(surplus.frames[0]!).message).toContain('64 observers are connected already');
    expect(next.frames[0]!.type).toBe(FrameType.hello);
  });

  it('ends the connection even if the other side does not', async () => {
    await start();

    const peer = open();
    peer.socket.allowHalfOpen = true;
    peer.socket.write(hello({ cluster: 'other' }));
    const flood = setInterval(() => peer.socket.write(Buffer.alloc(1_000)), 5);
    await peer.closed().finally(() => clearInterval(flood));

    expect(readRefusal(peer.frames[0]!).reason).toBe('wrongCluster');
  });
});

describe('before the hello', () => {
  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'A frame is too large'],
    ['zeros', Buffer.alloc(100), 'A frame is shorter than its header'],
    ['a TLS hello', Buffer.from('16030100f8010000f403035a5a', 'hex'), 'A frame is too large'],
    ['a message', message, 'The first frame is no hello'],
    ['a keepalive', keepalive, 'The first frame is no hello'],
    [
      'a frame above 4 KiB',
      frameBytes(FrameType.hello, PROTOCOL_VERSION, 0, NO_BYTES, Buffer.alloc(4_085)),
      'A frame is too large',
    ],
    [
      'a hello of another kind',
      frameBytes(FrameType.hello, PROTOCOL_VERSION, 0, Buffer.from([0x91, 1])),
      'does not have its fields',
    ],
    [
      'a hello that cannot be decoded',
      frameBytes(FrameType.hello, PROTOCOL_VERSION, 0, Buffer.from([0xc1])),
      'cannot be decoded',
    ],
  ])('%s ends the connection with a logged reason', async (_what, bytes, reason) => {
    await start();

    const peer = write(bytes);
    await peer.closed();

    expect(logger.count(reason)).toBe(1);
    expect(peer.frames).toEqual([]);
    expect(await isAlive()).toBe(true);
  });

  it('a cut-off frame is logged as such', async () => {
    await start();

    const peer = open();
    peer.socket.end(hello().subarray(0, 20));
    await peer.closed();

    expect(logger.count('in the middle of a frame')).toBe(1);
  });

  it('whoever speaks too slowly is timed out', async () => {
    await start({ handshakeTimeoutMs: 60 });
    const peer = open();
    const bytes = hello();
    let at = 0;

    const trickle = setInterval(() => peer.socket.write(bytes.subarray(at, ++at)), 5);
    await peer.closed().finally(() => clearInterval(trickle));

    expect(logger.count('no hello within 60 ms')).toBe(1);
    expect(at).toBeLessThan(bytes.length);
  });

  it('only so many connections are kept, and a peer still gets in', async () => {
    await start({ keepaliveMs: 60_000 });

    for (let i = 0; i < 100; i++) open();
    await until(() => peers.filter((peer) => peer.isClosed).length === 36);
    expect(await isAlive()).toBe(true);

    expect(peers.filter((peer) => !peer.isClosed)).toHaveLength(64);
    expect(logger.count('more than 64 connections are in handshake')).toBe(10);
  });

  it('a flood of bad connections does not flood the log', async () => {
    await start({ keepaliveMs: 1_000 });

    for (let i = 0; i < 50; i++) write(Buffer.alloc(12));
    await until(() => peers.every((peer) => peer.isClosed));
    await until(() => logger.count('more connections were closed in handshake') > 0);

    expect(logger.lines.length).toBeLessThan(50);
  });
});

describe('after the hello', () => {
  it.each([
    ['a second hello', () => hello(), 'A second hello'],
    ['a keepalive with bytes', () => frameBytes(FrameType.keepalive, 0, 0, Buffer.of(1)), 'A keepalive carries bytes'],
    ['a frame of unknown type', () => frameBytes(77, 0, 0, NO_BYTES), 'A frame is of a type that does not exist'],
    ['a message of unknown type', () => frameBytes(FrameType.message, 77, 0, NO_BYTES), 'A message is of a type'],
    [
      'a message out of range',
      () => frameBytes(FrameType.message, 10, 0, new Encoder().encode([1, -1, true])),
      'out of range',
    ],
    [
      'a frame that is too large',
      () => frameBytes(FrameType.message, 12, 0, NO_BYTES, Buffer.alloc(FRAME_MAX)),
      'A frame is too large',
    ],
    [
      'a refusal',
      () => frameBytes(FrameType.refused, 0, 0, new Encoder().encode(['why', 'because'])),
      'refused by the other side',
    ],
    [
      'a refusal that is none',
      () => frameBytes(FrameType.refused, 0, 0, new Encoder().encode(['why'])),
      'does not have its fields',
    ],
  ])('%s ends the connection with a logged reason', async (_what, bytes, reason) => {
    await start();
    const peer = await greet();

    peer.socket.write(bytes());
    await peer.closed();

    expect(seen.events).toEqual([`+${a}`, `-${a}`]);
    expect(seen.reasons[0]).toContain(reason);
    expect(logger.count(reason)).toBe(1);
    expect(await isAlive()).toBe(true);
  });

  it('what came before a bad frame in its chunk is delivered, what comes after it is not', async () => {
    await start();
    const peer = await greet();

    peer.socket.write(Buffer.concat([message, message, frameBytes(77, 0, 0, NO_BYTES), message]));
    await peer.closed();

    expect(seen.messages).toHaveLength(2);
  });

  it('a cut-off frame is logged as such', async () => {
    await start();
    const peer = await greet();

    peer.socket.end(message.subarray(0, 14));
    await peer.closed();

    expect(seen.reasons).toEqual(['closed by the other side in the middle of a frame']);
  });

  it('a message in the same chunk as the hello is delivered, however large', async () => {
    await start();

    write(
      Buffer.concat([hello(), frameBytes(FrameType.message, 12, 0, Buffer.from([0x93, 1, 2, 3]), Buffer.alloc(9_000))]),
    );
    await until(() => seen.messages.length === 1);

    expect(seen.messages[0]).toMatchObject({ type: 'forward', from: a });
  });
});

describe('noise', () => {
  it('never harms the node, before or after the hello', async () => {
    await start({ handshakeTimeoutMs: 300 });
    const session = Buffer.concat([hello(), message, keepalive, message, message]);
    const spoiled = fc
      .array(fc.tuple(fc.nat(session.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 })
      .map((flips) => {
        const bytes = Buffer.from(session);
        for (const [at, flip] of flips) bytes[at] = bytes[at]! ^ flip;
        return bytes;
      });
    const truncated = fc.nat(session.length).map((length) => session.subarray(0, length));
    const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const randomAfterHello = random.map((bytes) => Buffer.concat([hello(), bytes]));

    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled, truncated, random, randomAfterHello), async (bytes) => {
        const peer = RawPeer.connect(b);
        peer.socket.end(bytes);
        await peer.closed();
      }),
      { numRuns: 300 },
    );

    expect(await isAlive()).toBe(true);
  });
});
