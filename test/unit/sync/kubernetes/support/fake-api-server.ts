/**
 * A Kubernetes API server that knows Leases and its version only: who may do what, requests and watches, and what can
 * go wrong between a client and it. Time is handed in; a client is told by its bearer token. It is reached over HTTP
 * (`http-api-server.ts`) or within the process (`in-process-lease-api.ts`).
 */

import type { Timekeeper } from '../../../../../src/runtime/timekeeper.js';
import {
  badRequest,
  forbidden,
  internalError,
  methodNotAllowed,
  Refused,
  unauthorized,
  type ApiStatus,
} from './api-status.js';
import { decodeLease } from './lease-checks.js';
import { LeaseStore, type LeaseEvent } from './lease-store.js';

export interface ApiRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly token: string | null;
  readonly body: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `dropped`: the connection ends without an answer. `silent`: nothing comes, ever. */
export type ApiOutcome = ApiAnswer | 'dropped' | 'silent';

/** A rule of a Role, for Leases. */
export interface Rule {
  readonly verbs: readonly string[];
  /** Undefined: all. `create` cannot be limited by them, for the name is not known to who decides. */
  readonly resourceNames?: readonly string[];
}

/** What goes wrong between one client and the server. */
export interface Faults {
  /** How long requests take to arrive, and answers to come back. */
  requestMs: number;
  answerMs: number;
  /** How much longer writes take to arrive. */
  writeMs: number;
  /** Nothing arrives, and nothing comes back. */
  isPartitioned: boolean;
  /** So many writes are done, and their answers are lost with the connection. */
  dropAfterCommit: number;
  /** The next requests are answered so, and nothing is done. */
  failures: ('429' | '500')[];
  /** Watches stay open, and tell nothing. */
  isWatchStalled: boolean;
  /** Watches are refused, as by a proxy that allows none. */
  isWatchRefused: boolean;
}

export interface WatchListener {
  onLine(line: string): void;
  onEnd(): void;
}

interface Watcher {
  readonly token: string;
  readonly name: string | null;
  readonly wantsBookmarks: boolean;
  readonly listener: WatchListener;
  /** Held back while it is stalled. */
  readonly waiting: string[];
}

const PATH = /^\/apis\/coordination\.k8s\.io\/v1\/namespaces\/([^/]+)\/leases(?:\/([^/]+))?$/;
const VERBS: Readonly<Record<string, string>> = { GET: 'get', PUT: 'update', POST: 'create', DELETE: 'delete' };
const JSON_HEADERS = { 'content-type': 'application/json' } as const;

export class FakeApiServer {
  readonly namespace = 'test';
  readonly store = new LeaseStore(this.namespace);
  readonly #timekeeper: Timekeeper;
  readonly #rules = new Map<string, readonly Rule[]>();
  readonly #faults = new Map<string, Faults>();
  readonly #watchers = new Set<Watcher>();
  /** Of all requests that have arrived, as `verb name`. */
  readonly requests: string[] = [];
  /** Is a watch from a version that is not known any more refused at once, or told so by an event? Both are seen. */
  refusesExpiredWatches = false;

  constructor(timekeeper: Timekeeper) {
    this.#timekeeper = timekeeper;
    this.store.listen((event) => this.#onEvent(event));
  }

  /** Who has this token may do so much; without rules, everything. */
  admit(token: string, rules: readonly Rule[] = [{ verbs: ['create', 'get', 'update', 'watch'] }]): void {
    this.#rules.set(token, rules);
  }

  /** This token is known no more. */
  dismiss(token: string): void {
    this.#rules.delete(token);
  }

  faultsOf(token: string): Faults {
    let faults = this.#faults.get(token);
    if (faults === undefined) {
      faults = {
        requestMs: 0,
        answerMs: 0,
        writeMs: 0,
        isPartitioned: false,
        dropAfterCommit: 0,
        failures: [],
        isWatchStalled: false,
        isWatchRefused: false,
      };
      this.#faults.set(token, faults);
    }
    return faults;
  }

  /** Takes one request, that is no watch. What has arrived is done, whether or not its client still waits. */
  async handle(request: ApiRequest): Promise<ApiOutcome> {
    const faults = this.faultsOf(request.token ?? '');
    await this.#pass(faults.requestMs + (request.method === 'GET' ? 0 : faults.writeMs));
    if (faults.isPartitioned) return 'silent';
    const failure = faults.failures.shift();
    if (failure === '429') return tooManyRequests();
    if (failure === '500') return refusal(internalError('etcdserver: request timed out'));
    let answer: ApiAnswer;
    try {
      answer = this.#answer(request);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      answer = refusal(error);
    }
    await this.#pass(faults.answerMs);
    if (faults.isPartitioned) return 'silent';
    const isWrite = answer.status < 300 && request.method !== 'GET';
    if (isWrite && faults.dropAfterCommit > 0) {
      faults.dropAfterCommit--;
      return 'dropped';
    }
    return answer;
  }

  isWatch({ method, url }: ApiRequest): boolean {
    const watch = new URL(url, 'http://fake').searchParams.get('watch');
    return method === 'GET' && (watch === 'true' || watch === '1');
  }

  /** Opens a watch. Answers what refuses it, or how to end it. */
  async watch(request: ApiRequest, listener: WatchListener): Promise<ApiOutcome | (() => void)> {
    const faults = this.faultsOf(request.token ?? '');
    await this.#pass(faults.requestMs);
    if (faults.isPartitioned) return 'silent';
    if (faults.isWatchRefused) return refusal(methodNotAllowed());
    try {
      return this.#openWatch(request, listener);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return refusal(error);
    }
  }

  /** Tells watchers how far they are, whether or not anything has happened to what they watch. */
  bookmark(): void {
    const object = {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { resourceVersion: String(this.store.version), creationTimestamp: null },
      spec: {},
    };
    for (const watcher of this.#watchers) if (watcher.wantsBookmarks) this.#send(watcher, { type: 'BOOKMARK', object });
  }

  /** Ends all watches, as an API server does from time to time. */
  endWatches(): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      watcher.listener.onEnd();
    }
  }

  /** Sends what was held back from those who are stalled no longer. */
  flushWatches(): void {
    for (const watcher of this.#watchers) {
      if (this.#isHeldBack(watcher)) continue;
      for (const line of watcher.waiting.splice(0)) watcher.listener.onLine(line);
    }
  }

  #answer(request: ApiRequest): ApiAnswer {
    if (request.url === '/version' || request.url === '/version/') return this.#version(request);
    const { name, namespace } = this.#target(request);
    const verb = VERBS[request.method];
    this.requests.push(`${verb ?? request.method} ${name ?? ''}`.trim());
    if (verb === undefined || verb === 'delete') throw methodNotAllowed();
    if (request.method === 'GET') {
      this.#authorize(request.token, name === null ? 'list' : verb, namespace, name);
      if (name === null) throw methodNotAllowed();
      return success(200, this.store.get(name));
    }
    if (request.method === 'POST') {
      if (name !== null) throw methodNotAllowed();
      this.#authorize(request.token, 'create', namespace, null);
      const lease = decodeLease(request.body);
      this.#checkNamespace(lease.metadata!.namespace);
      return success(201, this.store.create(lease));
    }
    if (name === null) throw methodNotAllowed();
    this.#authorize(request.token, 'update', namespace, name);
    const lease = decodeLease(request.body);
    this.#checkNamespace(lease.metadata!.namespace);
    if (lease.metadata!.name !== name) {
      throw badRequest(
        `the name of the object (${lease.metadata!.name ?? ''}) does not match the name on the URL (${name})`,
      );
    }
    // Who creates must be allowed to.
    if (!this.store.has(name)) this.#authorize(request.token, 'create', namespace, null);
    const { lease: kept, isCreated } = this.store.replace(name, lease);
    return success(isCreated ? 201 : 200, kept);
  }

  /** What every client that is known may ask for. */
  #version({ method, token }: ApiRequest): ApiAnswer {
    this.requests.push('version');
    if (method !== 'GET') throw methodNotAllowed();
    if (token === null || !this.#rules.has(token)) throw unauthorized();
    return success(200, {
      major: '1',
      minor: '34',
      gitVersion: 'v1.34.0',
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '2025-08-27T10:17:43Z',
      goVersion: 'go1.24.5',
      compiler: 'gc',
      platform: 'linux/amd64',
    });
  }

  #openWatch(request: ApiRequest, listener: WatchListener): () => void {
    const { name: inPath, namespace, query } = this.#target(request);
    const selected = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? null;
    const name = inPath ?? selected;
    this.requests.push(`watch ${name ?? ''}`.trim());
    this.#authorize(request.token, 'watch', namespace, name);
    const asked = query.get('resourceVersion') ?? '';
    const watcher: Watcher = {
      token: request.token!,
      name,
      wantsBookmarks: query.get('allowWatchBookmarks') === 'true',
      listener,
      waiting: [],
    };
    if (asked === '' || asked === '0') {
      for (const each of this.store.names()) this.#send(watcher, { type: 'ADDED', object: this.store.get(each) });
    } else {
      if (!/^\d+$/.test(asked)) throw badRequest(`resourceVersion: Invalid value: "${asked}"`);
      this.#replay(watcher, Number(asked));
    }
    this.#watchers.add(watcher);
    const seconds = Number(query.get('timeoutSeconds') ?? '1800');
    const timer = this.#timekeeper.after(seconds * 1_000, () => this.#watchers.delete(watcher) && listener.onEnd());
    return () => {
      timer.cancel();
      this.#watchers.delete(watcher);
    };
  }

  /** What has happened since; or, as an event, that it is not known any more. */
  #replay(watcher: Watcher, since: number): void {
    try {
      for (const event of this.store.eventsSince(since)) this.#send(watcher, event);
    } catch (error) {
      if (!(error instanceof Refused) || this.refusesExpiredWatches) throw error;
      this.#send(watcher, { type: 'ERROR', object: error.status });
      queueMicrotask(() => {
        if (this.#watchers.delete(watcher)) watcher.listener.onEnd();
      });
    }
  }

  #onEvent(event: LeaseEvent): void {
    for (const watcher of this.#watchers) this.#send(watcher, event);
  }

  #send(
    watcher: Watcher,
    { type, object }: { readonly type: string; readonly object: LeaseEvent['object'] | ApiStatus },
  ): void {
    const name = (object.metadata as { name?: string }).name ?? null;
    if (name !== null && watcher.name !== null && name !== watcher.name) return;
    const line = JSON.stringify({ type, object });
    if (watcher.waiting.length > 0 || this.#isHeldBack(watcher)) watcher.waiting.push(line);
    else watcher.listener.onLine(line);
  }

  #isHeldBack({ token }: Watcher): boolean {
    const { isPartitioned, isWatchStalled } = this.faultsOf(token);
    return isPartitioned || isWatchStalled;
  }

  #target({ url }: ApiRequest): {
    readonly namespace: string;
    readonly name: string | null;
    readonly query: URLSearchParams;
  } {
    const { pathname, searchParams } = new URL(url, 'http://fake');
    const match = PATH.exec(pathname);
    if (match === null) throw new Refused(404, 'NotFound', 'the server could not find the requested resource', {});
    const name = match[2] === undefined ? null : decodeURIComponent(match[2]);
    return { namespace: decodeURIComponent(match[1]!), name, query: searchParams };
  }

  #checkNamespace(namespace: string = this.namespace): void {
    if (namespace === this.namespace) return;
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }

  #authorize(token: string | null, verb: string, namespace: string, name: string | null): void {
    const rules = token === null ? undefined : this.#rules.get(token);
    if (rules === undefined) throw unauthorized();
    const isAllowed = rules.some(
      ({ verbs, resourceNames }) =>
        verbs.includes(verb) && (resourceNames === undefined || (name !== null && resourceNames.includes(name))),
    );
    if (isAllowed && namespace === this.namespace) return;
    throw forbidden(`system:serviceaccount:${this.namespace}:${token}`, verb, namespace, name);
  }

  #pass(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => void this.#timekeeper.after(ms, resolve));
  }
}

function success(status: number, object: unknown): ApiAnswer {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(object) };
}

function refusal({ status }: Refused): ApiAnswer {
  return { status: status.code, headers: JSON_HEADERS, body: JSON.stringify(status) };
}

/** Said before a request is looked at, in plain text. */
function tooManyRequests(): ApiAnswer {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' };
  return { status: 429, headers, body: 'Too many requests, please try again later.\n' };
}
