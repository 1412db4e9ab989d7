/**
 * A thread of objects, through all its lives: when it ends, a new one takes its place and goes on from the newest
 * snapshot. On the thread that started the node. Other threads of objects notice nothing of it.
 */

import { asError, ConclaveError } from '../errors.js';
import type { MachineActorData } from '../actors/replicated/machine-actor.js';
import type { MachineMessage } from '../actors/replicated/machine-messages.js';
import type { ActorAddress } from '../runtime/actor.js';
import type { ActorSystem } from '../runtime/actor-system.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import type { ThreadExit, ThreadHost } from '../runtime/threads/thread-host.js';
import { isCodeTooOld, isEndOfCallee } from './failure.js';
import { OBJECTS_TIMEOUT_MS } from './placement.js';

/** A thread that ends is replaced after 100, 200, 400, … ms; more ends than this within a minute are too many. */
const RESTARTS_MAX = 3;
const RESTART_WINDOW_MS = 60_000;
const RESTART_DELAY_MS = 100;

export interface ObjectThreadOptions {
  /** Of the machine on it; its system is the name of the thread. */
  readonly address: ActorAddress;
  readonly main: ActorSystem;
  readonly startThread: (name: string, onExit: (exit: ThreadExit) => void) => Promise<ThreadHost>;
  /** Links a thread with all others that its machine talks to. */
  readonly link: (host: ThreadHost) => Promise<unknown>;
  readonly onLost: (error: Error) => void;
  readonly onBack: () => void;
  /** It cannot be brought back, and the node cannot go on. */
  readonly onFailure: (error: Error) => void;
}

export class ObjectThread {
  readonly #options: ObjectThreadOptions;
  readonly #machine: MachineActorData;
  /** Null while there is none. */
  #host: ThreadHost | null = null;
  #isStopping = false;
  /** When it has ended lately. */
  #endsMs: number[] = [];
  #restart: NodeJS.Timeout | undefined;
  #replacing: Promise<void> | undefined;

  constructor(options: ObjectThreadOptions, machine: MachineActorData) {
    this.#options = options;
    this.#machine = machine;
  }

  get name(): string {
    return this.#options.address.system;
  }

  async start(): Promise<ThreadHost> {
    this.#host = await this.#startThread();
    return this.#host;
  }

  /** Makes the objects, on the thread that has been started and linked. */
  async spawnMachine(host: ThreadHost): Promise<void> {
    const { main, address } = this.#options;
    await host.spawn({
      name: address.name,
      module: new URL('../actors/replicated/machine-actor.js', import.meta.url),
      export: 'machineActor',
      data: this.#machine,
    });
    try {
      await main.ref<MachineMessage>(address).ask({ type: 'start' }, { timeoutMs: OBJECTS_TIMEOUT_MS });
    } catch (error) {
      throw isEndOfCallee(error) ? objectFailed('ended before the objects were made', asError(error)) : error;
    }
  }

  /** Null where there is none, or it is too busy to answer in time. Never rejects. */
  async measure(timeoutMs: number): Promise<ThreadFigures | null> {
    return this.#host === null ? null : this.#host.measure(timeoutMs).catch(() => null);
  }

  /** No other takes its place from now on. */
  hold(): void {
    this.#isStopping = true;
    clearTimeout(this.#restart);
  }

  async stop(): Promise<void> {
    this.hold();
    await this.#host?.stop();
    await this.#replacing;
  }

  #startThread(): Promise<ThreadHost> {
    return this.#options.startThread(this.name, (exit) => this.#onExit(exit));
  }

  #onExit({ error }: ThreadExit): void {
    // While it is being started, whoever starts it is told.
    if (this.#host === null) return;
    this.#host = null;
    if (error !== undefined) this.#onEnded(error);
  }

  #onEnded(error: Error): void {
    const { onLost, onFailure } = this.#options;
    if (this.#isStopping) return;
    if (isCodeTooOld(error)) {
      onFailure(error);
      return;
    }
    const nowMs = performance.now();
    this.#endsMs = [...this.#endsMs.filter((endMs) => nowMs - endMs < RESTART_WINDOW_MS), nowMs];
    if (this.#endsMs.length > RESTARTS_MAX) {
      onFailure(objectFailed('has ended too often', error));
      return;
    }
    onLost(error);
    const delayMs = RESTART_DELAY_MS * 2 ** (this.#endsMs.length - 1);
    this.#restart = setTimeout(() => {
      this.#replacing = this.#replace();
    }, delayMs);
  }

  /** Never rejects. */
  async #replace(): Promise<void> {
    const { link, onBack, onFailure } = this.#options;
    let host: ThreadHost;
    try {
      host = await this.#startThread();
    } catch (error) {
      return this.#onEnded(asError(error));
    }
    if (this.#isStopping) return host.stop();
    this.#host = host;
    try {
      await link(host);
      await this.spawnMachine(host);
      if (this.#host === host) onBack();
    } catch (error) {
      // Its exit is dealt with elsewhere, unless it goes on without the objects.
      if (this.#host !== host || this.#isStopping) return;
      onFailure(objectFailed('could not be replaced', asError(error)));
    }
  }
}

/** `what` goes on where "The objects' thread" leaves off. */
function objectFailed(what: string, cause: Error): ConclaveError {
  return new ConclaveError('ERR_OBJECT_FAILED', `The objects' thread ${what}: ${cause.message}`, { cause });
}
