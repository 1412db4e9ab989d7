/**
 * Listens, and takes each connection through its handshake. Strangers are bounded in number, in time and in what they
 * can make us hold; one that does not behave is closed and logged, and nobody else notices.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { ConclaveError } from '../errors.js';
import type { Logger } from '../runtime/logger.js';
import type { AdminDoor } from './admin/admin-door.js';
import { formatAddress, type Address } from './address.js';
import { Handshake, type SharedHandshakeOptions } from './handshake.js';

export interface TcpListenerOptions extends SharedHandshakeOptions {
  readonly address: Address;
  readonly logger: Logger;
  /** Where administrators come in. Null: nowhere. */
  readonly door: AdminDoor | null;
}

/**
 * So many connections may be in handshake. One more ends the oldest of them: an honest hello comes at once, so among
 * strangers the newest is the likeliest to be a peer.
 */
const HANDSHAKES_MAX = 64;

/** So many failed connections are logged between two calls of `sweep`; the rest is counted. */
const LOGGED_FAILURES_MAX = 10;

export class TcpListener {
  readonly #options: TcpListenerOptions;
  readonly #server: Server;
  /** Every socket that was accepted and has not closed yet. */
  readonly #sockets = new Set<Socket>();
  /** Those among them that no link owns: in handshake, or reading why they were refused. Oldest first. */
  readonly #strangers = new Map<Socket, Handshake>();
  #failures = 0;
  #isClosed = false;

  constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#onSocket(socket));
  }

  /** @throws ConclaveError `ERR_ADDRESS_UNAVAILABLE` naming the address. */
  listen(): Promise<void> {
    const { address, logger } = this.#options;
    return new Promise((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void => reject(unavailable(address, cause));
      this.#server.once('error', onError);
      this.#server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
        this.#server.off('error', onError);
        this.#server.on('error', (error) => logger.error({ error }, 'cannot accept a connection'));
        resolve();
      });
    });
  }

  /** Says how many failed connections were not logged since the last call. Called regularly. */
  sweep(): void {
    const unlogged = this.#failures - LOGGED_FAILURES_MAX;
    if (unlogged > 0) this.#options.logger.warn({ connections: unlogged }, 'more connections were closed in handshake');
    this.#failures = 0;
  }

  /** Closes every connection that was ever accepted here. Resolves when the port is free. */
  close(): Promise<void> {
    this.#isClosed = true;
    return new Promise((resolve) => {
      // The only error there can be: it does not listen.
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #onSocket(socket: Socket): void {
    const { identity, timeoutMs, admit, onAccepted, door } = this.#options;
    const remote = formatAddress({ host: socket.remoteAddress ?? 'unknown', port: socket.remotePort ?? 0 });
    this.#makeRoom();
    this.#sockets.add(socket);
    const handshake = new Handshake(socket, {
      identity,
      dialled: null,
      timeoutMs,
      admit,
      onAdministrator:
        door &&
        ((connection, hello) => {
          const refusal = door.admit(connection, hello, remote);
          if (refusal === null) this.#strangers.delete(socket);
          return refusal;
        }),
      onAccepted: (connection, hello) => {
        this.#strangers.delete(socket);
        onAccepted(connection, hello);
      },
      onFailed: (reason) => this.#onFailed(remote, reason),
    });
    this.#strangers.set(socket, handshake);
    handshake.begin();
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#strangers.delete(socket);
    });
  }

  #makeRoom(): void {
    if (this.#strangers.size < HANDSHAKES_MAX) return;
    const [socket, handshake] = this.#strangers.entries().next().value!;
    this.#strangers.delete(socket);
    handshake.close(`more than ${HANDSHAKES_MAX} connections are in handshake`);
  }

  #onFailed(remote: string, reason: string): void {
    if (this.#isClosed) return;
    this.#failures++;
    if (this.#failures > LOGGED_FAILURES_MAX) return;
    this.#options.logger.warn({ remote, reason }, 'connection closed in handshake');
  }
}

/** What the commonest mistakes are called by the system. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use the port (EACCES)',
  EADDRINUSE: 'the port is taken (EADDRINUSE)',
  EADDRNOTAVAIL: 'the address is not one of this machine (EADDRNOTAVAIL); give bind if self is what others call it',
  ENOTFOUND: 'the name is not known (ENOTFOUND)',
};

function unavailable(address: Address, cause: NodeJS.ErrnoException): ConclaveError {
  const written = formatAddress(address);
  const code = cause.code ?? cause.message;
  return new ConclaveError('ERR_ADDRESS_UNAVAILABLE', `Cannot listen on ${written}: ${REASONS[code] ?? code}.`, {
    data: { address: written, reason: cause.code },
    cause,
  });
}
