/**
 * One child process as its parent sees it: calls with a time limit, all of which settle when the child ends, and an end
 * that comes whatever happens. Runs in the parent.
 */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EXIT_TIMEOUT_MS, type AnswerMessage, type CallMessage, type Operations } from './calls.js';

/** How much of what a child wrote to stderr is kept, to be shown should it fail. */
const STDERR_CHARS_MAX = 8_192;

/** A call that a child answered with an error, or could not answer any more. */
export class ChildError extends Error {
  override readonly name = 'ChildError';
  readonly code: string | null;

  constructor(message: string, code: string | null = null) {
    super(message);
    this.code = code;
  }
}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class Child<Ops extends Operations> {
  readonly label: string;
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 1;
  #stderr = '';

  constructor(label: string, script: URL, execArgv: readonly string[] = []) {
    this.label = label;
    this.#process = fork(fileURLToPath(script), [], {
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    living.add(this.#process);
    watchParent();
    this.#process.on('message', (message) => this.#onAnswer(message as AnswerMessage));
    this.#process.on('error', (error) => this.#onEnd(error.message));
    this.#process.on('exit', (code, signal) => this.#onEnd(signal === null ? `exit code ${code}` : signal));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Runs one operation in the child. Rejects with {@link ChildError} when it fails, ends or takes too long. */
  call<Name extends keyof Ops & string>(
    name: Name,
    argument: Parameters<Ops[Name]>[0],
    timeoutMs: number,
  ): Promise<Awaited<ReturnType<Ops[Name]>>> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.#process.connected) {
        reject(new ChildError(`${this.label} has ended${this.#complaint()}`));
        return;
      }
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new ChildError(`${this.label} did not answer ${name} within ${timeoutMs} ms${this.#complaint()}`));
      }, timeoutMs);
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, timer });
      const message: CallMessage = { id, name, argument };
      this.#process.send(message);
    });
  }

  /** Lets go of the child and waits until it has ended by itself. Rejects when it had to be killed, or ended badly. */
  async stop(): Promise<void> {
    if (!living.has(this.#process)) return;
    const ended = once(this.#process, 'exit') as Promise<[code: number | null, signal: string | null]>;
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), EXIT_TIMEOUT_MS + 1_000);
    if (this.#process.connected) this.#process.disconnect();
    const [code] = await ended.finally(() => clearTimeout(killer));
    if (code !== 0) throw new ChildError(`${this.label} did not end by itself when asked to${this.#complaint()}`);
  }

  /** Ends the child at once, as a crash would. */
  async kill(): Promise<void> {
    if (!living.has(this.#process)) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  #onAnswer(answer: AnswerMessage): void {
    const call = this.#pending.get(answer.id);
    if (call === undefined) return;
    this.#pending.delete(answer.id);
    clearTimeout(call.timer);
    if (answer.ok) call.resolve(answer.value);
    else call.reject(new ChildError(`${this.label}: ${answer.stack}`, answer.code));
  }

  #onEnd(how: string): void {
    living.delete(this.#process);
    for (const call of this.#pending.values()) {
      clearTimeout(call.timer);
      call.reject(new ChildError(`${this.label} ended (${how}) before it answered${this.#complaint()}`));
    }
    this.#pending.clear();
  }

  #complaint(): string {
    return this.#stderr === '' ? '.' : `. It wrote:\n${this.#stderr.trimEnd()}`;
  }
}

/** Every child that has not ended: none may outlive this process, however it goes. */
const living = new Set<ChildProcess>();
let watching = false;

function watchParent(): void {
  if (watching) return;
  watching = true;
  // Before all others: what a child writes to cannot be removed while it lives.
  process.prependListener('exit', () => {
    for (const child of living) child.kill('SIGKILL');
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
}
