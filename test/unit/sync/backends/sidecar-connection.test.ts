/** The connection between a process and its sidecar: lost, refused, misused. */

import { createServer } from 'node:http';
import { connect as connectTo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { openMemoryBackend } from '../../../../src/sidecar/memory-backend.js';
import { Sidecar } from '../../../../src/sidecar/sidecar.js';
import { connect, memory, sidecar, type Leader, type SightedBackend, type Sync } from '../../../../src/sync/index.js';
import { SidecarBackend } from '../../../../src/sync/sidecar/sidecar-backend.js';
import { freePorts } from '../../../../src/testing/free-ports.js';
import { errorOf } from '../../actors/replicated/error-of.js';
import { CutOffBackend } from '../support/cut-off-backend.js';
import { ManualTime, settled } from '../support/manual-time.js';

const FOREVER_MS = 3_600_000;

describe('a process and its sidecar', () => {
  let port: number;
  let running: Sidecar;
  /** It outlives the sidecar, as a cluster does. */
  let backend: SightedBackend;

  beforeEach(async () => {
    backend = memory();
    [port] = (await freePorts(1)) as [number];
    running = await startSidecar();
  });

  afterEach(() => running.stop());

  function startSidecar(): Promise<Sidecar> {
    const opened = { ...openMemoryBackend(), backend };
    return Sidecar.start({ opened, listen: [`127.0.0.1:${port}`], warn: () => {} });
  }

  /** With a back end whose answers can be held back. */
  async function restartSlow(): Promise<CutOffBackend> {
    await running.stop();
    const slow = new CutOffBackend(memory());
    backend = slow;
    running = await startSidecar();
    return slow;
  }

  function connected(): Promise<Sync> {
    return connect(sidecar(`http://127.0.0.1:${port}`));
  }

  /** A connection on which a test writes what it likes. */
  async function raw(): Promise<Socket> {
    const socket = connectTo({ port, host: '127.0.0.1' });
    socket.write('CONNECT conclave-sync:1 HTTP/1.1\r\nHost: conclave-sync:1\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('HTTP/1.1 200 OK\r\n\r\n');
    return socket;
  }

  it('lose what is held at once when the connection is lost, and others have it', async () => {
    const socket = await raw();
    write(socket, { id: 1, command: { type: 'openSession', session: 1, ttlMs: FOREVER_MS } });
    const terms = { name: 'lock/x', of: 1_000_000, permits: 1_000_000, isWaiting: true, value: null };
    write(socket, { id: 2, command: { type: 'claim', session: 1, request: 1, terms } });
    await once(socket, 'data');
    const sync = await connected();
    const waiting = sync.lock('x').acquire();
    expect(await sync.lock('x').tryAcquire()).toBeNull();

    socket.destroy();

    expect((await waiting).held).toBe(true);
  });

  it.each([
    ['a connection that was lost', (socket: Socket): void => void socket.destroy()],
    [
      'a session that was to be closed',
      (socket: Socket): void => {
        write(socket, { id: 2, command: { type: 'closeSession', session: 1 } });
      },
    ],
  ])('have given back what was held over %s before the sidecar ends', async (_, endsIt) => {
    const cutOff = new CutOffBackend(backend);
    const told: string[] = [];
    let onClosing: () => void = () => {};
    const closing = new Promise<void>((resolve) => (onClosing = resolve));
    let giveBack: () => void = () => {};
    const isGivenBack = new Promise<void>((resolve) => (giveBack = resolve));
    Object.defineProperty(cutOff.heldBack, 'close', { get: () => (onClosing(), isGivenBack) });
    await running.stop();
    const opened = { ...openMemoryBackend(), backend: cutOff, close: async () => void told.push('back end closed') };
    running = await Sidecar.start({ opened, listen: [`127.0.0.1:${port}`], warn: () => {} });
    const socket = await raw();
    write(socket, { id: 1, command: { type: 'openSession', session: 1, ttlMs: FOREVER_MS } });
    await once(socket, 'data');
    endsIt(socket);
    await closing;

    const stopped = running.stop();
    await settled();
    expect(told).toEqual([]);
    giveBack();
    await stopped;
    socket.destroy();

    expect(told).toEqual(['back end closed']);
  });

  it('lose what is held when the sidecar ends, and hold again when it is back', async () => {
    const sync = await connected();
    const held = await sync.lock('x').acquire();

    await running.stop();
    const lost = await held.lost;
    const refused = await errorOf(() => sync.lock('x').acquire());
    running = await startSidecar();

    expect([lost.code, held.held]).toEqual(['ERR_LOCK_LOST', false]);
    expect(refused).toMatchObject({ code: 'ERR_UNREACHABLE', mayBeApplied: false, retrySafe: true });
    expect((await sync.lock('x').acquire()).held).toBe(true);
  });

  it('are told that nobody answers by a sidecar that is about to end, and campaign again when it is back', async () => {
    const slow = await restartSlow();
    const sync = await connected();
    const held = await sync.lock('x').acquire();
    let answer: () => void = () => {};
    slow.heldBack.close = new Promise((resolve) => (answer = resolve));
    const stopped = running.stop();
    await held.lost;

    const refused = await errorOf(() => sync.lock('x').acquire());
    const stopping = new AbortController();
    const campaigning = sync
      .election('boss', { id: 'me', ttlMs: 300 })
      .run(() => stopping.abort(), { signal: stopping.signal });
    await errorOf(() => sync.lock('x').acquire());
    answer();
    await stopped;
    delete slow.heldBack.close;
    running = await startSidecar();

    expect(refused).toMatchObject({ code: 'ERR_UNREACHABLE', mayBeApplied: false, retrySafe: true });
    await campaigning;
    expect(stopping.signal.aborted).toBe(true);
  });

  it('campaign again, and observe again, when the sidecar is back', async () => {
    const sync = await connected();
    const stopping = new AbortController();
    const seen: (Leader | null)[] = [];
    let terms = 0;
    const observing = errorOf(async () => {
      for await (const leader of sync.election('boss', { id: 'x' }).observe({ signal: stopping.signal })) {
        seen.push(leader);
        if (terms === 2 && leader !== null) stopping.abort();
      }
    });
    const running1 = sync.election('boss', { id: 'me', ttlMs: 300 }).run(
      async ({ signal }) => {
        terms++;
        if (terms === 1) {
          await running.stop();
          running = await startSidecar();
        }
        if (!signal.aborted) await once(signal, 'abort');
      },
      { signal: stopping.signal },
    );

    expect((await observing).code).toBe('ERR_ABORTED');
    await running1;

    expect(terms).toBe(2);
    expect(seen.at(-1)?.id).toBe('me');
  });

  it('carry what is said with a claim as it is', async () => {
    const sync = await connected();
    const value = { at: new Date(0), big: 2n ** 70n, bytes: new Uint8Array([1, 2]), map: new Map([[1, 'x']]) };
    await sync.election('boss', { id: 'me', value }).campaign();

    const { value: leader } = await sync.election('boss', { id: 'x' }).observe().next();

    expect(leader?.value).toEqual(value);
  });

  it('end the connection of one who says what is no command, and serve the others', async () => {
    const sync = await connected();
    const held = await sync.lock('x').acquire();
    const sockets: Socket[] = [];
    for (const bad of [
      { id: 1, command: { type: 'explode' } },
      { id: 1, command: { type: 'claim', session: 1, request: 1, terms: { name: 7 } } },
      { id: 1, command: { type: 'openSession', session: 1, ttlMs: 1 } },
      'hello',
      null,
    ]) {
      const socket = await raw();
      write(socket, bad);
      sockets.push(socket);
    }
    const long = await raw();
    long.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    const garbage = await raw();
    garbage.write(Buffer.from([3, 0, 0, 0, 0xc1, 0xc1, 0xc1]));

    await Promise.all([...sockets, long, garbage].map((socket) => closed(socket)));

    expect(held.held).toBe(true);
    expect(await sync.lock('y').tryAcquire()).not.toBeNull();
  });

  it('live on where what is to be told is longer than a message may be: the one concerned is told so, or parted', async () => {
    const sync = await connected();
    const held = await sync.lock('x').acquire();
    const leading = await sync.election('boss', { id: 'me' }).campaign();
    const watching = sync.election('boss', { id: 'w' }).observe();
    await watching.next();
    // As much as can be proclaimed, which is more than can be told in a message of another kind.
    let bytes = 1024 * 1024;
    while ((await leading.proclaim('x'.repeat(bytes)).catch(() => 'too large')) === 'too large') bytes--;
    const socket = await raw();
    // What it is refused for says where that is.
    let value: unknown = 1;
    for (let level = 0; level < 61; level++) value = { [`${level}`.padStart(10_000, 'k')]: value };
    write(socket, { id: 1, command: { type: 'openSession', session: 1, ttlMs: FOREVER_MS } });
    write(socket, { id: 2, command: { type: 'proclaim', session: 1, request: 1, value } });

    expect((await errorOf(() => watching.next())).code).toBe('ERR_COMMAND_TOO_LARGE');
    await closed(socket);
    expect([held.held, leading.held, held.signal.aborted]).toEqual([true, true, false]);
  });

  it.each([
    ['404', 'CONNECT conclave-sync:0 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['403', 'CONNECT conclave-sync:1 HTTP/1.1\r\nHost: x\r\nOrigin: http://page\r\n\r\n'],
  ])('are parted when that is refused by %s, also where the process would go on', async (status, asked) => {
    const socket = connectTo({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(asked);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));

    await running.stop();

    socket.destroy();
  });

  it('are parted when the sidecar is there, and says nothing for as long as it never takes', async () => {
    const server = createServer();
    const asked = new Promise((resolve) => {
      server.once('connect', (_request, socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.once('data', resolve);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port: other } = server.address() as { port: number };
    const time = new ManualTime();
    const sync = await connect(new SidecarBackend(`http://127.0.0.1:${other}`, time));
    const acquiring = errorOf(() => sync.lock('x').acquire());
    await asked;

    await time.pass(30_000);

    expect(await acquiring).toMatchObject({ code: 'ERR_UNREACHABLE', mayBeApplied: true });
    await sync.close();
    server.close();
  });

  it('are not parted for others because one cannot give back what it held', async () => {
    const slow = await restartSlow();
    const time = new ManualTime();
    const shared = new SidecarBackend(`http://127.0.0.1:${port}`, time);
    const [one, other] = [await connect(shared), await connect(shared)];
    await one.lock('x', { ttlMs: FOREVER_MS }).acquire();
    const held = await other.lock('y', { ttlMs: FOREVER_MS }).acquire();
    let answer: () => void = () => {};
    slow.heldBack.close = new Promise((resolve) => (answer = resolve));
    const closing = one.close();

    await time.pass(30_000);
    await closing;

    expect(held.held).toBe(true);
    answer();
  });

  it('are not parted because very much is asked for at once', async () => {
    const slow = await restartSlow();
    const sync = await connected();
    const held = await sync.lock('x').acquire();
    let answer: () => void = () => {};
    slow.heldBack.claim = new Promise((resolve) => (answer = resolve));
    const names = Array.from({ length: 11_000 }, (_, i) => `x${i}`);
    const others = Promise.all(names.map((name) => sync.lock(name).acquire()));
    // A sidecar that is asked for more than it takes has parted by the time that it answers this.
    await (await fetch(`http://127.0.0.1:${port}/locks/x0`)).arrayBuffer();

    answer();
    await Promise.race([held.lost, others]);

    expect([held.held, (await others).length]).toEqual([true, names.length]);
  });

  it('are told when whoever answers is no sidecar', async () => {
    const server = createServer((_request, response) => void response.end('hello'));
    server.on('connect', (_request, socket) => void socket.end('HTTP/1.1 405 No\r\n\r\n'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port: other } = server.address() as { port: number };

    const error = await errorOf(async () => (await connect(sidecar(`http://127.0.0.1:${other}`))).lock('x').acquire());

    expect(error.code).toBe('ERR_PROTOCOL');
    server.close();
  });

  it.each(['', 'localhost:13131', 'https://localhost:1', 'http://localhost/locks', 7 as never])(
    'cannot be told where to meet by %j',
    (url) => {
      expect(() => sidecar(url)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    },
  );
});

function write(socket: Socket, message: unknown): void {
  const bytes = new ValueCodec().encodeInto(message);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  socket.write(Buffer.concat([length, bytes]));
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  // Also by a reset, which is an error to one who listens for it.
  if (!socket.closed) await new Promise((resolve) => void socket.on('error', () => {}).once('close', resolve));
}
