/**
 * One node process as the test that started it sees it: calls with a time limit, what it tells of itself, and the
 * signals that hurt it. It is killed at the latest when the test ends, and ends by itself when the test's own process
 * dies.
 */

import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AnswerMessage, CallMessage } from '../../../bench/processes/calls.js';
import type { NodeEvent, NodeOperations } from '../fixtures/node-messages.js';
import { within } from './process-end.js';

const SCRIPT = fileURLToPath(new URL('../../../build/test/cluster/fixtures/node.js', import.meta.url));
/** A process on a busy machine may take that long to start its threads. */
const CALL_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 8_000;
/**
 * A process that is killed ends at once, on a busy machine too; but what it had as its own may keep its channels open.
 */
const KILLED_TIMEOUT_MS = 20_000;

type Argument<Name extends keyof NodeOperations> = Parameters<NodeOperations[Name]>[0];
type Answer<Name extends keyof NodeOperations> = Awaited<ReturnType<NodeOperations[Name]>>;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A call that the node answered with an error, or did not answer. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly code: string | null;

  constructor(message: string, code: string | null = null) {
    super(message);
    this.code = code;
  }
}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class NodeProcess {
  readonly address: string;
  /** What it has logged, one line each. */
  readonly log: string[] = [];
  /** Resolves when the process has ended and everything that it has told has arrived. */
  readonly ended: Promise<Ended>;
  isAlive = true;
  isFrozen = false;
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, PendingCall>();
  readonly #onEvent: (event: NodeEvent) => void;
  #nextId = 1;
  #stderr = '';
  /** Wakes the process if we should die while it is frozen; a frozen process cannot see that we did. */
  #waker: ChildProcess | null = null;

  constructor(address: string, onEvent: (event: NodeEvent) => void = () => {}) {
    this.address = address;
    this.#onEvent = onEvent;
    this.#process = fork(SCRIPT, [], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#process.on('message', (message) => this.#onMessage(message as AnswerMessage | NodeEvent));
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = Promise.all([
      once(this.#process, 'exit'),
      once(this.#process, 'disconnect'),
      once(this.#process.stderr!, 'close'),
    ]).then(([[code, signal]]) => this.#onEnded({ code, signal }));
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** What it wrote to stderr: nothing, if all is well. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Rejects with {@link CallFailed} when the operation fails, takes too long, or the process ends first. */
  call<Name extends keyof NodeOperations>(
    name: Name,
    argument: Argument<Name>,
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Answer<Name>> {
    const id = this.#nextId++;
    return new Promise<Answer<Name>>((resolve, reject) => {
      if (!this.#process.connected) {
        reject(new CallFailed(`${this.address} has ended`));
        return;
      }
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new CallFailed(`${this.address} did not answer ${name} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value as Answer<Name>);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      const message: CallMessage = { id, name, argument };
      this.#process.send(message);
    });
  }

  /** Ends the process as a crash would. */
  kill(): Promise<Ended> {
    if (this.isAlive) this.#process.kill('SIGKILL');
    return this.#endWithin(KILLED_TIMEOUT_MS);
  }

  /** Lets go of the process, which then stops its node and ends. Kills it when it does not. */
  async stop(): Promise<Ended> {
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    if (this.#process.connected) this.#process.disconnect();
    return await this.#endWithin(STOP_TIMEOUT_MS + KILLED_TIMEOUT_MS).finally(() => clearTimeout(killer));
  }

  #endWithin(timeoutMs: number): Promise<Ended> {
    const what = (): string => {
      const { pid, exitCode, signalCode } = this.#process;
      return `process ${pid} of ${this.address} (exit code ${exitCode}, signal ${signalCode}) has not ended`;
    };
    return within(this.ended, timeoutMs, what);
  }

  /** Stops every thread of the process, until `thaw`. Its connections stay open. */
  freeze(): void {
    if (!this.isAlive || this.isFrozen) return;
    this.isFrozen = true;
    this.#waker = spawn('sh', ['-c', 'trap "" HUP INT TERM; read -r _; kill -CONT "$0"', String(this.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#process.kill('SIGSTOP');
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    if (this.isAlive) this.#process.kill('SIGCONT');
    this.#waker?.kill('SIGKILL');
    this.#waker = null;
  }

  #onMessage(message: AnswerMessage | NodeEvent): void {
    if ('event' in message) {
      if (message.event === 'log') this.log.push(`${message.level}: ${message.message} ${message.details}`);
      this.#onEvent(message);
      return;
    }
    const call = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.ok) call?.resolve(message.value);
    else call?.reject(new CallFailed(`${this.address}: ${message.stack}`, message.code));
  }

  #onEnded(ended: Ended): Ended {
    this.isAlive = false;
    this.thaw();
    for (const call of this.#pending.values()) {
      call.reject(new CallFailed(`${this.address} ended before it answered. It wrote:\n${this.#stderr}`));
    }
    this.#pending.clear();
    return ended;
  }
}
