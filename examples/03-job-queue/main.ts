/** Runs worker.ts three times, gives one of them jobs, and looks that each job is done once, and by whom. */

import { freePorts } from '../../bench/processes/free-ports.js';
import { ServerProcess } from '../server-process.js';

const SCRIPT = new URL('./worker.js', import.meta.url);
const JOBS = 60;

async function main(running: Map<string, ServerProcess>): Promise<void> {
  const addresses = (await freePorts(3)).map((port) => `localhost:${port}`);
  for (const self of addresses) {
    running.set(self, new ServerProcess(SCRIPT, [self, ...addresses.filter((each) => each !== self)]));
  }
  const workers = [...running.values()];
  for (const worker of workers) await worker.line('ready');

  for (let job = 0; job < JOBS; job++) workers[0]!.write(`job-${job}`);
  const done = await whoDidWhat(running);

  for (const self of addresses) {
    console.log(`${self} has done ${[...done.values()].filter((by) => by === self).length} jobs`);
  }
  console.log(`All ${done.size} jobs are done, each of them once.`);
  const codes = await Promise.all(workers.map((worker) => worker.end()));
  if (codes.some((code) => code !== 0)) throw new Error('A worker did not end in order.');
}

/** Reads what all workers say until each job has been done: by job, who did it. */
function whoDidWhat(workers: ReadonlyMap<string, ServerProcess>): Promise<ReadonlyMap<string, string>> {
  const done = new Map<string, string>();
  return new Promise((resolve, reject) => {
    const read = async (self: string, worker: ServerProcess): Promise<void> => {
      while (done.size < JOBS) {
        const line = await worker.line('');
        const [what, job = ''] = line.split(' ');
        if (what !== 'done' || done.has(job)) throw new Error(`${self} said "${line}".`);
        done.set(job, self);
      }
      resolve(done);
    };
    for (const [self, worker] of workers) read(self, worker).catch(reject);
  });
}

const running = new Map<string, ServerProcess>();
try {
  await main(running);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  for (const worker of running.values()) await worker.kill();
}
