/**
 * One server of three that keep keys and values, and answer HTTP. Give it the port for HTTP, its own address and those
 * of the others; it stops when its input ends (Ctrl-D).
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { object, Runtime } from 'conclave';
import { ReplMap } from 'conclave/objects';
import { serveKey } from './store.js';

const [httpPort = '', self = '', ...peers] = process.argv.slice(2);

const runtime = await Runtime.start({ self, peers, objects: { store: object(ReplMap<string, string>) } });
await runtime.ready({ signal: AbortSignal.timeout(60_000) });

const server = createServer((request, response) => {
  if (request.url === '/status') response.end(JSON.stringify(runtime.status()));
  else void serveKey(runtime.objects.store, request, response);
});
server.listen(Number(httpPort), '127.0.0.1');
await once(server, 'listening');
console.log(`ready at http://127.0.0.1:${httpPort}/keys/`);

await once(process.stdin.resume(), 'end');
server.close();
server.closeAllConnections();
await runtime.stop();
