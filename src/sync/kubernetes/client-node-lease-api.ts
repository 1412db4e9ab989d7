/**
 * Leases by way of `@kubernetes/client-node`, the official client: who we are, where the API server is, what is sent
 * and how. It is an optional package, loaded here when it is needed, and none of its types leave this file. On the
 * caller's thread.
 */

import type {
  CoordinationV1Api,
  KubeConfig,
  Observable,
  RequestContext,
  ResponseContext,
  V1Lease,
  VersionApi,
} from '@kubernetes/client-node';
import { ConclaveError } from '../../errors.js';
import { invalid } from '../option-checks.js';
import { LeaseApiError, type Lease, type LeaseApi, type LeaseEvent } from './lease-api.js';

type ClientNode = typeof import('@kubernetes/client-node');

/** How a cluster is found. */
export interface ClusterAccess {
  /**
   * The text of a kubeconfig; undefined: what `KUBECONFIG` names, `~/.kube/config`, or the service account of this pod.
   */
  readonly kubeconfig?: string;
  /** The one to use of a kubeconfig; undefined: its current one. */
  readonly context?: string;
}

/** A watch is begun anew after so long: a server ends it then, and a connection that has died silently is noticed. */
const WATCH_SECONDS = 300;
const NAMESPACE_DEFAULT = 'default';
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** What the errors of the client have, if they come from an answer: those of its requests, and of its watches. */
interface Answer {
  readonly code?: number;
  readonly statusCode?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ClientNodeLeaseApi implements LeaseApi {
  readonly namespace: string;
  readonly #client: ClientNode;
  readonly #config: KubeConfig;
  readonly #api: CoordinationV1Api;
  readonly #version: VersionApi;

  private constructor(client: ClientNode, config: KubeConfig, namespace: string) {
    this.#client = client;
    this.#config = config;
    this.#api = config.makeApiClient(client.CoordinationV1Api);
    this.#version = config.makeApiClient(client.VersionApi);
    this.namespace = namespace;
  }

  /**
   * @param namespace undefined: the one of the context, in a pod the pod's
   * @throws ConclaveError `ERR_MISSING_PACKAGE` when the client is not installed; `ERR_INVALID_OPTION` when there is no
   *   cluster to be found in what is given
   */
  static async open(access: ClusterAccess, namespace?: string): Promise<ClientNodeLeaseApi> {
    const given = namespace === undefined ? null : checkNamespace(namespace);
    const client = await loadClient();
    const config = configOf(client, access);
    return new ClientNodeLeaseApi(client, config, given ?? checkNamespace(namespaceOf(config)));
  }

  /** By its version, which anybody may ask for who has not been kept from it. */
  async ping(signal: AbortSignal): Promise<void> {
    try {
      await answered(this.#version.getCode({}, this.#until(signal)));
    } catch (error) {
      if (!(error instanceof LeaseApiError) || error.status !== 403) throw error;
    }
  }

  async read(name: string, signal: AbortSignal): Promise<Lease> {
    const { namespace } = this;
    return asLease(await answered(this.#api.readNamespacedLease({ name, namespace }, this.#until(signal))));
  }

  async create(lease: Lease, signal: AbortSignal): Promise<Lease> {
    const param = { namespace: this.namespace, body: lease as unknown as V1Lease };
    try {
      return asLease(await answered(this.#api.createNamespacedLease(param, this.#until(signal))));
    } catch (error) {
      // It is the namespace that is not there.
      if (!(error instanceof LeaseApiError) || error.failure !== 'not found') throw error;
      throw new LeaseApiError('refused', error.message, { status: error.status, cause: error });
    }
  }

  async replace(lease: Lease, signal: AbortSignal): Promise<Lease> {
    const { name } = lease.metadata;
    const param = { name, namespace: this.namespace, body: lease as unknown as V1Lease };
    return asLease(await answered(this.#api.replaceNamespacedLease(param, this.#until(signal))));
  }

  watch(
    name: string,
    since: string | null,
    onEvent: (event: LeaseEvent) => void,
    onEnd: (error: LeaseApiError | null) => void,
  ): () => void {
    const { Watch } = this.#client;
    const ending = new AbortController();
    let isOver = false;
    const end = (error: LeaseApiError | null): void => {
      if (isOver) return;
      isOver = true;
      ending.abort();
      onEnd(error);
    };
    const tell = (type: string, object: unknown): void => {
      if (isOver) return;
      const event = eventOf(type, object);
      if (event instanceof LeaseApiError) end(event);
      else if (event !== null) onEvent(event);
    };
    const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(this.namespace)}/leases`;
    const query = {
      fieldSelector: `metadata.name=${name}`,
      allowWatchBookmarks: true,
      timeoutSeconds: WATCH_SECONDS,
      ...(since === null ? {} : { resourceVersion: since }),
    };
    const done = (error: unknown): void => end(error === null || error === undefined ? null : failureOf(error));
    const onOpened = (controller: AbortController): void => {
      if (ending.signal.aborted) controller.abort();
      else ending.signal.addEventListener('abort', () => controller.abort(), { once: true });
    };
    const watch = new Watch(endedBy(this.#config, ending.signal));
    watch.watch(path, query, tell, done).then(onOpened, done);
    return () => {
      isOver = true;
      ending.abort();
    };
  }

  /** The generated API takes a signal by way of what it lets pass its requests. */
  #until(signal: AbortSignal): Parameters<CoordinationV1Api['readNamespacedLease']>[1] {
    const { Observable } = this.#client;
    const pre = (context: RequestContext): Observable<RequestContext> => {
      context.setSignal(signal);
      return new Observable(Promise.resolve(context));
    };
    const post = (context: ResponseContext): Observable<ResponseContext> => new Observable(Promise.resolve(context));
    return { middleware: [{ pre, post }], middlewareMergeStrategy: 'append' };
  }
}

/** @throws ConclaveError `ERR_MISSING_PACKAGE` */
async function loadClient(): Promise<ClientNode> {
  try {
    return await import('@kubernetes/client-node');
  } catch (error) {
    throw new ConclaveError(
      'ERR_MISSING_PACKAGE',
      'Leases of Kubernetes need its official client, which does not come with Conclave, and could not be loaded: ' +
        'npm install @kubernetes/client-node@^1.4.0',
      { data: { package: '@kubernetes/client-node' }, cause: error },
    );
  }
}

/** @throws ConclaveError `ERR_INVALID_OPTION` */
function configOf({ KubeConfig }: ClientNode, { kubeconfig, context }: ClusterAccess): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromString(kubeconfig);
    if (context !== undefined) config.setCurrentContext(context);
    const cluster = config.getCurrentCluster();
    // The client refuses plain HTTP at each request, unless it is allowed; where nothing is configured, it makes that
    // up.
    const isAllowed = cluster !== null && (cluster.skipTLSVerify || !cluster.server.startsWith('http:'));
    // In a pod, it makes an address of whatever the environment says, which may be nothing.
    if (isAllowed && URL.canParse(cluster.server)) return config;
  } catch (error) {
    throw noCluster(error);
  }
  throw noCluster(undefined);
}

function namespaceOf(config: KubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace?.trim() || NAMESPACE_DEFAULT;
}

/** @throws ConclaveError `ERR_INVALID_OPTION` */
function checkNamespace(namespace: unknown): string {
  if (typeof namespace === 'string' && DNS_LABEL.test(namespace)) return namespace;
  throw invalid('namespace', 'must be the name of a namespace');
}

function noCluster(cause: unknown): ConclaveError {
  const message =
    'There is no cluster that could be reached: kubeconfig (by default KUBECONFIG, ~/.kube/config, or the service account of a ' +
    'pod) must name one, by https, in the context that is to be used.';
  return new ConclaveError('ERR_INVALID_OPTION', message, { data: { option: 'kubeconfig' }, cause });
}

/**
 * The same configuration, for one watch: what has been opened for it is closed also while it waits for an answer, when
 * the client's own way to abort it does not exist yet.
 */
function endedBy(config: KubeConfig, signal: AbortSignal): KubeConfig {
  return new Proxy(config, {
    get(target, key) {
      if (key !== 'applyToFetchOptions') return Reflect.get(target, key) as unknown;
      return async (options: Parameters<KubeConfig['applyToFetchOptions']>[0]) => {
        const init = await target.applyToFetchOptions(options);
        const { agent } = init;
        const close = (): void => {
          if (typeof agent === 'object') (agent as { destroy(): void }).destroy();
        };
        if (signal.aborted) close();
        else signal.addEventListener('abort', close, { once: true });
        return init;
      };
    },
  });
}

async function answered<Result>(request: Promise<Result>): Promise<Result> {
  try {
    return await request;
  } catch (error) {
    throw failureOf(error);
  }
}

/** The client keeps times as it likes; the API server takes them with six digits of a second only. */
function asLease({ metadata, spec }: V1Lease): Lease {
  const times = Object.fromEntries(
    (['acquireTime', 'renewTime'] as const).flatMap((field) => {
      const time: unknown = spec?.[field];
      return time === undefined || time === null ? [] : [[field, microTimeOf(time)]];
    }),
  );
  const withoutNulls = (object: object): object =>
    Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
  return {
    metadata: withoutNulls(metadata ?? {}) as Lease['metadata'],
    spec: { ...withoutNulls(spec ?? {}), ...times },
  };
}

function microTimeOf(time: unknown): string {
  if (typeof time === 'string' && MICRO_TIME.test(time)) return time;
  return new Date(time as string | Date).toISOString().replace(/\.(\d{3}).*Z$/, '.$1000Z');
}

/** Null: of no interest. */
function eventOf(type: string, object: unknown): LeaseEvent | LeaseApiError | null {
  if (type === 'ERROR') {
    const { code = 500, message = 'The watch has failed.' } = (object ?? {}) as { code?: number; message?: string };
    return LeaseApiError.ofStatus(code, message);
  }
  const lease = asLease(object as V1Lease);
  const version = lease.metadata.resourceVersion;
  if (version === undefined) return null;
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'kept', lease };
  if (type === 'DELETED') return { type: 'deleted', version };
  return type === 'BOOKMARK' ? { type: 'bookmark', version } : null;
}

function failureOf(error: unknown): LeaseApiError {
  const { code, statusCode, body, headers } = error as Answer;
  const status = typeof code === 'number' ? code : (statusCode ?? null);
  if (status === null) {
    return new LeaseApiError('unanswered', error instanceof Error ? error.message : String(error), { cause: error });
  }
  return LeaseApiError.ofStatus(status, messageOf(body) ?? `HTTP ${status}`, headers?.['retry-after'], error);
}

/** What a Status says. */
function messageOf(body: unknown): string | null {
  let status: unknown = body;
  if (typeof body === 'string') {
    try {
      status = JSON.parse(body);
    } catch {
      return body.slice(0, 500);
    }
  }
  const message = (status as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : null;
}
