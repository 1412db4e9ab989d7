/**
 * Keeps trying to connect to one peer: one attempt at a time, a jittered back-off between attempts, names looked up
 * anew for each. Owns the attempts; what comes of one that is accepted belongs to its link.
 */

import { connect, type Socket } from 'node:net';
import type { NodeId } from '../ids.js';
import type { Logger } from '../runtime/logger.js';
import type { Address } from './address.js';
import type { Backoff } from './backoff.js';
import { Handshake, type SharedHandshakeOptions } from './handshake.js';

export interface TcpDialerOptions extends SharedHandshakeOptions {
  readonly peer: NodeId;
  readonly address: Address;
  readonly backoff: Backoff;
  readonly logger: Logger;
  /** Is there a connection to the peer, made by either side? Then none is to be made. */
  readonly isConnected: () => boolean;
}

export class TcpDialer {
  readonly #options: TcpDialerOptions;
  /** Every socket that was opened and has not closed yet: the attempt, the connection, those that were refused. */
  readonly #sockets = new Set<Socket>();
  /** The attempts that are under way. */
  readonly #attempts = new Set<Handshake>();
  #retry: NodeJS.Timeout | undefined;
  /** Why the last attempt failed: logged loudly when it changes, quietly when it is the same again. */
  #failure: string | null = null;
  #isStopped = false;

  constructor(options: TcpDialerOptions) {
    this.#options = options;
  }

  /** Tries now, unless there is a connection. Goes on until one is accepted. */
  dial(): void {
    if (this.#options.isConnected()) return;
    const { peer, address, identity, timeoutMs, admit, onAccepted } = this.#options;
    const socket = connect({ host: address.host, port: address.port, autoSelectFamily: true });
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const handshake = new Handshake(socket, {
      identity,
      dialled: peer,
      timeoutMs,
      admit,
      onAdministrator: null,
      onAccepted: (connection, hello) => {
        this.#failure = null;
        this.#attempts.delete(handshake);
        onAccepted(connection, hello);
      },
      onFailed: (reason) => {
        this.#attempts.delete(handshake);
        this.#onFailed(reason);
      },
    });
    this.#attempts.add(handshake);
    handshake.begin();
  }

  /** Tries after the next delay of the back-off: there is no connection any more, or yet. */
  redial(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.dial(), this.#options.backoff.nextMs());
  }

  /** The connection has proved itself: the back-off begins anew when it is lost. */
  settle(): void {
    this.#options.backoff.reset();
  }

  /** Makes no more attempts, and ends those under way. What has come of others belongs to their links. */
  leaveOff(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    for (const attempt of this.#attempts) attempt.close('it is not to be connected to any more');
  }

  stop(): void {
    this.leaveOff();
    for (const socket of this.#sockets) socket.destroy();
  }

  #onFailed(reason: string): void {
    if (this.#isStopped) return;
    const { logger, peer } = this.#options;
    const level = reason === this.#failure ? 'debug' : 'warn';
    logger[level]({ peer, reason }, 'cannot connect to peer; will go on trying');
    this.#failure = reason;
    this.redial();
  }
}
