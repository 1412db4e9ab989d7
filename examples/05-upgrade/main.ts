/** Runs server.ts three times with the old code, and upgrades one server after the other while all of them vote. */

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../bench/processes/free-ports.js';

const SCRIPT = fileURLToPath(new URL('./server.js', import.meta.url));
/** So many votes are cast before each next step. */
const VOTES = 40;
const WAIT_MS = 60_000;

/** A server as this program sees it: what it has said, and what it is told. */
class Server {
  votes = 0;
  #lines: string[] = [];
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;

  constructor(code: 'old' | 'new', folder: string, self: string, addresses: readonly string[]) {
    const peers = addresses.filter((address) => address !== self);
    this.#process = spawn(process.execPath, [SCRIPT, code, folder, self, ...peers], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface(this.#process.stdout).on('line', (line) => {
      if (line === 'voted') this.votes++;
      else this.#lines.push(line);
    });
  }

  /** Resolves with the next line that begins with one of these words; forgets those before. */
  async hears(...words: string[]): Promise<string> {
    let line: string | undefined;
    await until(() => {
      line = this.#lines.shift();
      return line !== undefined && words.includes(line.split(' ')[0]!);
    });
    return line!;
  }

  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.stdin.end();
    await once(this.#process, 'exit');
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + WAIT_MS; !isSo(); await delay(5)) {
    if (performance.now() > end) throw new Error('It takes too long.');
  }
}

async function main(folder: string, servers: Server[]): Promise<void> {
  const addresses = (await freePorts(3)).map((port) => `localhost:${port}`);
  servers.push(...addresses.map((self) => new Server('old', folder, self, addresses)));
  for (const server of servers) await server.hears('ready');
  console.log('Three servers with the old code vote …');

  for (const [index, self] of addresses.entries()) {
    await until(() => servers.every(({ votes }) => votes >= VOTES));
    await servers[index]!.end();
    const upgraded = new Server('new', folder, self, addresses);
    servers[index] = upgraded;
    await upgraded.hears('ready');
    console.log(`${self} has the new code.`);
  }
  await until(() => servers.every(({ votes }) => votes >= VOTES));

  // Each is asked: the one that leads does it.
  const answers = servers.map((server) => server.hears('version', 'refused'));
  for (const server of servers) server.tell('raise');
  for (const answer of await Promise.all(answers)) if (answer.includes('UNSUPPORTED')) throw new Error(answer);
  const votes = servers.map((server) => server.votes);
  await until(() => servers.every((server, index) => server.votes >= votes[index]! + VOTES));

  for (const server of servers) server.tell('enough');
  for (const server of servers) await server.hears('stopped');
  for (const server of servers) server.tell('result');
  const results = await Promise.all(servers.map((server) => server.hears('result')));
  if (new Set(results).size > 1) throw new Error(`The servers do not agree: ${results.join(', ')}`);
  console.log(`All three have counted the same: ${results[0]!.slice('result '.length)}`);
  console.log('The new code came into force at the same vote everywhere.');
  await Promise.all(servers.map((server) => server.end()));
}

const folder = await mkdtemp(join(tmpdir(), 'conclave-votes-'));
const servers: Server[] = [];
try {
  await main(folder, servers);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
for (const server of servers) server.kill();
await rm(folder, { recursive: true, force: true });
