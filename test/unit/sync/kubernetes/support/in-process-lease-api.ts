/**
 * Leases of the fake API server without a socket, so that a test can own the time: the same requests, and the same
 * answers.
 */

import {
  LeaseApiError,
  type Lease,
  type LeaseApi,
  type LeaseEvent,
} from '../../../../../src/sync/kubernetes/lease-api.js';
import type { ClientTime } from './client-time.js';
import type { ApiOutcome, ApiRequest, FakeApiServer } from './fake-api-server.js';

export class InProcessLeaseApi implements LeaseApi {
  readonly namespace: string;
  readonly #server: FakeApiServer;
  readonly #token: string;
  readonly #time: ClientTime;

  constructor(server: FakeApiServer, token: string, time: ClientTime) {
    this.namespace = server.namespace;
    this.#server = server;
    this.#token = token;
    this.#time = time;
  }

  async ping(signal: AbortSignal): Promise<void> {
    await this.#send({ method: 'GET', url: '/version', token: this.#token, body: '' }, signal);
  }

  read(name: string, signal: AbortSignal): Promise<Lease> {
    return this.#ask('GET', `/${name}`, null, signal);
  }

  create(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.#ask('POST', '', lease, signal);
  }

  replace(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.#ask('PUT', `/${lease.metadata.name}`, lease, signal);
  }

  watch(
    name: string,
    since: string | null,
    onEvent: (event: LeaseEvent) => void,
    onEnd: (error: LeaseApiError | null) => void,
  ): () => void {
    let isOver = false;
    let stop: () => void = () => {};
    const end = (error: LeaseApiError | null): void => {
      if (isOver) return;
      isOver = true;
      stop();
      this.#time.whenAwake(() => onEnd(error));
    };
    const tell = (line: string): void => {
      if (isOver) return;
      const event = eventOf(line);
      if (event instanceof LeaseApiError) end(event);
      else this.#time.whenAwake(() => isOver || onEvent(event));
    };
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=300&fieldSelector=metadata.name=${name}`;
    const url = `${this.#base}?${query}${since === null ? '' : `&resourceVersion=${since}`}`;
    const onOpened = (opened: ApiOutcome | (() => void)): void => {
      if (typeof opened !== 'function') {
        if (opened !== 'silent') end(failureOf(opened));
      } else if (isOver) opened();
      else stop = opened;
    };
    const request = { method: 'GET', url, token: this.#token, body: '' };
    void this.#server.watch(request, { onLine: tell, onEnd: () => end(null) }).then(onOpened);
    return () => {
      isOver = true;
      stop();
    };
  }

  get #base(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#server.namespace}/leases`;
  }

  async #ask(method: string, path: string, lease: Lease | null, signal: AbortSignal): Promise<Lease> {
    const body = lease === null ? '' : JSON.stringify(lease);
    return JSON.parse(await this.#send({ method, url: this.#base + path, token: this.#token, body }, signal)) as Lease;
  }

  /** Resolves with the body of the answer. */
  async #send(request: ApiRequest, signal: AbortSignal): Promise<string> {
    const handling = this.#server.handle(request);
    const outcome = await new Promise<ApiOutcome>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new LeaseApiError('unanswered', 'aborted')), { once: true });
      const onDone = (done: ApiOutcome): void => {
        if (done !== 'silent') this.#time.whenAwake(() => resolve(done));
      };
      handling.then(onDone, reject);
    });
    if (outcome === 'dropped' || outcome === 'silent' || outcome.status >= 300) throw failureOf(outcome);
    return outcome.body;
  }
}

function failureOf(outcome: ApiOutcome): LeaseApiError {
  if (typeof outcome === 'string') return new LeaseApiError('unanswered', 'socket hang up');
  return LeaseApiError.ofStatus(outcome.status, outcome.body, outcome.headers['retry-after']);
}

function eventOf(line: string): LeaseEvent | LeaseApiError {
  const { type, object } = JSON.parse(line) as { type: string; object: Lease & { code: number; message: string } };
  if (type === 'ERROR') return LeaseApiError.ofStatus(object.code, object.message);
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'kept', lease: object };
  return { type: type === 'DELETED' ? 'deleted' : 'bookmark', version: object.metadata.resourceVersion! };
}
