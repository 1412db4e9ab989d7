/**
 * The routes of locks: what Metaparticle's clients ask for, answered as they expect it, and what those may ask for who
 * know more.
 */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import { badRequest, type Routes } from './http-app.js';
import { lockJson, type LockState } from './lock-json.js';
import { lockNameInPath, lockNameOf, type LockName } from './lock-name.js';
import type { LockService, Outcome } from './lock-service.js';

/** Locks that one answer shows. */
const LISTED_MAX = 1_000;
const CLIENT_CHARS_MAX = 128;
const CLIENT = /^[\x21-\x7E]+$/;
const WHOLE = /^[0-9]{1,10}$/;

export interface LockRoutesOptions {
  readonly service: LockService;
  readonly namespace: string;
  /** When to ask again for a lock that somebody else has, in seconds. */
  readonly retryAfterS: number;
}

type Named = FastifyRequest<{ Params: { readonly name: string } }>;

export function lockRoutes({ service, namespace, retryAfterS }: LockRoutesOptions): Routes {
  const send = (reply: FastifyReply, status: number, lock: LockState): FastifyReply => {
    if (lock.token > 0n) reply.header('x-fencing-token', String(lock.token));
    if (status === 409) reply.header('retry-after', retryAfterS);
    return reply.code(status).send(lockJson(lock, namespace));
  };
  const notFound = (reply: FastifyReply): FastifyReply => reply.code(404).send({ message: 'Not found.' });
  const answer = (reply: FastifyReply, { isDone, lock }: Outcome): FastifyReply =>
    send(reply, isDone ? 200 : 409, lock);
  const create = async (request: FastifyRequest, reply: FastifyReply, name: LockName): Promise<FastifyReply> => {
    const { isDone, lock } = await service.create(name, ownerOf(request));
    return isDone ? send(reply, 200, lock) : reply.code(409).send({ message: 'Conflict' });
  };
  const ownerOf = (request: FastifyRequest): string => service.ownerOf(clientOf(request));

  return (app) => {
    app.get('/locks', async () => {
      const items = service.held().slice(0, LISTED_MAX);
      return {
        kind: 'LockList',
        apiVersion: 'metaparticle.io/v1',
        items: items.map((lock) => lockJson(lock, namespace)),
      };
    });
    app.get('/locks/:name', async (request: Named, reply) => {
      const lock = await service.get(lockNameInPath(request.params.name));
      return lock === null ? notFound(reply) : send(reply, 200, lock);
    });
    app.put('/locks/:name', async (request: Named, reply) => {
      const name = lockNameInPath(request.params.name);
      const waitMs = waitMsOf(request);
      // Heartbeats, which do not wait, need none: it would cost more than the rest of them.
      const waiting = { waitMs, signal: waitMs === 0 ? null : goneSignal(reply) };
      return answer(reply, await service.hold(name, ownerOf(request), waiting));
    });
    app.post('/locks', (request, reply) => create(request, reply, lockNameOf(nameInBody(request.body))));
    app.post('/locks/:name', (request: Named, reply) => create(request, reply, lockNameInPath(request.params.name)));
    app.delete('/locks/:name', async (request: Named, reply) => {
      const outcome = await service.release(lockNameInPath(request.params.name), ownerOf(request));
      return outcome === null ? notFound(reply) : answer(reply, outcome);
    });
  };
}

function clientOf({ headers }: FastifyRequest): string | null {
  const client = headers['x-sync-client'];
  if (client === undefined) return null;
  const isClient = typeof client === 'string' && client.length <= CLIENT_CHARS_MAX && CLIENT.test(client);
  if (!isClient) throw badRequest(`X-Sync-Client is up to ${CLIENT_CHARS_MAX} printable characters without spaces.`);
  return client;
}

function waitMsOf({ query }: FastifyRequest): number {
  const { waitMs } = query as { readonly waitMs?: unknown };
  if (waitMs === undefined) return 0;
  if (typeof waitMs === 'string' && WHOLE.test(waitMs) && Number(waitMs) <= TIMEOUT_MS_MAX) return Number(waitMs);
  throw badRequest(`waitMs is a whole number of milliseconds, up to ${TIMEOUT_MS_MAX}.`);
}

/** Either as a lock is shown, or the name alone. */
function nameInBody(body: unknown): string {
  const { name, metadata } = (body ?? {}) as {
    readonly name?: unknown;
    readonly metadata?: { readonly name?: unknown };
  };
  const found = metadata?.name ?? name;
  if (typeof found === 'string') return found;
  throw badRequest('The body names no lock: {"metadata":{"name":"…"}}.');
}

/** Aborted when the connection is lost before the answer. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const aborting = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) aborting.abort();
  });
  return aborting.signal;
}
