/**
 * A sidecar as a whole: a back end, who holds what by way of it, and the server that answers for it. On the thread that
 * starts it; what its process does with signals is the command's business.
 */

import { hostname } from 'node:os';
import { invalid, checkTtl } from '../sync/option-checks.js';
import { Sync } from '../sync/sync.js';
import type { Timer } from '../runtime/actor.js';
import { Claiming } from '../sync/claiming.js';
import { formatAddress, parseAddress, type Address } from '../net/address.js';
import { Complaints } from './complaints.js';
import { createHttpApp, type Routes } from './http-app.js';
import { LeaderElector } from './leader-elector.js';
import { CONNECTION_LIMITS, isLoopback, Listeners, type ConnectionLimits, type Requests } from './listeners.js';
import { lockRoutes } from './lock-routes.js';
import { LockService } from './lock-service.js';
import type { OpenedBackend } from './opened-backend.js';
import { RemoteClients } from './remote-clients.js';
import { probeRoutes } from './probe-routes.js';
import { SidecarMetrics } from './sidecar-metrics.js';

/** Where clients of old look for it. */
export const LISTEN_DEFAULT = ['127.0.0.1:13131', '[::1]:13131', '127.0.0.1:8080', '[::1]:8080'] as const;
export const ELECTION_LISTEN_DEFAULT = ['127.0.0.1:4040', '[::1]:4040'] as const;
export const TTL_MS_DEFAULT = 30_000;

/** For so long it may take to give everything back when it stops. */
const RELEASE_GRACE_MS = 3_000;
/** For so long answers that are under way may take when it stops. */
const CLOSE_GRACE_MS = 2_000;
/** What back ends take for an owner has room for this, and for the name of a client. */
const IDENTITY_BYTES_MAX = 256;

export interface SidecarOptions {
  readonly opened: OpenedBackend;
  /** Default: `LISTEN_DEFAULT`, where an address that this machine does not have is left out. */
  readonly listen?: readonly string[];
  /** Who holds what is asked for here. Default: the name of the host. */
  readonly identity?: string;
  /** An owner that is not heard of for so long has lost its lock. Default: 30,000. */
  readonly ttlMs?: number;
  /** What locks say is their namespace. Default: the back end's, or `default`. */
  readonly namespace?: string;
  /** The election in which it stands. Default: none. */
  readonly election?: string;
  /** Where it says who has been elected. Default: `ELECTION_LISTEN_DEFAULT`. */
  readonly electionListen?: readonly string[];
  /** Told what is worth knowing to who runs it. */
  readonly warn: (message: string) => void;
  readonly limits?: ConnectionLimits;
}

export class Sidecar {
  readonly #opened: OpenedBackend;
  readonly #service: LockService;
  readonly #clients: RemoteClients;
  /** Null: it stands in no election. */
  readonly #elector: LeaderElector | null = null;
  readonly #warn: (message: string) => void;
  readonly #limits: ConnectionLimits;
  readonly #onFailure: (error: unknown) => void;
  readonly #listeners: Listeners[] = [];
  #isStopping = false;
  #stopped: Promise<void> | null = null;

  private constructor({ opened, warn, limits = CONNECTION_LIMITS, ...options }: SidecarOptions) {
    const identity = checkIdentity(options.identity ?? hostname());
    const ttlMs = checkTtl(options.ttlMs ?? TTL_MS_DEFAULT);
    this.#opened = opened;
    this.#warn = warn;
    this.#limits = limits;
    const complaints = new Complaints(opened.backend.timekeeper.clock, warn);
    const onFailure = (error: unknown): void => complaints.about(error);
    this.#onFailure = onFailure;
    this.#service = new LockService({
      backend: opened.backend,
      identity,
      ttlMs,
      onFailure,
    });
    this.#clients = new RemoteClients(opened.backend);
    if (options.election === undefined) return;
    const sync = new Sync(new Claiming(opened.backend));
    const election = sync.election(options.election, { id: identity, ttlMs });
    this.#elector = new LeaderElector(election, opened.backend.timekeeper, onFailure);
  }

  /**
   * Starts to answer. The back end is its own from now on: it is closed with it, and when the start fails.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION`, `ERR_ADDRESS_UNAVAILABLE`, `ERR_MISSING_PACKAGE`
   */
  static async start(options: SidecarOptions): Promise<Sidecar> {
    let sidecar: Sidecar | null = null;
    try {
      sidecar = new Sidecar(options);
      await sidecar.#serve(options);
      return sidecar;
    } catch (error) {
      await (sidecar?.stop() ?? options.opened.close());
      throw error;
    }
  }

  /** Where it listens. */
  get addresses(): string[] {
    return this.#listeners.flatMap((listeners) => listeners.addresses.map(formatAddress));
  }

  /** Grants nothing more, gives everything back, and then ends. Never rejects; may be called more than once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #serve({
    listen,
    electionListen,
    namespace = this.#opened.namespace ?? 'default',
    ttlMs = TTL_MS_DEFAULT,
  }: SidecarOptions): Promise<void> {
    const metrics = await SidecarMetrics.load({
      opened: this.#opened,
      service: this.#service,
      connections: () => this.#listeners.reduce((sum, { connections }) => sum + connections, 0),
    });
    const retryAfterS = Math.min(10, Math.max(1, Math.round(ttlMs / 3_000)));
    const isReady = (): boolean => !this.#isStopping && this.#opened.isReady();
    const routes = [
      probeRoutes({ isReady, hasFailed: () => this.#opened.hasFailed(), metrics }),
      lockRoutes({ service: this.#service, namespace, retryAfterS }),
    ];
    const onConnect: Requests['onConnect'] = (...connect) => this.#clients.onConnect(...connect);
    await this.#listen(routes, onConnect, listen, LISTEN_DEFAULT);
    if (this.#elector === null) return;
    await this.#listen([this.#elector.routes], null, electionListen, ELECTION_LISTEN_DEFAULT);
  }

  async #listen(
    routes: readonly Routes[],
    onConnect: Requests['onConnect'],
    given: readonly string[] | undefined,
    byDefault: readonly string[],
  ): Promise<void> {
    const addresses = (given ?? byDefault).map((address) => parseAddress(address, 'listen'));
    const app = await createHttpApp({
      routes,
      onDefect: (error) => this.#warn(`A request has failed: ${String(error)}`),
    });
    const onRequest: Requests['onRequest'] = (request, response) => app.routing(request, response);
    const listeners = new Listeners({ onRequest, onConnect, onRefused: this.#onFailure }, this.#limits);
    this.#listeners.push(listeners);
    for (const address of addresses) {
      const isThere = await listeners.listen(address);
      if (!isThere && given !== undefined)
        throw invalid('listen', `names ${formatAddress(address)}, which is no address of this machine`);
      if (!isLoopback(address)) this.#warn(openTo(address));
    }
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    // Without a quorum nothing can be given back: it ends by its TTL then.
    await this.#within(
      RELEASE_GRACE_MS,
      Promise.all([this.#service.close(), this.#clients.close(), this.#elector?.close()]),
    );
    await Promise.all(this.#listeners.map((listeners) => listeners.close(CLOSE_GRACE_MS)));
    await this.#opened.close();
  }

  async #within(graceMs: number, done: Promise<unknown>): Promise<void> {
    let timer: Timer | null = null;
    const over = new Promise<void>((resolve) => (timer = this.#opened.backend.timekeeper.after(graceMs, resolve)));
    await Promise.race([done, over]);
    (timer as Timer | null)?.cancel();
  }
}

function openTo(address: Address): string {
  return (
    `${formatAddress(address)} can be reached from other machines: whoever does can hold and release all locks as this sidecar. ` +
    'There is no authentication.'
  );
}

/** A slash parts it from the client of a request: one in it could pass for that. */
function checkIdentity(identity: string): string {
  const isShort = Buffer.byteLength(identity) <= IDENTITY_BYTES_MAX;
  if (identity !== '' && isShort && !identity.includes('/')) return identity;
  throw invalid('identity', `must be a name of up to ${IDENTITY_BYTES_MAX} bytes without a slash`);
}
