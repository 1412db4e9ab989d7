/**
 * The sockets on which a server listens: on several addresses, loopback or not, with bounds on how long a request may
 * take to arrive and how many connections there are. On the caller's thread.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { BlockList, type Socket } from 'node:net';
import { ConclaveError } from '../errors.js';
import { formatAddress, type Address } from '../net/address.js';
import { Connections } from './connections.js';

/** What one who connects may take. Times are in milliseconds. */
export interface ConnectionLimits {
  /** Of all addresses together. */
  readonly connectionsMax: number;
  /** For how long a connection may be idle: clients come back after ten seconds. */
  readonly idleMs: number;
  readonly headersMs: number;
  readonly requestMs: number;
  /** How often it is looked for requests that take too long. */
  readonly checkEveryMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  connectionsMax: 5_000,
  idleMs: 75_000,
  headersMs: 10_000,
  requestMs: 30_000,
  checkEveryMs: 2_000,
};

/** There is no such address here, or no such kind of address. */
const ABSENT: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** What is done with what comes in. */
export interface Requests {
  readonly onRequest: RequestListener;
  /** Of CONNECT. Null: it is refused. */
  readonly onConnect: ((request: IncomingMessage, socket: Socket, head: Buffer) => void) | null;
  /** A connection could not be accepted: there are no descriptors left, as a rule. Those that there are go on. */
  readonly onRefused: (error: Error) => void;
}

export class Listeners {
  readonly #requests: Requests;
  readonly #limits: ConnectionLimits;
  readonly #connections: Connections;
  readonly #servers: Server[] = [];

  constructor(requests: Requests, limits: ConnectionLimits = CONNECTION_LIMITS) {
    this.#requests = requests;
    this.#limits = limits;
    this.#connections = new Connections(limits.connectionsMax);
  }

  get connections(): number {
    return this.#connections.count;
  }

  /** Where it listens. */
  get addresses(): Address[] {
    return this.#servers.map((server) => {
      const { address, port } = server.address() as { readonly address: string; readonly port: number };
      return { host: address, port };
    });
  }

  /**
   * Listens on an address, too. False: this machine has no such address.
   *
   * @throws ConclaveError `ERR_ADDRESS_UNAVAILABLE` when the port is taken, or not ours.
   */
  async listen(address: Address): Promise<boolean> {
    const { idleMs, headersMs, requestMs, checkEveryMs } = this.#limits;
    const server = createServer({
      keepAliveTimeout: idleMs,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkEveryMs,
    });
    // A connection that says nothing at first waits for its headers.
    this.#connections.watch(server);
    server.on('request', (request, response) => {
      // Whatever a body says it is, it is read as what it has to be.
      delete request.headers['content-type'];
      this.#requests.onRequest(request, response);
    });
    const { onConnect } = this.#requests;
    if (onConnect !== null) {
      server.on('connect', (request, socket, head) => {
        this.#connections.keep(socket as Socket);
        onConnect(request, socket as Socket, head);
      });
    }
    server.listen({ ...address, ipv6Only: true });
    try {
      await once(server, 'listening');
    } catch (error) {
      if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw unavailable(address, error);
    }
    server.on('error', this.#requests.onRefused);
    this.#servers.push(server);
    return true;
  }

  /** Listens no more; answers that are under way are waited for, up to `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    const timer = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(timer);
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Can nobody reach it but this machine, or this pod? */
export function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || LOOPBACK.check(host, host.includes(':') ? 'ipv6' : 'ipv4');
}

function unavailable(address: Address, cause: unknown): ConclaveError {
  return new ConclaveError(
    'ERR_ADDRESS_UNAVAILABLE',
    `Nothing can listen on ${formatAddress(address)}: ${(cause as Error).message}. Another program may have the port; --listen says where to listen.`,
    { data: { address: formatAddress(address) }, cause },
  );
}
