/**
 * The longest stalls of all threads of one node: its caller's, on which this runs, and those of its workers, which are
 * asked. They must have been started from watched-thread.ts.
 */

import { BroadcastChannel } from 'node:worker_threads';
import { LoopWatch } from './loop-watch.js';

export const STALLS_CHANNEL = 'stalls';
export const STALLS_QUESTION = 'how long?';

export interface StallAnswer {
  readonly thread: string;
  readonly longestMs: number;
}

/** By thread, the longest time in which it did not turn to its next event, in milliseconds. */
export interface ThreadStalls {
  readonly caller: number;
  readonly consensus: number;
  readonly object: number;
  readonly storage: number;
}

const WORKERS: readonly string[] = ['consensus', 'object', 'storage'] satisfies (keyof ThreadStalls)[];
const ANSWER_TIMEOUT_MS = 10_000;

export class ThreadWatch {
  readonly #own = new LoopWatch();
  readonly #channel = new BroadcastChannel(STALLS_CHANNEL);

  constructor() {
    this.#channel.unref();
  }

  /** The longest since the last look. Rejects when a worker does not answer within 10 s. */
  async take(): Promise<ThreadStalls> {
    return { caller: this.#own.takeLongestMs(), ...(await this.#askWorkers()) };
  }

  #askWorkers(): Promise<Omit<ThreadStalls, 'caller'>> {
    return new Promise((resolve, reject) => {
      const answers = new Map<string, number>();
      const timer = setTimeout(() => {
        end();
        reject(
          new Error(`Of the threads ${WORKERS.join(', ')}, only these answered: ${[...answers.keys()].join(', ')}.`),
        );
      }, ANSWER_TIMEOUT_MS);
      const onMessage = (event: Event): void => {
        const { thread, longestMs } = (event as MessageEvent).data as StallAnswer;
        answers.set(thread, longestMs);
        if (!WORKERS.every((worker) => answers.has(worker))) return;
        end();
        resolve(Object.fromEntries(answers) as unknown as Omit<ThreadStalls, 'caller'>);
      };
      const end = (): void => {
        clearTimeout(timer);
        this.#channel.removeEventListener('message', onMessage);
      };
      this.#channel.addEventListener('message', onMessage);
      this.#channel.postMessage(STALLS_QUESTION);
    });
  }
}
