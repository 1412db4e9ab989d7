import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HeartbeatConnection } from '../../../bench/locks/heartbeat-connection.js';
import { runHeartbeats, type HeartbeatsRequest } from '../../../bench/locks/heartbeats.js';

const LOAD: HeartbeatsRequest = { names: 3, window: 3, callsPerSecond: null, warmupMs: 5, durationMs: 30 };

describe('the load', () => {
  test.each([null, 2_000])(
    'holds every name once, then beats for each, one at a time (%s per second)',
    async (rate) => {
      const held: string[] = [];
      const beats = new Map<string, number>();
      const busy = new Set<string>();
      let overlaps = 0;

      const result = await runHeartbeats(
        async (name) => {
          held.push(name);
          return async () => {
            if (busy.has(name)) overlaps++;
            busy.add(name);
            beats.set(name, (beats.get(name) ?? 0) + 1);
            await new Promise((resolve) => setImmediate(resolve));
            busy.delete(name);
          };
        },
        // With a warm-up, a closed loop has 100 calls in flight.
        { ...LOAD, names: 100, callsPerSecond: rate },
      );

      expect(held).toEqual(Array.from({ length: 100 }, (_, index) => `name${index}`));
      expect(overlaps).toBe(0);
      expect(beats.size).toBeGreaterThan(0);
      expect(result.p50Ms).toBeGreaterThan(0);
      expect(result.maxMs).toBeGreaterThanOrEqual(result.p50Ms);
      expect(result.perSecond).toBeGreaterThan(0);
    },
  );

  test('whoever is slower than what is due has made fewer per second', async () => {
    // One at a time, and each takes 5 ms and more.
    const beat = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

    const { perSecond, p99Ms } = await runHeartbeats(async () => beat, { ...LOAD, names: 1, callsPerSecond: 1_000 });

    expect(perSecond).toBeLessThanOrEqual(250);
    expect(p99Ms).toBeGreaterThan(20);
  });

  test.each([null, 1_000])('fails with the first heartbeat that does (%s per second)', async (callsPerSecond) => {
    const beat = (): Promise<void> => Promise.reject(new Error('lost'));

    const running = runHeartbeats(async () => beat, { ...LOAD, names: 100, callsPerSecond });

    await expect(running).rejects.toThrow('lost');
  });
});

describe('a connection to a sidecar', () => {
  test('keeps one connection, and asks as clients of old do', async () => {
    const asked: string[] = [];
    const server = await listening(
      createServer(({ method, url, socket }, response) => {
        asked.push(`${method} ${url} ${socket.remotePort}`);
        response.setHeader('content-length', 2).end('{}');
      }),
    );
    const connection = connectionTo(server);

    await connection.beat();
    await connection.beat();

    expect(asked).toEqual([asked[0], asked[0]]);
    expect(asked[0]).toMatch(/^PUT \/locks\/name7 \d+$/);
  });

  test('puts together an answer that comes in pieces', async () => {
    const pieces = ['HTTP/1.1 200 OK\r\nContent-Le', 'ngth: 4\r\n\r', '\n{"a', '"'];
    const connection = connectionTo(await answering(pieces));

    await connection.beat();
  });

  test.each([
    ['is refused', ['HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}'], 'was answered with 409'],
    ['says nothing of its length', ['HTTP/1.1 200 OK\r\n\r\n'], 'without a length'],
    ['says more than an answer', ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP'], 'too much'],
  ])('fails where the heartbeat %s', async (_, pieces, message) => {
    const connection = connectionTo(await answering(pieces));

    await expect(connection.beat()).rejects.toThrow(message);
  });

  test('fails, now and later, when it is lost', async () => {
    const server = await listening(createTcpServer((socket) => socket.destroy()));
    const connection = connectionTo(server);

    await expect(connection.beat()).rejects.toThrow(/closed|ECONNRESET|EPIPE/);
    await expect(connection.beat()).rejects.toThrow(/closed|ECONNRESET|EPIPE/);
  });
});

function connectionTo(server: Server): HeartbeatConnection {
  const connection = new HeartbeatConnection((server.address() as AddressInfo).port, 'name7');
  onTestFinished(() => connection.close());
  return connection;
}

/** A server that answers each request with these pieces, each in a packet of its own as far as that can be had. */
function answering(pieces: readonly string[]): Promise<Server> {
  const answer = async (socket: Socket): Promise<void> => {
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return listening(createTcpServer({ noDelay: true }, (socket) => void socket.once('data', () => answer(socket))));
}

async function listening(server: Server): Promise<Server> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server;
}
