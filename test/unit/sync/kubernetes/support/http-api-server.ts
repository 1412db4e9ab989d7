/** The fake API server on a socket of this machine, by HTTP or, with a certificate, by HTTPS. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ApiOutcome, ApiRequest, FakeApiServer } from './fake-api-server.js';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export class HttpApiServer {
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(api: FakeApiServer, certificate: Certificate | null) {
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => void serve(api, request, response);
    this.#server = certificate === null ? createServer(onRequest) : createSecureServer(certificate, onRequest);
    this.#scheme = certificate === null ? 'http' : 'https';
  }

  static async start(api: FakeApiServer, certificate: Certificate | null = null): Promise<HttpApiServer> {
    const started = new HttpApiServer(api, certificate);
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function serve(api: FakeApiServer, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/', headers } = incoming;
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? null;
  const request: ApiRequest = { method, url, token, body: await text(incoming).catch(() => '') };
  if (!api.isWatch(request)) return answer(response, await api.handle(request));
  // Nothing is written before the head.
  const early: string[] = [];
  let isOpen = false;
  let hasEnded = false;
  const opened = await api.watch(request, {
    onLine: (line) => void (isOpen ? response.write(`${line}\n`) : early.push(`${line}\n`)),
    onEnd: () => {
      hasEnded = true;
      if (isOpen) response.end();
    },
  });
  if (typeof opened !== 'function') return answer(response, opened);
  response.on('close', opened);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  isOpen = true;
  for (const line of early) response.write(line);
  if (hasEnded) response.end();
}

function answer(response: ServerResponse, outcome: ApiOutcome): void {
  if (outcome === 'silent') return;
  if (outcome === 'dropped') return void response.destroy();
  response.writeHead(outcome.status, outcome.headers);
  response.end(outcome.body);
}
