/**
 * Runs worker.ts three times and keeps their ledger; lets the holder that stands still go on when another one has
 * written.
 */

import { ConclaveError } from 'conclave';
import { FencedResource } from 'conclave/sync';
import { freePorts } from '../../bench/processes/free-ports.js';
import { ServerProcess } from '../server-process.js';

const SCRIPT = new URL('./worker.js', import.meta.url);

/** What is protected. */
class Ledger {
  readonly #fence = new FencedResource();
  taken = 0;
  refused = 0;

  write(token: bigint): void {
    try {
      this.#fence.check(token);
      this.taken++;
    } catch (error) {
      if (!(error instanceof ConclaveError) || error.code !== 'ERR_STALE_TOKEN') throw error;
      this.refused++;
    }
  }
}

async function main(workers: ServerProcess[]): Promise<void> {
  const addresses = (await freePorts(3)).map((port) => `localhost:${port}`);
  for (const self of addresses) {
    workers.push(new ServerProcess(SCRIPT, [self, ...addresses.filter((each) => each !== self)]));
  }
  for (const worker of workers) await worker.line('ready');

  const ledger = new Ledger();
  let standing: ServerProcess | null = null;
  const reading = workers.map(async (worker) => {
    for (;;) {
      const { value, done } = await worker.lines.next();
      if (done === true) return;
      const [what, text = '0'] = value.split(' ');
      const token = BigInt(text);
      if (what === 'write') {
        ledger.write(token);
        if (standing === null || standing === worker) continue;
        // Not before: until it has been written to by a newer token, the ledger knows of none.
        console.log(`Another one holds the lock, with token ${token}. The first one goes on.`);
        standing.goOn();
        standing = null;
      } else if (what === 'stands') {
        standing = worker;
        console.log(`The holder of token ${token} stands still.`);
      } else if (what === 'lost') {
        console.log(`It notices that it has lost what it had by token ${token}.`);
        for (const each of workers) each.endInput();
      }
    }
  });
  await Promise.all(reading);

  console.log(`${ledger.taken} writes were taken; ${ledger.refused} came too late, and were refused.`);
  if (ledger.refused === 0) throw new Error('Nothing was written too late, which is what this is about.');
  const codes = await Promise.all(workers.map((worker) => worker.end()));
  if (codes.some((code) => code !== 0)) throw new Error('A worker did not end in order.');
}

const workers: ServerProcess[] = [];
try {
  await main(workers);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  for (const worker of workers) await worker.kill();
}
