/** Runs server.ts three times, kills all of them in the middle of their work, and starts them again. */

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../bench/processes/free-ports.js';

type Server = ChildProcessByStdio<Writable, Readable, null>;

const SERVER = fileURLToPath(new URL('./server.js', import.meta.url));
/** So many notes are acknowledged before the servers are killed. */
const NOTES = 300;

function start(folder: string, self: string, addresses: readonly string[]): Server {
  const peers = addresses.filter((address) => address !== self);
  const server = spawn(process.execPath, [SERVER, folder, self, ...peers], { stdio: ['pipe', 'pipe', 'inherit'] });
  // What one that was killed no longer reads.
  server.stdin.on('error', () => {});
  return server;
}

/** Hands each line to `onLine`, which says when it has seen enough. Rejects when the server ends before that. */
async function watch(server: Server, onLine: (line: string) => boolean): Promise<void> {
  for await (const line of createInterface(server.stdout)) if (onLine(line)) return;
  throw new Error('A server ended before it was done.');
}

/** Resolves with how many notes a server has once it is ready. */
async function ready(server: Server): Promise<number> {
  let count = 0;
  await watch(server, (line) => {
    count = Number(/^ready (\d+)/.exec(line)?.[1] ?? Number.NaN);
    return true;
  });
  return count;
}

async function main(folder: string, running: Server[]): Promise<void> {
  const addresses = (await freePorts(3)).map((port) => `localhost:${port}`);
  running.push(...addresses.map((self) => start(folder, self, addresses)));
  const acknowledged = new Set<string>();
  console.log('Three servers write notes …');
  await Promise.all(
    running.map(async (server, number) => {
      for (let note = 0; note < 10_000; note++) server.stdin.write(`note ${note} of server ${number}\n`);
      await watch(server, (line) => {
        if (line.startsWith('kept')) acknowledged.add(line);
        return acknowledged.size >= NOTES;
      });
    }),
  );

  const killed = running.splice(0);
  for (const server of killed) server.kill('SIGKILL');
  await Promise.all(killed.map((server) => once(server, 'exit')));
  console.log(`${acknowledged.size} notes were acknowledged. All three servers have been killed.`);

  running.push(...addresses.map((self) => start(folder, self, addresses)));
  const counts = await Promise.all(running.map((server) => ready(server)));
  for (const [index, count] of counts.entries()) console.log(`${addresses[index]} is back, with ${count} notes.`);
  if (counts.some((count) => !(count >= acknowledged.size))) throw new Error('Notes are missing.');
  console.log('Every note that was acknowledged is there.');

  for (const server of running) server.stdin.end();
  await Promise.all(running.map((server) => once(server, 'exit')));
}

const folder = await mkdtemp(join(tmpdir(), 'conclave-notes-'));
const running: Server[] = [];
try {
  await main(folder, running);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
for (const server of running) server.kill('SIGKILL');
await rm(folder, { recursive: true, force: true });
