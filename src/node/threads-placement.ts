/**
 * Consensus, objects and storage each on a thread of their own, linked directly to each other and to the caller's. When
 * the thread of the objects ends, a new one takes its place and goes on from the newest snapshot; when one of the others
 * ends, the node has failed, for its memory of what it promised is gone.
 */

import { asError, ConclaveError } from '../errors.js';
import type { ActorSystem } from '../runtime/actor-system.js';
import { LoopMeter } from '../runtime/loop-meter.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import { linkThread, linkThreads } from '../runtime/threads/link-threads.js';
import { ThreadHost, type ThreadExit } from '../runtime/threads/thread-host.js';
import type { MachineActorData } from '../actors/replicated/machine-actor.js';
import type { MachineMessage } from '../actors/replicated/machine-messages.js';
import type { CheckedOptions } from './options.js';
import { isCodeTooOld } from './failure.js';
import { mainSystem, measureMain } from './inline-placement.js';
import {
  OBJECTS_TIMEOUT_MS,
  type NodeAddresses,
  type NodeParts,
  type Placement,
  type PlacementEvents,
} from './placement.js';
import { closeState, recoverState, type StoredState } from './stored-state.js';

const ADDRESSES: NodeAddresses = {
  raft: { system: 'consensus', name: 'raft' },
  machine: { system: 'object', name: 'machine' },
  caller: { system: 'main', name: 'caller' },
  snapshotter: { system: 'storage', name: 'snapshotter' },
  logStore: { system: 'storage', name: 'log-store' },
  administration: { system: 'main', name: 'administration' },
};

/** An objects' thread that ends is replaced after 100, 200, 400, … ms; more ends than this within a minute are too many. */
const RESTARTS_MAX = 3;
const RESTART_WINDOW_MS = 60_000;
const RESTART_DELAY_MS = 100;

export class ThreadsPlacement implements Placement {
  readonly addresses = ADDRESSES;
  readonly main: ActorSystem;
  readonly ticks = null;
  readonly localObjects = null;
  readonly #options: Pick<CheckedOptions, 'logger' | 'workerUrl'>;
  readonly #events: PlacementEvents;
  #consensus: ThreadHost | null = null;
  #storage: ThreadHost | null = null;
  /** Is there something on the storage thread that is to be closed? */
  #opened: { readonly hasLog: boolean } | null = null;
  #object: ThreadHost | null = null;
  readonly #loop = new LoopMeter();
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  /** When the objects' thread has ended lately. */
  #endsMs: number[] = [];
  #restart: NodeJS.Timeout | undefined;
  #replacing: Promise<void> | undefined;

  constructor(options: Pick<CheckedOptions, 'logger' | 'workerUrl'>, events: PlacementEvents) {
    this.#options = options;
    this.#events = events;
    this.main = mainSystem(options.logger, (error) => events.onFailure(error));
  }

  async start(parts: NodeParts): Promise<void> {
    const { consensus, machine } = parts;
    const [consensusThread, storageThread, objectThread] = await allStarted([
      this.#startThread('consensus', (exit) => this.#onVitalExit(exit)).then((host) => (this.#consensus = host)),
      this.#startThread('storage', (exit) => this.#onVitalExit(exit)).then((host) => (this.#storage = host)),
      this.#startThread('object', (exit) => this.#onObjectExit(exit, machine)).then((host) => (this.#object = host)),
    ]);
    await Promise.all([
      linkThread(this.main, consensusThread),
      linkThread(this.main, storageThread),
      linkThreads(consensusThread, storageThread),
      this.#linkObject(objectThread),
    ]);
    const recovered = await this.#openStorage(storageThread, parts);
    await consensusThread.spawn({
      name: ADDRESSES.raft.name,
      module: new URL('./consensus-actor.js', import.meta.url),
      export: 'consensusActor',
      data: { ...consensus, recovered },
      transfer: [...(recovered?.pieces ?? [])],
    });
    await this.#spawnMachine(objectThread, machine);
  }

  async measure(timeoutMs: number): Promise<ReadonlyMap<string, ThreadFigures | null>> {
    const hosts = { consensus: this.#consensus, storage: this.#storage, object: this.#object };
    const figures = Object.entries(hosts).map(async ([thread, host]) => {
      const answer = host === null ? null : await host.measure(timeoutMs).catch(() => null);
      return [thread, answer] as const;
    });
    return new Map([[this.main.name, measureMain(this.main, this.#loop)], ...(await Promise.all(figures))]);
  }

  /** May be called again, by a runtime that is stopped while it fails, and resolves then when all is over, too. */
  stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restart);
    // Consensus first: it goes on telling the objects what to apply, and storage what to keep.
    await this.#consensus?.stop();
    await this.#object?.stop();
    await this.#replacing;
    await this.#closeStorage();
    await this.#storage?.stop();
    this.#loop.stop();
    this.main.stop();
  }

  async #openStorage(host: ThreadHost, { consensus, snapshotter, logStore }: NodeParts): Promise<StoredState | null> {
    const hasLog = logStore !== null;
    if (hasLog) {
      await host.spawn({
        name: ADDRESSES.logStore.name,
        module: new URL('../actors/log-store/log-store-actor.js', import.meta.url),
        export: 'logStoreActor',
        data: logStore,
      });
    }
    await host.spawn({
      name: ADDRESSES.snapshotter.name,
      module: new URL('../actors/snapshotter/snapshotter-actor.js', import.meta.url),
      export: 'snapshotterActor',
      data: { ...snapshotter, foldsOn: 'pool' },
    });
    this.#opened = { hasLog };
    return recoverState(this.main, ADDRESSES, consensus.group, hasLog);
  }

  async #closeStorage(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened === null) return;
    try {
      await closeState(this.main, ADDRESSES, opened.hasLog);
    } catch (error) {
      this.#options.logger.warn({ error }, 'log and snapshots were not closed cleanly');
    }
  }

  #startThread(name: string, onExit: (exit: ThreadExit) => void): Promise<ThreadHost> {
    const { logger, workerUrl } = this.#options;
    // A promise that a user's command has left behind must not end every replica's thread alike.
    const unhandledRejections = name === 'object' ? 'logged' : 'fatal';
    return ThreadHost.start({
      name,
      logger,
      unhandledRejections,
      onExit,
      ...(workerUrl === null ? {} : { workerUrl }),
    });
  }

  async #linkObject(host: ThreadHost): Promise<void> {
    await Promise.all([
      linkThread(this.main, host),
      linkThreads(this.#consensus!, host),
      linkThreads(this.#storage!, host),
    ]);
  }

  async #spawnMachine(host: ThreadHost, data: MachineActorData): Promise<void> {
    await host.spawn({
      name: ADDRESSES.machine.name,
      module: new URL('../actors/replicated/machine-actor.js', import.meta.url),
      export: 'machineActor',
      data,
    });
    try {
      await this.main.ref<MachineMessage>(ADDRESSES.machine).ask({ type: 'start' }, { timeoutMs: OBJECTS_TIMEOUT_MS });
    } catch (error) {
      const hasEnded = error instanceof ConclaveError && ENDED.has(error.code);
      throw hasEnded ? objectFailed('ended before the objects were made', error) : error;
    }
  }

  /** Of a thread that the node cannot go on without. */
  #onVitalExit({ error }: ThreadExit): void {
    this.#opened = null;
    if (error !== undefined && !this.#isStopping) this.#events.onFailure(error);
  }

  #onObjectExit({ error }: ThreadExit, machine: MachineActorData): void {
    // While it is being started, whoever starts it is told.
    if (this.#object === null) return;
    this.#object = null;
    if (error !== undefined) this.#onObjectEnded(error, machine);
  }

  #onObjectEnded(error: Error, machine: MachineActorData): void {
    if (this.#isStopping) return;
    if (isCodeTooOld(error)) {
      this.#events.onFailure(error);
      return;
    }
    const nowMs = performance.now();
    this.#endsMs = [...this.#endsMs.filter((endMs) => nowMs - endMs < RESTART_WINDOW_MS), nowMs];
    if (this.#endsMs.length > RESTARTS_MAX) {
      this.#events.onFailure(objectFailed('has ended too often', error));
      return;
    }
    this.#events.onMachineLost(error);
    const delayMs = RESTART_DELAY_MS * 2 ** (this.#endsMs.length - 1);
    this.#restart = setTimeout(() => {
      this.#replacing = this.#replaceObject(machine);
    }, delayMs);
  }

  /** Never rejects. */
  async #replaceObject(machine: MachineActorData): Promise<void> {
    let host: ThreadHost;
    try {
      host = await this.#startThread('object', (exit) => this.#onObjectExit(exit, machine));
    } catch (error) {
      return this.#onObjectEnded(asError(error), machine);
    }
    if (this.#isStopping) return host.stop();
    this.#object = host;
    try {
      await this.#linkObject(host);
      await this.#spawnMachine(host, machine);
      if (this.#object === host) this.#events.onMachineBack();
    } catch (error) {
      // Its exit is dealt with elsewhere, unless it goes on without the objects.
      if (this.#object !== host || this.#isStopping) return;
      this.#events.onFailure(objectFailed('could not be replaced', asError(error)));
    }
  }
}

/** Waits for all, so that each that has started can be stopped. */
async function allStarted<Hosts extends readonly Promise<ThreadHost>[]>(
  starting: readonly [...Hosts],
): Promise<{ [Index in keyof Hosts]: ThreadHost }> {
  const started = await Promise.allSettled(starting);
  const hosts = started.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  return hosts as { [Index in keyof Hosts]: ThreadHost };
}

/** How an ask ends whose callee has ended. */
const ENDED: ReadonlySet<string> = new Set(['ERR_ACTOR_STOPPED', 'ERR_THREAD_EXITED']);

/** `what` goes on where "The objects' thread" leaves off. */
function objectFailed(what: string, cause: Error): ConclaveError {
  return new ConclaveError('ERR_OBJECT_FAILED', `The objects' thread ${what}: ${cause.message}`, { cause });
}
