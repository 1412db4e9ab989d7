/** What the sockets of a sidecar live through. */

import { Server } from 'node:http';
import { expect, test, vi } from 'vitest';
import { Listeners } from '../../../../src/sidecar/listeners.js';

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
