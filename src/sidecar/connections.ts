/**
 * The connections of a server, as many as there may be: one more ends the one that has been idle for longest, so that
 * clients which open connections and forget them shut nobody out. On the caller's thread.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class Connections {
  readonly #max: number;
  readonly #busy = new Set<Socket>();
  /** The one that has been idle for longest comes first. Invariant: disjoint from `#busy`. */
  readonly #idle = new Set<Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#busy.size + this.#idle.size;
  }

  /** Counts those of this server, too. */
  watch(server: Server): void {
    server.on('connection', (socket) => this.#onConnection(socket));
    server.on('request', (request, response) => this.#onRequest(request, response));
  }

  /** What it is from now on is never idle: it ends with whoever uses it. */
  keep(socket: Socket): void {
    this.#idle.delete(socket);
    this.#busy.add(socket);
  }

  #onConnection(socket: Socket): void {
    this.#idle.add(socket);
    socket.once('close', () => {
      this.#idle.delete(socket);
      this.#busy.delete(socket);
    });
    if (this.count <= this.#max) return;
    // The newest, where all others wait for an answer.
    this.#idle.values().next().value!.destroy();
  }

  #onRequest({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#idle.delete(socket);
    this.#busy.add(socket);
    response.once('close', () => {
      this.#busy.delete(socket);
      if (!socket.destroyed) this.#idle.add(socket);
    });
  }
}
