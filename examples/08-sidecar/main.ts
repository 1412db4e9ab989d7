/**
 * Runs three sidecars, which are a cluster, and beside two of them a client that knows nothing but HTTP; they take
 * turns with a file.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../bench/processes/free-ports.js';
import { ServerProcess } from '../server-process.js';

const CLIENT = new URL('./client.js', import.meta.url);
/** What `npx conclave` runs. */
const COMMAND = fileURLToPath(new URL('dist/cli/main.js', import.meta.resolve('conclave/package.json')));
const READY_MS_MAX = 30_000;

const folder = await mkdtemp(join(tmpdir(), 'conclave-example-'));
const file = join(folder, 'count');
const sidecars: ChildProcess[] = [];
const clients: ServerProcess[] = [];
process.once('exit', () => sidecars.forEach((sidecar) => sidecar.kill('SIGKILL')));

async function main(): Promise<void> {
  const urls = await startSidecars();
  await Promise.all(urls.map(ready));
  console.log(`Three sidecars are up: ${urls.join(', ')}`);
  await writeFile(file, '0');

  clients.push(new ServerProcess(CLIENT, [urls[0]!, file]), new ServerProcess(CLIENT, [urls[1]!, file]));
  const turns = (await Promise.all(clients.map((client, i) => turnsOf(client, i === 0 ? 'first' : 'second')))).flat();
  const codes = await Promise.all(clients.map((client) => client.end()));
  if (codes.some((code) => code !== 0)) throw new Error('A client did not end in order.');

  turns.sort((a, b) => Number(a.token - b.token));
  for (const { who, token, count } of turns) console.log(`The ${who} client had token ${token}, and counted ${count}.`);
  const due = turns.reduce((sum, { count }) => sum + count, 0);
  const counted = Number(await readFile(file, 'utf8'));
  console.log(`The file says ${counted}, of ${due}: nobody has written over what another one had written.`);
  if (counted !== due || new Set(turns.map(({ token }) => token)).size !== turns.length)
    throw new Error('Two have had the lock at a time.');

  for (const sidecar of sidecars) sidecar.kill('SIGTERM');
  await Promise.all(sidecars.map(async (sidecar) => sidecar.exitCode ?? once(sidecar, 'exit')));
  if (sidecars.some(({ exitCode }) => exitCode !== 0)) throw new Error('A sidecar did not end in order.');
  console.log('Done.');
}

/** Where they answer. */
async function startSidecars(): Promise<string[]> {
  const ports = await freePorts(6);
  const nodes = ports.slice(0, 3).map((port) => `localhost:${port}`);
  return nodes.map((self, i) => {
    const peers = nodes.filter((each) => each !== self).join(',');
    const listen = `127.0.0.1:${ports[3 + i]}`;
    const flags = ['--self', self, '--peers', peers, '--listen', listen, '--identity', `sidecar-${i}`];
    sidecars.push(spawn(process.execPath, [COMMAND, 'sidecar', ...flags], { stdio: 'ignore' }));
    return `http://${listen}`;
  });
}

async function ready(url: string): Promise<void> {
  const untilMs = Date.now() + READY_MS_MAX;
  while (Date.now() < untilMs) {
    const isReady = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await delay(50);
  }
  throw new Error(`${url} is not ready. Is fastify installed?`);
}

async function turnsOf(client: ServerProcess, who: string): Promise<{ who: string; token: bigint; count: number }[]> {
  const turns = [];
  for (;;) {
    const { value, done } = await client.lines.next();
    if (done === true) return turns;
    const [token = '0', count] = value.split(' ');
    turns.push({ who, token: BigInt(token), count: Number(count) });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  for (const client of clients) await client.kill();
} finally {
  for (const sidecar of sidecars) sidecar.kill('SIGKILL');
  await rm(folder, { recursive: true });
}
