/**
 * Everything on the caller's event loop, and no worker thread at all. Either the event loop gives the actors their
 * turns, or the node's user does, by ticks: then they take them by themselves only while the node starts and stops.
 */

import type { ActorFactory } from '../runtime/actor.js';
import type { ActorSystem } from '../runtime/actor-system.js';
import { EventLoopScheduler } from '../runtime/event-loop-scheduler.js';
import { LoopMeter } from '../runtime/loop-meter.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import { ManualScheduler } from '../runtime/manual-scheduler.js';
import { NodeDisk } from '../storage/node-disk.js';
import type { Logger } from '../runtime/logger.js';
import type { CheckedOptions } from './options.js';
import { logStoreActor, type NodeLogStoreData } from '../actors/log-store/log-store-actor.js';
import type { LogStoreMessage } from '../actors/log-store/log-store-messages.js';
import { machineActorOn, type MachineActorData } from '../actors/replicated/machine-actor.js';
import type { MachineMessage } from '../actors/replicated/machine-messages.js';
import type { RaftActorMessage } from '../actors/raft/raft-actor-messages.js';
import { InlineFoldRunner } from '../actors/snapshotter/inline-fold-runner.js';
import { snapshotterActorOn, type SnapshotterData } from '../actors/snapshotter/snapshotter-actor.js';
import type { SnapshotterMessage } from '../actors/snapshotter/snapshotter-messages.js';
import { consensusActor, type ConsensusData } from './consensus-actor.js';
import { hostOn, mainSystem, MAIN, measureMain, type MainHost } from './main-system.js';
import {
  OBJECTS_TIMEOUT_MS,
  type NodeAddresses,
  type NodeParts,
  type Placement,
  type PlacementEvents,
} from './placement.js';
import { closeState, recoverState } from './stored-state.js';

const ADDRESSES: Omit<NodeAddresses, 'machines'> = {
  raft: { system: MAIN, name: 'raft' },
  caller: { system: MAIN, name: 'caller' },
  snapshotter: { system: MAIN, name: 'snapshotter' },
  logStore: { system: MAIN, name: 'log-store' },
  administration: { system: MAIN, name: 'administration' },
};

/** What a node is made of; on other networks and disks, of something else. */
export interface InlineActors {
  readonly consensus: ActorFactory<RaftActorMessage, ConsensusData>;
  readonly machine: ActorFactory<MachineMessage, MachineActorData>;
  readonly snapshotter: ActorFactory<SnapshotterMessage, SnapshotterData>;
  readonly logStore: ActorFactory<LogStoreMessage, NodeLogStoreData>;
}

const ACTORS: Omit<InlineActors, 'machine'> = {
  consensus: consensusActor,
  snapshotter: (context, data) => {
    const disk = new NodeDisk({ isSynced: data.isSynced });
    return snapshotterActorOn(disk, new InlineFoldRunner(disk))(context, data);
  },
  logStore: logStoreActor,
};

export class InlinePlacement implements Placement {
  readonly addresses: NodeAddresses;
  readonly main: ActorSystem;
  readonly ticks: ManualScheduler | null;
  localObjects: ReadonlyMap<string, object> = new Map();
  readonly #logger: Logger;
  readonly #actors: InlineActors;
  /** What is to be closed at the end; null: nothing has been opened, or it has failed. */
  #opened: { readonly hasLog: boolean } | null = null;
  readonly #loop = new LoopMeter();
  #stopped: Promise<void> | undefined;

  constructor(
    options: Pick<CheckedOptions, 'logger' | 'autoTick' | 'placement'>,
    events: PlacementEvents,
    actors: Partial<InlineActors> = {},
    host?: MainHost,
  ) {
    const machines = options.placement.threads.map((thread) => {
      return { system: MAIN, name: thread === null ? 'machine' : `machine-${thread}` };
    });
    this.addresses = { ...ADDRESSES, machines };
    this.ticks = options.autoTick ? null : new ManualScheduler();
    this.#actors = { ...ACTORS, machine: this.#machineActor, ...actors };
    this.#logger = options.logger;
    const onFailure = (error: Error): void => {
      this.#opened = null;
      events.onFailure(error);
    };
    this.main = mainSystem(options.logger, onFailure, host ?? hostOn(this.ticks ?? new EventLoopScheduler()));
  }

  async start({ consensus, machines, snapshotter, logStore }: NodeParts): Promise<void> {
    const { main } = this;
    this.ticks?.release();
    const hasLog = logStore !== null;
    if (hasLog) main.spawn({ name: ADDRESSES.logStore.name, factory: this.#actors.logStore, data: logStore });
    main.spawn({ name: ADDRESSES.snapshotter.name, factory: this.#actors.snapshotter, data: snapshotter });
    this.#opened = { hasLog };
    const recovered = await recoverState(main, this.addresses, consensus.group, hasLog);
    main.spawn({ name: ADDRESSES.raft.name, factory: this.#actors.consensus, data: { ...consensus, recovered } });
    await Promise.all(
      machines.map((parts, machine) => {
        const { name } = this.addresses.machines[machine]!;
        const objects = main.spawn({ name, factory: this.#actors.machine, data: parts });
        return objects.ask<MachineMessage>({ type: 'start' }, { timeoutMs: OBJECTS_TIMEOUT_MS });
      }),
    );
  }

  measure(): Promise<ReadonlyMap<string, ThreadFigures>> {
    return Promise.resolve(new Map([[MAIN, measureMain(this.main, this.#loop)]]));
  }

  /** May be called again, by a runtime that is stopped while it fails, and resolves then when all is over, too. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    this.ticks?.release();
    try {
      if (opened !== null) await closeState(this.main, this.addresses, opened.hasLog);
    } catch (error) {
      this.#logger.warn({ error }, 'log and snapshots were not closed cleanly');
    }
    this.#loop.stop();
    this.main.stop();
    this.ticks?.hold();
  }

  readonly #machineActor: InlineActors['machine'] = machineActorOn({
    disk: new NodeDisk({ isSynced: true }),
    onLoaded: (objects) => {
      // Those of other machines stay as they are.
      const live = objects.map(({ name, instance }) => [name, instance] as const);
      this.localObjects = new Map([...this.localObjects, ...live]);
    },
  });
}
