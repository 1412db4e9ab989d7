/**
 * A live bar for work whose length is known beforehand, with lines above it that stay. Where nobody watches, as in CI,
 * only the lines are written. Runs in the parent.
 */

import { MultiBar, type SingleBar } from 'cli-progress';

const REFRESH_MS = 100;

export class Progress {
  readonly #bars: MultiBar | null;
  readonly #bar: SingleBar | null;
  readonly #totalMs: number;
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | null = null;
  /** Gives the terminal its cursor back, however the process ends. */
  readonly #onExit = (): void => this.stop();

  constructor(totalMs: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#totalMs = totalMs;
    this.#bars = stream.isTTY
      ? new MultiBar({
          stream,
          format: ' {bar} {percentage}% | {label}',
          barCompleteChar: '█',
          barIncompleteChar: '░',
          hideCursor: true,
          clearOnComplete: true,
          stopOnComplete: false,
        })
      : null;
    this.#bar = this.#bars?.create(totalMs, 0, { label: '' }) ?? null;
    process.once('exit', this.#onExit);
    if (this.#bar !== null) this.#timer = setInterval(() => this.#bar?.update(this.#elapsedMs()), REFRESH_MS).unref();
  }

  /** Says what is being done now. */
  label(label: string): void {
    this.#bar?.update(this.#elapsedMs(), { label });
  }

  /** Writes a line that stays. */
  log(line: string): void {
    if (this.#bars === null) console.log(line);
    else this.#bars.log(line + '\n');
  }

  stop(): void {
    process.off('exit', this.#onExit);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#bars?.stop();
  }

  /** The bar follows the clock, and waits just before its end for work that takes longer than was thought. */
  #elapsedMs(): number {
    return Math.min(performance.now() - this.#startedAt, 0.99 * this.#totalMs);
  }
}
