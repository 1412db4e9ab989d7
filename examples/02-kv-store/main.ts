/** Runs server.ts three times, writes by one of them and reads by another, and goes on when the leader is killed. */

import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../bench/processes/free-ports.js';
import { ServerProcess } from '../server-process.js';

const SCRIPT = new URL('./server.js', import.meta.url);
const TRIES_MAX = 50;

async function main(running: Set<ServerProcess>): Promise<void> {
  const ports = await freePorts(6);
  const addresses = ports.slice(0, 3).map((port) => `localhost:${port}`);
  const servers = addresses.map((self, i) => {
    const server = new ServerProcess(SCRIPT, [
      String(ports[3 + i]),
      self,
      ...addresses.filter((each) => each !== self),
    ]);
    running.add(server);
    return { server, self, url: `http://127.0.0.1:${ports[3 + i]}` };
  });
  for (const { server } of servers) console.log(await server.line('ready'));

  await expectStatus(204, `${servers[0]!.url}/keys/tea`, { method: 'PUT', body: 'Darjeeling' });
  const value = await (await expectStatus(200, `${servers[1]!.url}/keys/tea`)).text();
  console.log(`Written by one server, read by another: tea = ${value}`);
  await expectStatus(404, `${servers[2]!.url}/keys/coffee`);

  const { leader } = (await (await fetch(`${servers[0]!.url}/status`)).json()) as { readonly leader: string };
  const killed = servers.find(({ self }) => self === leader)!;
  await killed.server.kill();
  running.delete(killed.server);
  console.log(`The leader, ${leader}, has been killed.`);

  const [writer, reader] = servers.filter(({ self }) => self !== leader);
  await expectStatus(204, `${writer!.url}/keys/tea`, { method: 'PUT', body: 'Assam' });
  const after = await (await expectStatus(200, `${reader!.url}/keys/tea`)).text();
  console.log(`The two others go on: tea = ${after}`);
  if (after !== 'Assam') throw new Error('What was written is not what is read.');
  await expectStatus(204, `${reader!.url}/keys/tea`, { method: 'DELETE' });
  await expectStatus(404, `${writer!.url}/keys/tea`);

  const codes = await Promise.all([...running].map((server) => server.end()));
  if (codes.some((code) => code !== 0)) throw new Error('A server did not end in order.');
  console.log('Done.');
}

/** Asks again where the server says that it is safe to. */
async function expectStatus(status: number, url: string, init?: RequestInit): Promise<Response> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const response = await fetch(url, init);
    if (response.status === status) return response;
    const said = await response.text();
    if (response.status !== 503) throw new Error(`${init?.method ?? 'GET'} ${url}: ${response.status} ${said}`);
    await delay(100);
  }
  throw new Error(`${url} is not served.`);
}

const running = new Set<ServerProcess>();
try {
  await main(running);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  for (const server of running) await server.kill();
}
