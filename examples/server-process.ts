/** A server of an example as the program sees it that runs several of them: a process, and the lines that it prints. */

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export class ServerProcess {
  /** Each line as it comes; ends when the server does. */
  readonly lines: AsyncIterator<string>;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #exit: Promise<[code: number | null]>;

  constructor(script: URL, args: readonly string[]) {
    this.#process = spawn(process.execPath, [fileURLToPath(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    // What one that was killed no longer reads.
    this.#process.stdin.on('error', () => {});
    this.#exit = once(this.#process, 'exit') as Promise<[code: number | null]>;
    this.lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /** The next line that begins like this. Rejects when the server ends before that. */
  async line(beginning: string): Promise<string> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done === true) throw new Error(`A server ended before it said "${beginning}".`);
      if (value.startsWith(beginning)) return value;
    }
  }

  /** Gives it a line to read. */
  write(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** Lets it go on when it has stopped itself. */
  goOn(): void {
    this.#process.kill('SIGCONT');
  }

  /** Ends its input, and does not wait for what comes of it. */
  endInput(): void {
    this.#process.stdin.end();
  }

  /** Ends its input, which it takes as a wish to end; resolves with its exit code. */
  async end(): Promise<number | null> {
    this.#process.stdin.end();
    const [code] = await this.#exit;
    return code;
  }

  /** Ends it in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }
}
