/** Runs counter.ts three times, as three processes that find each other, until each has made its visits. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../bench/processes/free-ports.js';

const COUNTER = fileURLToPath(new URL('./counter.js', import.meta.url));

const addresses = (await freePorts(3)).map((port) => `localhost:${port}`);
const servers = addresses.map((self) =>
  spawn(process.execPath, [COUNTER, self, ...addresses.filter((peer) => peer !== self)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  }),
);
const exits = servers.map((server) => once(server, 'exit') as Promise<[code: number | null]>);

const visits = servers.map(async (server) => {
  for await (const line of createInterface(server.stdout)) {
    console.log(line);
    if (line.endsWith('done')) return;
  }
  throw new Error('A server ended before it was done.');
});

try {
  await Promise.all(visits);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  for (const server of servers) server.kill();
}
for (const server of servers) server.stdin.end();
for (const [code] of await Promise.all(exits)) if (code !== 0) process.exitCode = 1;
