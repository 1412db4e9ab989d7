/**
 * A worker thread as the thread that started it sees it: starts it, places actors on it, links it, stops it, and tells
 * when and why it has exited. Only control calls go this way; actors' messages go over links. Nothing that is asked of
 * a thread waits for ever: each call has a deadline and fails at once when the thread exits.
 */

import { Worker, type MessagePort, type ResourceLimits } from 'node:worker_threads';
import { transfer, wrap } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { ConclaveError, fromPlainError } from '../../errors.js';
import { threadExited } from '../actor-errors.js';
import type { Transferable } from '../actor.js';
import { LOG_LEVELS, silentLogger, type Logger, type LogLevel } from '../logger.js';
import type { ThreadFigures } from '../thread-figures.js';
import type { ControlResult, SpawnRequest, ThreadControl } from './thread-control.js';
import type { ThreadData, ThreadNotice, UnhandledRejections } from './thread-protocol.js';

export interface ThreadHostOptions {
  /** The name of the actor system in the thread. */
  readonly name: string;
  /** Gets the thread's log lines, too. */
  readonly logger: Logger;
  /** Where `thread-entry.js` is, when a bundler has moved it. */
  readonly workerUrl?: URL;
  readonly resourceLimits?: ResourceLimits;
  /** Default: `fatal`, as for any program. */
  readonly unhandledRejections?: UnhandledRejections;
  /** How long the thread may take to start. Default: 30,000. */
  readonly startTimeoutMs?: number;
  /** How long each control call may take, and how long a stopped thread to end by itself. Default: 10,000. */
  readonly controlTimeoutMs?: number;
  /** Called once, when the thread has exited. */
  readonly onExit?: (exit: ThreadExit) => void;
}

/** How a thread has ended. */
export interface ThreadExit {
  /** `ERR_THREAD_EXITED` with the cause; undefined when the thread has ended in order because `stop` was called. */
  readonly error: ConclaveError | undefined;
}

/** What {@link ThreadHost.spawn} is told. */
export interface ThreadSpawnOptions extends Omit<SpawnRequest, 'module'> {
  /** The module that exports the factory. */
  readonly module: string | URL;
  /** What of `data` moves to the thread instead of being copied. */
  readonly transfer?: readonly Transferable[];
}

export class ThreadHost {
  readonly name: string;
  /** Settles when the thread has exited. Never rejects. */
  readonly exited: Promise<ThreadExit>;
  readonly #worker: Worker;
  readonly #control: RemoteControl;
  readonly #logger: Logger;
  readonly #controlTimeoutMs: number;
  /** The calls that wait for the thread. */
  readonly #waiting = new Set<(error: Error) => void>();
  #exit: ThreadExit | undefined;
  /** Why the thread is exiting, as far as it could say so. */
  #cause: Error | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(options: ThreadHostOptions) {
    this.name = options.name;
    this.#logger = options.logger;
    this.#controlTimeoutMs = options.controlTimeoutMs ?? 10_000;
    const workerData: ThreadData = {
      name: options.name,
      isLogged: options.logger !== silentLogger,
      unhandledRejections: options.unhandledRejections ?? 'fatal',
    };
    const workerOptions = {
      name: options.name,
      workerData,
      ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
    };
    this.#worker =
      options.workerUrl === undefined
        ? new Worker(new URL('./thread-entry.js', import.meta.url), workerOptions)
        : new Worker(options.workerUrl, workerOptions);
    this.#worker.on('message', (posted: unknown) => {
      if (isNotice(posted)) this.#onNotice(posted);
    });
    this.#worker.on('messageerror', (error) => (this.#cause ??= error));
    this.#worker.on('error', (error) => (this.#cause ??= error));
    this.exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        resolve(this.#onExit(code));
        options.onExit?.(this.#exit!);
      });
    });
    this.#control = wrap<ThreadControl>(nodeEndpoint(this.#worker));
  }

  /**
   * Starts a thread; resolves once it is ready for actors.
   *
   * @throws ConclaveError `ERR_THREAD_EXITED` when it ended first, `ERR_TIMEOUT` when it was not ready in time; the
   *   thread is gone by then.
   */
  static async start(options: ThreadHostOptions): Promise<ThreadHost> {
    const host = new ThreadHost(options);
    try {
      await host.#call('ready', () => host.#control.ready(), options.startTimeoutMs ?? 30_000);
    } catch (error) {
      await host.#terminate();
      throw error;
    }
    return host;
  }

  /**
   * Starts an actor on the thread; resolves once it can be sent messages.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` for what `ActorSystem.spawn` refuses or a module without that export,
   *   the module's own error when it cannot be loaded, `ERR_NOT_ENCODABLE` when `data` cannot be cloned,
   *   `ERR_THREAD_EXITED`, `ERR_TIMEOUT`.
   */
  async spawn(options: ThreadSpawnOptions): Promise<void> {
    const { transfer: moved = [], module, ...rest } = options;
    const request = transfer({ ...rest, module: String(module) }, [...moved]);
    await this.#call('spawn', () => this.#control.spawn(request), this.#controlTimeoutMs);
  }

  /**
   * Gives the thread its end of a channel to another system: see `linkThread` and `linkThreads`.
   *
   * @throws ConclaveError `ERR_THREAD_EXITED`, `ERR_TIMEOUT`.
   */
  async link(peer: string, port: MessagePort): Promise<void> {
    await this.#call('link', () => this.#control.link(peer, transfer(port, [port])), this.#controlTimeoutMs);
  }

  /**
   * What there is to count of the thread since it was last asked.
   *
   * @throws ConclaveError `ERR_THREAD_EXITED`, `ERR_TIMEOUT`: it has ended, or is busy for longer than that.
   */
  measure(timeoutMs: number): Promise<ThreadFigures> {
    return this.#call('measure', () => this.#control.measure(), timeoutMs);
  }

  /**
   * Stops the thread's actors, in order, and then the thread, if need be by force. Resolves when it has exited. May be
   * called at any time and more than once.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#exit !== undefined) return;
    const deadline = setTimeout(() => void this.#terminate(), this.#controlTimeoutMs);
    try {
      await this.#call('stop', () => this.#control.stop(), this.#controlTimeoutMs);
    } catch (error) {
      // It has exited, or will be ended by force at the deadline, which is the same.
      if (!this.#hasExitedInOrder()) this.#logger.warn({ thread: this.name, error }, 'thread did not stop in order');
    }
    await this.exited;
    clearTimeout(deadline);
  }

  /** The exit of a thread that was stopped may overtake its answer that it has. */
  #hasExitedInOrder(): boolean {
    return this.#exit !== undefined && this.#exit.error === undefined;
  }

  async #terminate(): Promise<void> {
    this.#cause ??= new Error('The thread was ended by force.');
    await this.#worker.terminate();
    await this.exited;
  }

  /** comlink never rejects a call whose thread has died: this is where it is given up. */
  #call<Value>(what: string, call: () => Promise<ControlResult<Value>>, timeoutMs: number): Promise<Value> {
    if (this.#exit !== undefined) return Promise.reject(this.#exit.error ?? threadExited(this.name));
    return new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(giveUp);
        action();
      };
      const giveUp = (error: Error): void => settle(() => reject(error));
      const timer = setTimeout(() => {
        const text = `Thread "${this.name}" has not answered "${what}" within ${timeoutMs} ms.`;
        giveUp(new ConclaveError('ERR_TIMEOUT', text, { data: { thread: this.name, timeoutMs } }));
      }, timeoutMs);
      this.#waiting.add(giveUp);
      call().then(
        (result) => settle(() => (result.isOk ? resolve(result.value) : reject(fromPlainError(result.error)))),
        (error: Error) => giveUp(error.name === 'DataCloneError' ? notEncodable(what, error) : error),
      );
    });
  }

  #onNotice(notice: ThreadNotice): void {
    if (notice.kind === 'failed') this.#cause ??= fromPlainError(notice.error);
    else this.#logger[notice.level]({ thread: this.name, ...notice.details }, notice.message);
  }

  #onExit(code: number): ThreadExit {
    const isOrderly = this.#stopping !== undefined && this.#cause === undefined;
    const cause = this.#cause ?? new Error(`The thread has exited with code ${code}.`);
    const exit: ThreadExit = { error: isOrderly ? undefined : threadExited(this.name, cause) };
    this.#exit = exit;
    for (const giveUp of [...this.#waiting]) giveUp(exit.error ?? threadExited(this.name));
    return exit;
  }
}

/**
 * comlink's answers come the same way, and so does what code of the user's posts that finds itself in a worker: that
 * may be anything, and is nobody's.
 */
function isNotice(posted: unknown): posted is ThreadNotice {
  if (typeof posted !== 'object' || posted === null) return false;
  const { kind, error, level } = posted as { readonly [Field in 'kind' | 'error' | 'level']?: unknown };
  if (kind === 'failed') return typeof error === 'object' && error !== null;
  return kind === 'log' && LOG_LEVELS.includes(level as LogLevel);
}

/** {@link ThreadControl} as it looks through comlink. */
type RemoteControl = {
  readonly [Name in keyof ThreadControl]: (
    ...args: Parameters<ThreadControl[Name]>
  ) => Promise<Awaited<ReturnType<ThreadControl[Name]>>>;
};

function notEncodable(what: string, cause: Error): ConclaveError {
  return new ConclaveError('ERR_NOT_ENCODABLE', `What "${what}" was given cannot be posted: ${cause.message}`, {
    cause,
  });
}
