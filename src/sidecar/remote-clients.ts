/**
 * The clients of `sidecar(url)`: those who have asked for a connection that carries sessions. On the caller's thread.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { SyncBackend } from '../sync/backend.js';
import { SESSIONS_AUTHORITY } from '../sync/sidecar/messages.js';
import { RemoteClient } from './remote-client.js';

/** The operating system asks so often whether a client is there that says nothing. */
const KEEPALIVE_MS = 10_000;

export class RemoteClients {
  readonly #backend: SyncBackend;
  readonly #clients = new Set<RemoteClient>();
  #isClosed = false;

  constructor(backend: SyncBackend) {
    this.#backend = backend;
  }

  get count(): number {
    return this.#clients.size;
  }

  /** Somebody asks for a connection that is no HTTP from now on. */
  onConnect({ url, headers }: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {});
    const refusal = this.#refusalOf(url, headers);
    if (refusal !== null) {
      // Nobody else ends it if the client does not, and what it may say is read by nobody.
      socket.resume();
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
      return;
    }
    socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_MS).setTimeout(0);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const client: RemoteClient = new RemoteClient(this.#backend, socket, head, () => this.#clients.delete(client));
    this.#clients.add(client);
  }

  /** Ends all sessions. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#clients].map((client) => client.close()));
  }

  #refusalOf(url: string | undefined, headers: IncomingMessage['headers']): string | null {
    if (headers.origin !== undefined) return '403 Forbidden';
    if (url !== SESSIONS_AUTHORITY) return '404 Not Found';
    return this.#isClosed ? '503 Service Unavailable' : null;
  }
}
