/**
 * Consensus, objects and storage each on threads of their own, linked directly to each other and to the caller's. A
 * thread of objects that ends is replaced (see object-thread.ts); when one of the others ends, the node has failed, for
 * its memory of what it promised is gone.
 */

import type { ActorSystem } from '../runtime/actor-system.js';
import { LoopMeter } from '../runtime/loop-meter.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import { linkThread, linkThreads } from '../runtime/threads/link-threads.js';
import { ThreadHost, type ThreadExit } from '../runtime/threads/thread-host.js';
import type { MachineActorData } from '../actors/replicated/machine-actor.js';
import type { CheckedOptions } from './options.js';
import { MAIN, mainSystem, measureMain } from './main-system.js';
import { ObjectThread } from './object-thread.js';
import type { NodeAddresses, NodeParts, Placement, PlacementEvents } from './placement.js';
import { closeState, recoverState, type StoredState } from './stored-state.js';

const ADDRESSES: Omit<NodeAddresses, 'machines'> = {
  raft: { system: 'consensus', name: 'raft' },
  caller: { system: MAIN, name: 'caller' },
  snapshotter: { system: 'storage', name: 'snapshotter' },
  logStore: { system: 'storage', name: 'log-store' },
  administration: { system: MAIN, name: 'administration' },
};

/** Of a thread of objects; the one of those that are not placed has no more. */
const OBJECTS = 'object';

export class ThreadsPlacement implements Placement {
  readonly addresses: NodeAddresses;
  readonly main: ActorSystem;
  readonly ticks = null;
  readonly localObjects = null;
  readonly #options: Pick<CheckedOptions, 'logger' | 'workerUrl'>;
  readonly #events: PlacementEvents;
  #consensus: ThreadHost | null = null;
  #storage: ThreadHost | null = null;
  /** Is there something on the storage thread that is to be closed? */
  #opened: { readonly hasLog: boolean } | null = null;
  /** By the numbers of their machines; none before it starts. */
  #objects: readonly ObjectThread[] = [];
  readonly #loop = new LoopMeter();
  #isStopping = false;
  #stopped: Promise<void> | undefined;

  constructor(options: Pick<CheckedOptions, 'logger' | 'workerUrl' | 'placement'>, events: PlacementEvents) {
    this.#options = options;
    const machines = options.placement.threads.map((thread) => {
      return { system: thread === null ? OBJECTS : `${OBJECTS}-${thread}`, name: 'machine' };
    });
    this.addresses = { ...ADDRESSES, machines };
    this.#events = events;
    this.main = mainSystem(options.logger, (error) => events.onFailure(error));
  }

  async start(parts: NodeParts): Promise<void> {
    const { consensus, machines } = parts;
    this.#objects = machines.map((data, machine) => this.#objectThread(data, machine));
    const [consensusThread, storageThread, ...objectThreads] = await allStarted([
      this.#startThread('consensus', (exit) => this.#onVitalExit(exit)).then((host) => (this.#consensus = host)),
      this.#startThread('storage', (exit) => this.#onStorageExit(exit)).then((host) => (this.#storage = host)),
      ...this.#objects.map((thread) => thread.start()),
    ]);
    await Promise.all([
      linkThread(this.main, consensusThread),
      linkThread(this.main, storageThread),
      linkThreads(consensusThread, storageThread),
      ...objectThreads.map((host) => this.#linkObjects(host)),
    ]);
    const recovered = await this.#openStorage(storageThread, parts);
    await consensusThread.spawn({
      name: ADDRESSES.raft.name,
      module: new URL('./consensus-actor.js', import.meta.url),
      export: 'consensusActor',
      data: { ...consensus, recovered },
      transfer: [...(recovered?.pieces ?? [])],
    });
    await Promise.all(this.#objects.map((thread, machine) => thread.spawnMachine(objectThreads[machine]!)));
  }

  async measure(timeoutMs: number): Promise<ReadonlyMap<string, ThreadFigures | null>> {
    const hosts = { consensus: this.#consensus, storage: this.#storage };
    const figures = Object.entries(hosts).map(async ([thread, host]) => {
      const answer = host === null ? null : await host.measure(timeoutMs).catch(() => null);
      return [thread, answer] as const;
    });
    const ofObjects = this.#objects.map(async (thread) => [thread.name, await thread.measure(timeoutMs)] as const);
    const all = await Promise.all([...figures, ...ofObjects]);
    return new Map([[this.main.name, measureMain(this.main, this.#loop)], ...all]);
  }

  /** May be called again, by a runtime that is stopped while it fails, and resolves then when all is over, too. */
  stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const thread of this.#objects) thread.hold();
    // Consensus first: it goes on telling the objects what to apply, and storage what to keep.
    await this.#consensus?.stop();
    await Promise.all(this.#objects.map((thread) => thread.stop()));
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
      module: new URL('../actors/snapshotter/snapshotter-on-thread.js', import.meta.url),
      export: 'snapshotterActor',
      data: snapshotter,
    });
    this.#opened = { hasLog };
    return recoverState(this.main, this.addresses, consensus.group, hasLog);
  }

  async #closeStorage(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened === null) return;
    try {
      await closeState(this.main, this.addresses, opened.hasLog);
    } catch (error) {
      this.#options.logger.warn({ error }, 'log and snapshots were not closed cleanly');
    }
  }

  #startThread(name: string, onExit: (exit: ThreadExit) => void): Promise<ThreadHost> {
    const { logger, workerUrl } = this.#options;
    // A promise that a user's command has left behind must not end every replica's thread alike.
    const unhandledRejections = name.startsWith(OBJECTS) ? 'logged' : 'fatal';
    return ThreadHost.start({
      name,
      logger,
      unhandledRejections,
      onExit,
      ...(workerUrl === null ? {} : { workerUrl }),
    });
  }

  #objectThread(data: MachineActorData, machine: number): ObjectThread {
    return new ObjectThread(
      {
        address: this.addresses.machines[machine]!,
        main: this.main,
        startThread: (name, onExit) => this.#startThread(name, onExit),
        link: (host) => this.#linkObjects(host),
        onLost: (error) => this.#events.onMachineLost(machine, error),
        onBack: () => this.#events.onMachineBack(machine),
        onFailure: (error) => this.#events.onFailure(error),
      },
      data,
    );
  }

  async #linkObjects(host: ThreadHost): Promise<void> {
    await Promise.all([
      linkThread(this.main, host),
      linkThreads(this.#consensus!, host),
      linkThreads(this.#storage!, host),
    ]);
  }

  #onStorageExit(exit: ThreadExit): void {
    this.#opened = null;
    this.#onVitalExit(exit);
  }

  /** Of a thread that the node cannot go on without. */
  #onVitalExit({ error }: ThreadExit): void {
    if (error !== undefined && !this.#isStopping) this.#events.onFailure(error);
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
