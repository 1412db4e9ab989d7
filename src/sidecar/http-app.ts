/**
 * The sidecar's HTTP server but for its sockets: what all routes have in common. Bodies are read as JSON whatever they
 * say they are, and what is wrong with a request is said in JSON. On the caller's thread.
 */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ConclaveError } from '../errors.js';
import { loadFastify } from './load-fastify.js';

/** A body is a name at most. */
const BODY_BYTES_MAX = 64 * 1024;
const LOCKS = '/locks/';
/** Longer than any path that Node lets through. */
const PARAM_CHARS_MAX = 65_536;
/** What is escaped by nothing. */
const UNRESERVED = /^[\w.~-]+$/;
const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const;

/** Adds routes. */
export type Routes = (app: FastifyInstance) => void;

export interface HttpAppOptions {
  readonly routes: readonly Routes[];
  /** A defect of ours, which is no reason to stop. */
  readonly onDefect: (error: unknown) => void;
}

export async function createHttpApp({ routes, onDefect }: HttpAppOptions): Promise<FastifyInstance> {
  const fastify = await loadFastify();
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    // The rest of the path is the name of a lock, in whatever bytes: one parameter, as it was written.
    rewriteUrl: ({ url = '/' }) => withNameEscaped(url),
    frameworkErrors: (error, request, reply) => onError(error, request, reply),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? null : JSON.parse(body.toString()));
    } catch {
      done(badRequest('The body is not JSON.'));
    }
  });
  const onError = (error: FastifyError | Error, _request: FastifyRequest, reply: FastifyReply): void => {
    const status = statusOf(error);
    if (status >= 500) onDefect(error);
    void reply.code(status).send({ message: status >= 500 ? 'Internal error.' : error.message });
  };
  app.setErrorHandler(onError);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    // Only browsers say where a page is from that asks: no page is to hold the locks of the machine that shows it.
    if (request.headers.origin === undefined) return;
    await reply.code(403).send({ message: 'Web pages may not ask.' });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const allowed = METHODS.filter((method) => app.findRoute({ method, url: routeOf(request.url) }) !== null);
    if (allowed.length === 0) return reply.code(404).send({ message: 'Not found.' });
    return reply.code(405).header('allow', allowed.join(', ')).send({ message: 'Method not allowed.' });
  });
  for (const route of routes) route(app);
  await app.ready();
  return app;
}

/** @param message what is wrong with the request */
export function badRequest(message: string): Error & { readonly statusCode: number } {
  return Object.assign(new Error(message), { statusCode: 400 });
}

function statusOf(error: FastifyError | Error): number {
  if (error instanceof ConclaveError) return error.code === 'ERR_INVALID_OPTION' ? 400 : 500;
  const status = 'statusCode' in error ? error.statusCode : undefined;
  return status !== undefined && status >= 400 && status < 500 ? status : 500;
}

function withNameEscaped(url: string): string {
  const [path, ...query] = url.split('?');
  if (!path!.startsWith(LOCKS) || path === LOCKS || UNRESERVED.test(path!.slice(LOCKS.length))) return url;
  return [LOCKS + encodeURIComponent(path!.slice(LOCKS.length)), ...query].join('?');
}

/** The route that a request would have had by another method. */
function routeOf(url: string): string {
  const [path] = url.split('?');
  return path!.startsWith(LOCKS) && path !== LOCKS ? `${LOCKS}:name` : path!;
}
