/**
 * A process that locks directories, as the test that started it sees it. It is killed at the latest when that test is
 * over. It can be given a container's view: it is process 1, on a host and a network of its own.
 */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { AnswerMessage, CallMessage } from '../../../bench/processes/calls.js';
import type { LockHolderOperations } from '../fixtures/lock-holder.js';
import { within } from './process-end.js';

const SCRIPT = fileURLToPath(new URL('../../../build/test/cluster/fixtures/lock-holder.js', import.meta.url));
const CALL_TIMEOUT_MS = 15_000;
const END_TIMEOUT_MS = 20_000;
/** New namespaces for user, network, process ids and host name. */
const CONTAINER = ['-r', '-n', '-p', '-u', '-f', 'sh', '-c', 'hostname "$0"; exec "$@"'] as const;

/** Does the system let us make containers? */
export function canContain(): boolean {
  try {
    execFileSync('unshare', [...CONTAINER, 'probe', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

type Argument<Name extends keyof LockHolderOperations> = Parameters<LockHolderOperations[Name]>[0];
type Answer<Name extends keyof LockHolderOperations> = Awaited<ReturnType<LockHolderOperations[Name]>>;

export class LockProcess {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #isContained: boolean;
  #nextId = 1;

  /** With a `host`, it sees what a process in a container of that name sees. */
  constructor(host: string | null = null) {
    this.#isContained = host !== null;
    const node = [process.execPath, SCRIPT];
    const [command, ...options] = host === null ? node : ['unshare', ...CONTAINER, host, ...node];
    // What makes the container complains about being used like this; its process speaks over the channel.
    const stderr = this.#isContained ? 'ignore' : 'inherit';
    this.#process = spawn(command!, options, { stdio: ['ignore', 'ignore', stderr, 'ipc'] });
    this.#process.setMaxListeners(0);
    this.#ended = once(this.#process, 'exit');
    onTestFinished(() => this.kill());
  }

  /** From outside of its container. */
  get pid(): number {
    return this.#process.pid!;
  }

  /** Which process to hurt: of a container, not the one that waits outside for its end. */
  get #target(): number {
    if (!this.#isContained) return this.pid;
    return Number(readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8'));
  }

  /** Rejects when the operation fails, takes too long, or the process ends first. */
  async call<Name extends keyof LockHolderOperations>(name: Name, argument: Argument<Name>): Promise<Answer<Name>> {
    const message: CallMessage = { id: this.#nextId++, name, argument };
    const answered = new AbortController();
    const signal = AbortSignal.any([answered.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    const answer = new Promise<Answer<Name>>((resolve, reject) => {
      const onMessage = (received: unknown): void => {
        const given = received as AnswerMessage;
        if (given.id !== message.id) return;
        if (given.ok) resolve(given.value as Answer<Name>);
        else reject(new Error(given.stack));
      };
      const onExit = (): void => reject(new Error(`process ${this.pid} ended before it answered ${name}`));
      this.#process.on('message', onMessage).once('exit', onExit);
      signal.addEventListener('abort', () => {
        this.#process.off('message', onMessage).off('exit', onExit);
        reject(new Error(`process ${this.pid} did not answer ${name} within ${CALL_TIMEOUT_MS} ms`));
      });
    });
    this.#process.send(message);
    return await answer.finally(() => answered.abort());
  }

  freeze(): void {
    process.kill(this.#target, 'SIGSTOP');
  }

  /** As a crash does; resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) process.kill(this.#target, 'SIGKILL');
    await this.#untilEnded('that was killed');
  }

  /** Lets go of it; resolves with its exit code when it has ended. */
  async letGo(): Promise<number | null> {
    this.#process.disconnect();
    await this.#untilEnded('that was let go');
    return this.#process.exitCode;
  }

  async #untilEnded(which: string): Promise<void> {
    await within(this.#ended, END_TIMEOUT_MS, () => `process ${this.pid} ${which} has not ended`);
  }
}
