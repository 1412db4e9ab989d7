/**
 * Tries a product on seeds, in a process of its own, for a broken one may do anything: take its process along, which
 * counts as found, or not come to an end, which does not: a machine that has much else to do looks the same.
 */

import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Product } from './broken-product.js';
import type { TrialJob, TrialOutcome } from './trial-messages.js';

/** What a seed has shown. */
export interface Finding {
  readonly seed: number;
  /** Who has found it: the promise that was broken. */
  readonly promise: string;
  readonly what: string;
}

const PROCESS = fileURLToPath(new URL('trial-process.js', import.meta.url));
/** In real time; the longest history takes some seconds. */
const SEED_TIMEOUT_MS = 120_000;
/** Of what a process says at its end. */
const SAID_MAX = 2_000;

/**
 * Tries the seeds in their order. Returns the first that shows something; null: none does.
 *
 * @throws Error when one does not come to an end.
 */
export function tryProduct({ entry }: Product, seeds: readonly number[]): Promise<Finding | null> {
  const child = fork(PROCESS, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  child.send({ entry, seeds } satisfies TrialJob);
  return new Promise((resolve, reject) => new Trial(child, seeds, resolve, reject).begin());
}

class Trial {
  readonly #child: ChildProcess;
  readonly #seeds: readonly number[];
  readonly #resolve: (finding: Finding | null) => void;
  readonly #reject: (error: Error) => void;
  #tried = 0;
  #said = '';
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(
    child: ChildProcess,
    seeds: readonly number[],
    resolve: (finding: Finding | null) => void,
    reject: (error: Error) => void,
  ) {
    this.#child = child;
    this.#seeds = seeds;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(0, SAID_MAX);
    });
    this.#child.on('message', (outcome: TrialOutcome) => this.#onOutcome(outcome));
    this.#child.on('close', () => this.#settle(this.#failure('process', this.#said)));
    this.#wait();
  }

  #onOutcome({ seed, violation }: TrialOutcome): void {
    this.#tried += 1;
    if (violation !== null) this.#settle({ seed, ...violation });
    else if (this.#tried === this.#seeds.length) this.#settle(null);
    else this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const seed = this.#seeds[this.#tried];
    const error = new Error(`Seed ${seed} has not come to an end within ${SEED_TIMEOUT_MS} ms: is the machine busy?`);
    this.#timer = setTimeout(() => this.#end(() => this.#reject(error)), SEED_TIMEOUT_MS);
  }

  #failure(promise: string, what: string): Finding {
    return { seed: this.#seeds[this.#tried]!, promise, what };
  }

  #settle(finding: Finding | null): void {
    this.#end(() => this.#resolve(finding));
  }

  #end(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#child.kill('SIGKILL');
    settle();
  }
}
