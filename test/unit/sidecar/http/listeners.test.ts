/** Where a sidecar listens, and what its sockets live through. */

import { Server } from 'node:http';
import { expect, test, vi } from 'vitest';
import { isLoopback, Listeners } from '../../../../src/sidecar/listeners.js';
import { openMemoryBackend } from '../../../../src/sidecar/memory-backend.js';
import { Sidecar } from '../../../../src/sidecar/sidecar.js';
import { RawClient } from './support/raw-client.js';
import { request } from './support/running-sidecar.js';

test('a sidecar that is told nothing listens where clients of old look for it, on loopback only, and warns of nothing', async () => {
  const original = Reflect.get(Server.prototype, 'listen') as (options: object) => Server;
  const asked: { readonly host: string; readonly port: number }[] = [];
  const listened = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, options) {
    asked.push(options as never);
    // Others may have these ports.
    return original.call(this, { ...(options as unknown as object), port: 0 });
  });
  const warnings: string[] = [];
  try {
    const opened = openMemoryBackend();
    const sidecar = await Sidecar.start({ opened, election: 'boss', warn: (message) => warnings.push(message) });
    await sidecar.stop();
  } finally {
    listened.mockRestore();
  }

  expect(asked.map(({ host, port }) => [host, port])).toEqual([
    ['127.0.0.1', 13_131],
    ['::1', 13_131],
    ['127.0.0.1', 8_080],
    ['::1', 8_080],
    ['127.0.0.1', 4_040],
    ['::1', 4_040],
  ]);
  expect(warnings).toEqual([]);
});

test.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['pod-1', false],
  ['127.0.0.1.example', false],
])('%s is reached from this machine only: %s', (host, isOnly) => {
  expect(isLoopback({ host, port: 1 })).toBe(isOnly);
});

test('a connection that has been idle for as long as it may ends, and not before it was answered', async () => {
  const limits = { connectionsMax: 10, idleMs: 50, headersMs: 5_000, requestMs: 5_000, checkEveryMs: 1_000 };
  const listeners = new Listeners(
    { onRequest: (_request, response) => void response.end('here'), onConnect: null, onRefused: () => {} },
    limits,
  );
  await listeners.listen({ host: '127.0.0.1', port: 0 });
  const client = await RawClient.connect(listeners.addresses[0]!.port);

  const { status } = await client.ask(request('GET', '/'));
  await client.ended();

  expect(status).toBe(200);
  await listeners.close(0);
});

test('a connection that cannot be accepted is told of, and those that can be are answered', async () => {
  const listened = vi.spyOn(Server.prototype, 'listen');
  const refused: Error[] = [];
  const listeners = new Listeners({
    onRequest: (_request, response) => void response.end('here'),
    onConnect: null,
    onRefused: (error) => refused.push(error),
  });
  try {
    await listeners.listen({ host: '127.0.0.1', port: 0 });
    const [server] = listened.mock.contexts as Server[];

    server!.emit('error', new Error('accept EMFILE'));

    expect(refused.map(({ message }) => message)).toEqual(['accept EMFILE']);
    const { port } = listeners.addresses[0]!;
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here');
  } finally {
    listened.mockRestore();
    await listeners.close(0);
  }
});
