/**
 * `npm run simulate`: many histories of simulated clusters, each from a seed of its own, with whatever can go wrong.
 * Ends with code 1 if any of them has broken a promise.
 */

import { Worker } from 'node:worker_threads';
import { SingleBar } from 'cli-progress';
import { runSimulation } from 'conclave/testing';
import { runSeed } from './job.js';
import type { Job, Outcome } from './job-messages.js';
import { optionsOf, USAGE, type Options } from './options.js';
import { replayCommand, Summary } from './summary.js';

/** So many seeds a thread is given at a time. */
const SEEDS_PER_JOB = 4;
const VIOLATIONS_MAX = 20;

class Run {
  readonly summary = new Summary();
  readonly #options: Options;
  readonly #startedMs = performance.now();
  readonly #bar: SingleBar | null;
  #given = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#bar = process.stderr.isTTY
      ? new SingleBar({ format: ' {bar} {percentage}% | {label}', hideCursor: true, clearOnComplete: true })
      : null;
    this.#bar?.start(this.#total, 0, { label: '' });
  }

  async run(): Promise<void> {
    const { jobs } = this.#options;
    if (jobs === 1) await this.#runHere();
    else await Promise.all(Array.from({ length: jobs }, () => this.#runOnThread()));
    this.#bar?.stop();
  }

  get #elapsedS(): number {
    return (performance.now() - this.#startedMs) / 1_000;
  }

  get #total(): number {
    const { seeds, seconds } = this.#options;
    return seeds === Infinity ? seconds : seeds;
  }

  get rates(): string {
    const { seeds, virtualMs } = this.summary;
    const perSecond = (value: number): string => (value / this.#elapsedS).toFixed(1);
    return `${seeds} histories, ${perSecond(seeds)}/s, ${perSecond(virtualMs / 1_000)} simulated seconds per second`;
  }

  /** The next ones; empty: no more are to be begun. */
  #nextSeeds(count: number): number[] {
    const { seeds, seconds, base } = this.#options;
    if (this.#elapsedS >= seconds || this.summary.violations.length >= VIOLATIONS_MAX) return [];
    const taken = Math.min(count, seeds - this.#given);
    const first = base + this.#given;
    this.#given += taken;
    return Array.from({ length: taken }, (_, i) => first + i);
  }

  async #runHere(): Promise<void> {
    for (let [seed] = this.#nextSeeds(1); seed !== undefined; [seed] = this.#nextSeeds(1)) {
      this.#add(await runSeed(seed, this.#options));
    }
  }

  #runOnThread(): Promise<void> {
    const { nodes, isCalm } = this.#options;
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL('job.js', import.meta.url));
      let left = 0;
      const giveMore = (): void => {
        const seeds = this.#nextSeeds(SEEDS_PER_JOB);
        left = seeds.length;
        if (left === 0) void worker.terminate();
        else worker.postMessage({ seeds, like: { nodes, isCalm } } satisfies Job);
      };
      worker.on('message', (outcome: Outcome) => {
        this.#add(outcome);
        left -= 1;
        if (left === 0) giveMore();
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      giveMore();
    });
  }

  #add(outcome: Outcome): void {
    this.summary.add(outcome);
    const { seeds, seconds } = this.#options;
    const done = seeds === Infinity ? Math.min(seconds, this.#elapsedS) : this.summary.seeds;
    this.#bar?.update(done, { label: this.rates });
    if (outcome.violation === null) return;
    const { promise, what, atMs } = outcome.violation;
    const command = replayCommand(outcome, this.#options);
    console.log(`seed ${outcome.seed}, at ${atMs.toFixed(2)} ms: ${what} (${promise})\n  replay it: ${command}`);
  }
}

async function replay(seed: number, { nodes, isCalm, isTraced }: Options): Promise<boolean> {
  const report = await runSimulation(seed, {
    isCalm,
    ...(nodes === null ? {} : { nodes }),
    ...(isTraced ? { trace: (line) => console.log(line) } : {}),
  });
  const faults = Object.entries(report.faults).filter(([, rate]) => rate > 0);
  console.log(`seed ${seed}: ${JSON.stringify(report.shape)}`);
  console.log(`faults: ${faults.map(([name, rate]) => `${name} ${rate}`).join(', ') || 'none'}`);
  if (report.violation === null) {
    console.log(`every promise was kept, in ${report.virtualMs.toFixed(0)} ms of virtual time`);
    return true;
  }
  const { promise, what, atMs } = report.violation;
  console.log(`at ${atMs.toFixed(2)} ms: ${what} (${promise})`);
  return false;
}

async function runMany(options: Options): Promise<boolean> {
  console.log(`first seed ${options.base}`);
  const run = new Run(options);
  await run.run();
  const { summary } = run;
  console.log(`${summary.table()}\n${run.rates}`);
  for (const fault of summary.idleFaults) console.log(`the fault ${fault} was on, and has never happened`);
  console.log(`${summary.violations.length} of ${summary.seeds} histories have broken a promise`);
  return summary.violations.length === 0;
}

async function main(): Promise<void> {
  let options: Options | null;
  try {
    options = optionsOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 1;
    return;
  }
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const isWell = options.seed === null ? await runMany(options) : await replay(options.seed, options);
  if (!isWell) process.exitCode = 1;
}

await main();
