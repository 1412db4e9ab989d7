/** The HTTP front of a replicated map: each request becomes one call of the map's handle. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { ConclaveError, type RemoteOf } from 'conclave';
import type { ReplMap } from 'conclave/objects';

const KEYS = '/keys/';
const VALUE_BYTES_MAX = 64 * 1024;

type Store = RemoteOf<ReplMap<string, string>>;

/** Answers `GET`, `PUT` and `DELETE` of `/keys/KEY`. Never rejects. */
export async function serveKey(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const url = new URL(request.url ?? '/', 'http://store');
    if (!url.pathname.startsWith(KEYS)) return end(response, 404, 'Try /keys/KEY.');
    const key = decodeURIComponent(url.pathname.slice(KEYS.length));
    switch (request.method) {
      case 'GET': {
        // A local read asks nobody and may be old; otherwise a majority confirms that nothing newer was acknowledged.
        const consistency = url.searchParams.has('local') ? 'local' : 'linearizable';
        const value = await store.with({ consistency }).get(key);
        return value === undefined ? end(response, 404, 'No such key.') : end(response, 200, value);
      }
      case 'PUT': {
        if (Number(request.headers['content-length'] ?? Infinity) > VALUE_BYTES_MAX) {
          return end(response, 413, `A value has a Content-Length, of at most ${VALUE_BYTES_MAX}.`);
        }
        await store.set(key, await text(request));
        return end(response, 204, '');
      }
      case 'DELETE':
        return end(response, (await store.delete(key)) ? 204 : 404, '');
      default:
        return end(response, 405, 'GET, PUT or DELETE.');
    }
  } catch (error) {
    answerError(response, error);
  }
}

/** Whoever has asked must know whether it was done, and whether to try again. */
function answerError(response: ServerResponse, error: unknown): void {
  if (error instanceof URIError) end(response, 400, 'The key is not encoded as a part of a URL.');
  else if (error instanceof ConclaveError) {
    const { code, mayBeApplied, retrySafe } = error;
    end(response, retrySafe ? 503 : 504, JSON.stringify({ code, mayBeApplied, retrySafe }));
  } else end(response, 500, String(error));
}

function end(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(body);
}
