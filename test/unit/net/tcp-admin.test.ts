/**
 * Administrators at a node's port: how they are told from peers, what is refused, and that whatever they send harms
 * nobody.
 */

import { CODE } from './support/code.js';
import { Encoder } from '@msgpack/msgpack';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import type { NodeId } from '../../../src/ids.js';
import { AdminClient } from '../../../src/net/admin/admin-client.js';
import { ADMIN_VERSION, readAnswer, writeAdminHello, writeRequest } from '../../../src/net/admin/admin-codec.js';
import type { AdminRequest } from '../../../src/net/admin/admin-request.js';
import { FrameType, NO_BYTES, type FrameSink } from '../../../src/net/frame.js';
import { readRefusal } from '../../../src/net/hello.js';
import { TcpTransport } from '../../../src/net/tcp-transport.js';
import { SeededRandom } from '../../../src/runtime/random.js';
import { freeAddresses, incarnationOf, until } from './support/loopback.js';
import { frameBytes, helloBytes, RawPeer } from './support/raw-peer.js';
import { Recorder, RecordingLogger } from './support/recorder.js';

const CLUSTER = 'hostile';
const STATUS: AdminRequest = { command: 'status', argument: null, timeoutMs: 5_000 };

let a: NodeId;
let b: NodeId;
let seen: Recorder;
let logger: RecordingLogger;
let transport: TcpTransport;
/** What the node was asked for. */
let asked: AdminRequest[];
let handle: (request: AdminRequest) => Promise<unknown>;

beforeEach(async () => {
  [a, b] = (await freeAddresses(2)) as [NodeId, NodeId];
  asked = [];
  handle = async (request) => ({ did: request.command });
  seen = new Recorder();
  logger = new RecordingLogger();
  transport = new TcpTransport({
    cluster: CLUSTER,
    self: b,
    incarnation: incarnationOf('b'),
    peers: [a],
    settings: {},
    code: CODE,
    random: new SeededRandom(1),
    logger,
    administration: (request) => {
      asked.push(request);
      return handle(request);
    },
  });
  await transport.start(seen);
});

afterEach(() => transport.stop());

function open(...pieces: readonly Uint8Array[]): RawPeer {
  const peer = RawPeer.connect(b);
  onTestFinished(() => void peer.socket.destroy());
  peer.socket.write(Buffer.concat(pieces));
  return peer;
}

function bytesOf(write: (sink: FrameSink) => void): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  write({ writeFrame: (...frame) => void (bytes = frameBytes(...frame)) });
  return bytes;
}

const hello = (cluster: string | null = CLUSTER): Buffer =>
  bytesOf((sink) => writeAdminHello({ cluster, self: null }, sink));
const request = (...fields: readonly unknown[]): Buffer =>
  frameBytes(FrameType.adminRequest, 0, 0, new Encoder().encode(fields));
const status = bytesOf((sink) => writeRequest(STATUS, sink));

async function administrator(): Promise<AdminClient> {
  const client = await AdminClient.connect(b, { cluster: CLUSTER, timeoutMs: 5_000 });
  onTestFinished(() => client.close());
  return client;
}

/** The node goes on, for administrators and for peers. */
async function isAlive(): Promise<boolean> {
  const client = await administrator();
  const answer = await client.ask(STATUS);
  client.close();
  const peer = open(
    helloBytes({ cluster: CLUSTER, from: a, incarnation: incarnationOf('a'), to: b, settings: {}, code: CODE }),
  );
  await until(() => peer.frames.length > 0);
  const isConnected = transport.isConnected(a);
  peer.socket.destroy();
  await until(() => !transport.isConnected(a));
  return isConnected && (answer as { readonly did: string }).did === 'status';
}

describe('an administrator', () => {
  it('is no peer: consensus hears nothing of it', async () => {
    const client = await administrator();

    expect(await client.ask({ command: 'remove', argument: a, timeoutMs: 7 })).toEqual({ did: 'remove' });

    expect(asked).toEqual([{ command: 'remove', argument: a, timeoutMs: 7 }]);
    expect(seen.events).toEqual([]);
    expect(logger.count('info an administrator asks')).toBe(1);
  });

  it('may ask again and again on one connection, and need not name the cluster', async () => {
    const client = await AdminClient.connect(b, { cluster: null, timeoutMs: 5_000 });
    onTestFinished(() => client.close());

    for (let i = 0; i < 3; i++) await client.ask(STATUS);

    expect(asked).toHaveLength(3);
  });

  it('is told the error as it is, with what is plain of its data', async () => {
    const data = { reason: 'last voter', count: 1, list: ['dropped'] };
    handle = async () => Promise.reject(new ConclaveError('ERR_CHANGE_REFUSED', 'No.', { data }));
    const client = await administrator();

    await expect(client.ask(STATUS)).rejects.toMatchObject({
      code: 'ERR_CHANGE_REFUSED',
      message: 'No.',
      data: { reason: 'last voter', count: 1 },
      retrySafe: true,
    });
    // And may ask for something else.
    await expect(client.ask(STATUS)).rejects.toMatchObject({ code: 'ERR_CHANGE_REFUSED' });
  });

  it('is told when an answer is too long, and when the node fails in answering', async () => {
    const client = await administrator();

    handle = async () => Array.from({ length: 4_000 }, () => 'x'.repeat(100));
    await expect(client.ask(STATUS)).rejects.toMatchObject({ code: 'ERR_RESULT_TOO_LARGE' });
    handle = async () => 1n;
    await expect(client.ask(STATUS)).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });

  it('does not know whether it was done when there is no answer, or the connection is lost', async () => {
    handle = () => new Promise(() => {});
    const patient = await administrator();
    const waiting = patient.ask(STATUS).catch((error: unknown) => error);
    const hasty = await administrator();
    await expect(hasty.ask({ ...STATUS, timeoutMs: 1 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      mayBeApplied: true,
    });

    await transport.stop();

    expect(await waiting).toMatchObject({ code: 'ERR_UNREACHABLE', mayBeApplied: true, retrySafe: false });
  });

  it('gets the answer that is due when the node stops', async () => {
    let answer: (value: unknown) => void = () => {};
    handle = () => new Promise((resolve) => (answer = resolve));
    const client = await administrator();
    const waiting = client.ask(STATUS);
    await until(() => asked.length === 1);

    const stopped = transport.stop();
    setImmediate(() => answer('done'));

    expect(await waiting).toBe('done');
    await stopped;
  });
});

describe('an administrator is refused', () => {
  it.each([
    ['who looks for another cluster', 'wrongCluster', [hello('other')]],
    [
      'who speaks another version',
      'unsupportedVersion',
      [frameBytes(FrameType.adminHello, ADMIN_VERSION + 1, 0, Buffer.from('anything'))],
    ],
    ['who sends what is no request', 'noRequest', [hello(), frameBytes(FrameType.keepalive, 0, 0, NO_BYTES)]],
    [
      'whose request cannot be decoded',
      'noRequest',
      [hello(), frameBytes(FrameType.adminRequest, 0, 0, Buffer.of(0xc1))],
    ],
    ['whose request has other fields', 'noRequest', [hello(), request('status')]],
    ['whose request says nothing', 'noRequest', [hello(), request(1, 2, 3)]],
    ['who says no time', 'noRequest', [hello(), request('status', null, 'soon')]],
    [
      'whose request carries bytes',
      'noRequest',
      [hello(), frameBytes(FrameType.adminRequest, 0, 0, new Encoder().encode(['status', null, 1]), Buffer.of(1))],
    ],
    ['who asks again before the answer', 'noRequest', [hello(), status, status]],
    ['who says hello twice', 'noRequest', [hello(), hello()]],
  ])('%s', async (_what, reason, pieces) => {
    const peer = open(...pieces);
    await peer.closed();

    const refusal = peer.frames.find((frame) => frame.type === FrameType.refused)!;
    expect(readRefusal(refusal).reason).toBe(reason);
    expect(await isAlive()).toBe(true);
  });

  it.each([
    ['a request that the node does not know', ['explode', null, 1_000]],
    ['an address that is none', ['add', 'nowhere', 1_000]],
    ['an address that is missing', ['add', null, 1_000]],
    ['an address that nobody asked for', ['status', 'a:1', 1_000]],
    ['an argument of another type', ['remove', { address: 'a:1' }, 1_000]],
    ['a time that is too long', ['status', null, 2 ** 40]],
    ['a name of what every object has', ['toString', null, 1_000]],
  ])('for %s, by an answer, and may go on', async (_what, fields) => {
    const peer = open(hello(), request(...fields));
    await until(() => peer.frames.length === 2);
    peer.socket.write(status);
    await until(() => peer.frames.length === 3);

    expect(readAnswer(peer.frames[1]!)).toMatchObject({ error: { code: 'ERR_INVALID_OPTION', mayBeApplied: false } });
    expect(readAnswer(peer.frames[2]!)).toEqual({ result: { did: 'status' } });
    expect(asked).toHaveLength(1);
  });

  it('who is the 17th, until one leaves', async () => {
    const clients = await Promise.all(Array.from({ length: 16 }, () => administrator()));

    await expect(administrator()).rejects.toMatchObject({
      code: 'ERR_HELLO_REFUSED',
      data: { reason: 'tooManyAdministrators' },
    });
    clients[0]!.close();

    // The node need not have heard of that yet.
    const next = await vi.waitFor(administrator, { interval: 2, timeout: 5_000 });
    expect(await next.ask(STATUS)).toEqual({ did: 'status' });
  });

  it.each([
    ['a hello without its fields', frameBytes(FrameType.adminHello, ADMIN_VERSION, 0, Buffer.of(0x91, 1))],
    [
      'a hello of another kind',
      frameBytes(FrameType.adminHello, ADMIN_VERSION, 0, new Encoder().encode(['x', null, null])),
    ],
    ['a request before the hello', status],
    ['a frame above 4 KiB', frameBytes(FrameType.adminHello, ADMIN_VERSION, 0, NO_BYTES, Buffer.alloc(4_085))],
  ])('by closing the connection after %s', async (_what, bytes) => {
    const peer = open(bytes);
    await peer.closed();

    expect(peer.frames).toEqual([]);
    expect(logger.count('protocol error')).toBe(1);
    expect(await isAlive()).toBe(true);
  });

  it('by closing the connection of a peer that sends what is for administrators', async () => {
    const peer = open(
      helloBytes({ cluster: CLUSTER, from: a, incarnation: incarnationOf('a'), to: b, settings: {}, code: CODE }),
    );
    await until(() => peer.frames.length > 0);
    peer.socket.write(status);
    await peer.closed();

    expect(seen.reasons[0]).toContain('A frame is not for peers');
    expect(asked).toEqual([]);
  });
});

describe('noise', () => {
  it('of an administrator never harms the node, before or after the hello', async () => {
    const session = Buffer.concat([hello(), request('add', 'x:1', 100), request('transfer', null, 100)]);
    const spoiled = fc
      .array(fc.tuple(fc.nat(session.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 })
      .map((flips) => {
        const bytes = Buffer.from(session);
        for (const [at, flip] of flips) bytes[at] = bytes[at]! ^ flip;
        return bytes;
      });
    const truncated = fc.nat(session.length).map((length) => session.subarray(0, length));
    const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const afterHello = random.map((bytes) => Buffer.concat([hello(), bytes]));
    const metas = random.map((bytes) => Buffer.concat([hello(), frameBytes(FrameType.adminRequest, 0, 0, bytes)]));

    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled, truncated, random, afterHello, metas), async (bytes) => {
        const peer = RawPeer.connect(b);
        peer.socket.end(bytes);
        await peer.closed();
      }),
      { numRuns: 300 },
    );

    expect(await isAlive()).toBe(true);
  });
});
