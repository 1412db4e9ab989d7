/**
 * One life of a whole node in virtual time: everything that a node consists of but its threads, on a disk and a network
 * of the caller's choice. Its end may be in order, or come in the middle of whatever it does.
 */

import type { MachineMessage } from '../../actors/replicated/machine-messages.js';
import { machineActorOn, type MachineActorData } from '../../actors/replicated/machine-actor.js';
import type { MachineWitness } from '../../actors/replicated/machine-witness.js';
import type { ObjectDefinitions } from '../../actors/replicated/object-definition.js';
import type { RaftWitness } from '../../actors/raft/raft-witness.js';
import type { CoreLimits } from '../../actors/raft/state.js';
import { logStoreActorOn } from '../../actors/log-store/log-store-actor.js';
import { snapshotterActorOn } from '../../actors/snapshotter/snapshotter-actor.js';
import { assert } from '../../assert.js';
import { asError } from '../../errors.js';
import { consensusActorOn } from '../../node/consensus-actor.js';
import { InlinePlacement, type InlineActors } from '../../node/inline-placement.js';
import type { NodeHost } from '../../node/node-host.js';
import type { CheckedOptions } from '../../node/options.js';
import type { PlacementEvents } from '../../node/placement.js';
import { Runtime } from '../../node/runtime.js';
import type { Incarnation, NodeId } from '../../ids.js';
import type { ActorContext } from '../../runtime/actor.js';
import { DataDir } from '../../storage/data-dir.js';
import type { Disk } from '../../storage/disk.js';
import type { Pause } from '../../storage/pause.js';
import { delayed } from './delayed-actor.js';
import type { SimulatedHost } from './simulated-host.js';
import { SimulatedFoldRunner } from './simulated-fold-runner.js';
import type { SimulatedProcess } from './simulated-process.js';
import { watched, type LogStoreWitness } from './watched-log-store.js';

/** Who looks on. */
export interface NodeWitness {
  readonly raft?: RaftWitness;
  readonly machine?: MachineWitness;
  readonly logStore?: LogStoreWitness;
  /** The node has opened its data directory, or made it. */
  opened?(incarnation: Incarnation): void;
}

/** How slow the threads of a node are; asked whenever one has something to do. */
export interface NodeDelays {
  syncMs(): number;
  applyMs(): number;
}

export interface SimulatedNodeParts<Definitions extends ObjectDefinitions> {
  readonly host: SimulatedHost<Definitions>;
  readonly options: CheckedOptions<Definitions>;
  readonly disk: Disk;
  readonly process: SimulatedProcess;
  readonly delays?: NodeDelays;
  readonly witness?: NodeWitness;
  /** Default: as in production, where a message holds more than a short history. */
  readonly coreLimits?: Partial<CoreLimits>;
  /** Bytes of committed entries on their way to the objects. Default: as in production. */
  readonly applyBytesMax?: number;
}

const OBJECTS_TIMEOUT_MS = 60_000;

export class SimulatedNode<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /** Null: an observer. */
  readonly self: string | null;
  readonly disk: Disk;
  readonly process: SimulatedProcess;
  /** What the runtime has reported by its event `error`. */
  readonly errors: Error[] = [];
  /** How the network knows it; null until it does. */
  networkId: NodeId | null = null;
  /** Called when it is killed. */
  onKilled: () => void = () => {};
  /** Null while it starts. */
  runtime: Runtime<Definitions> | null = null;
  readonly #parts: SimulatedNodeParts<Definitions>;
  #placement: InlinePlacement | null = null;
  #events: PlacementEvents | null = null;
  /** Those that stand, by their numbers. */
  readonly #machines = new Map<
    number,
    { readonly context: ActorContext<MachineMessage>; readonly data: MachineActorData }
  >();
  #isKilled = false;
  /** Counts the ends of threads of its objects. */
  #objectCrashes = 0;

  constructor(parts: SimulatedNodeParts<Definitions>) {
    this.self = parts.options.self;
    this.disk = parts.disk;
    this.process = parts.process;
    this.#parts = parts;
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Rejects with what the node's start does, or, when it is killed or its disk crashes meanwhile, with anything. */
  async start(): Promise<void> {
    const { host, options, process } = this.#parts;
    const place = (events: PlacementEvents): InlinePlacement => {
      this.#events = events;
      const random = host.dice.fork();
      this.#placement = new InlinePlacement(options, events, this.#actors(), {
        scheduler: process,
        clock: process,
        random,
      });
      return this.#placement;
    };
    this.runtime = await Runtime.startOn(options, place, this.#nodeHost());
    this.runtime.on('error', (error) => this.errors.push(error));
  }

  /** Ends it in the middle of whatever it does. */
  kill(): void {
    this.#isKilled = true;
    this.#placement?.main.fail(new Error(`${this.self ?? 'an observer'} was killed`));
    this.onKilled();
  }

  /** Ends a thread of its objects, another one each time; they are made anew after a while. */
  crashObjects(delayMs: number): void {
    const [placement, events] = [this.#placement, this.#events];
    if (placement === null || events === null) return;
    const number = this.#objectCrashes % placement.addresses.machines.length;
    const machine = this.#machines.get(number);
    if (machine === undefined) return;
    this.#machines.delete(number);
    this.#objectCrashes += 1;
    machine.context.stop();
    events.onMachineLost(number, new Error('a thread of objects was ended'));
    this.process.after(delayMs, () => void this.#bringObjectsBack(placement, events, machine.data));
  }

  async #bringObjectsBack(placement: InlinePlacement, events: PlacementEvents, data: MachineActorData): Promise<void> {
    const { machine: number } = data.part;
    const crash = this.#objectCrashes;
    if (this.#isKilled || this.runtime?.status().health !== 'object failed') return;
    const { name } = placement.addresses.machines[number]!;
    const objects = placement.main.spawn({ name, factory: this.#actors().machine, data });
    try {
      await objects.ask<MachineMessage>({ type: 'start' }, { timeoutMs: OBJECTS_TIMEOUT_MS });
      events.onMachineBack(number);
    } catch (error) {
      // They have ended again, and are brought back after that.
      if (this.#objectCrashes !== crash && !this.#machines.has(number)) return;
      placement.main.fail(asError(error));
    }
  }

  #nodeHost(): NodeHost {
    const { host, disk, process, witness } = this.#parts;
    return {
      openDataDir: async (directory, name) => {
        const dataDir = await DataDir.open(disk, directory, name, {
          acquire: async (path) => ({ path, release: async () => {} }),
          newIncarnation: () => host.dice.id(),
        });
        witness?.opened?.(dataDir.identity.incarnation);
        return dataDir;
      },
      classes: host.classes,
      newLife: () => host.dice.id(),
      later: (run) => void host.simulation.after(0, run),
      // Nobody can tell a process that is gone from one that cannot be reached.
      isRefusing: async () => false,
      nowMs: () => process.nowMs(),
      after: (delayMs, run) => {
        const timer = process.after(delayMs, run);
        return () => timer.cancel();
      },
    };
  }

  #actors(): InlineActors {
    const { host, options, disk, process, delays, witness, coreLimits, applyBytesMax } = this.#parts;
    const { classes, network } = host;
    const { logger } = options;
    const logStore = watchedBy(logStoreActorOn(disk), witness?.logStore);
    const observed = witness?.machine === undefined ? {} : { witness: witness.machine };
    const machine = machineActorOn({ disk, classes, newPause: () => this.#pause, ...observed });
    const consensusEnv = {
      ...(witness?.raft === undefined ? {} : { witness: witness.raft }),
      ...(coreLimits === undefined ? {} : { limits: coreLimits }),
      ...(applyBytesMax === undefined ? {} : { applyBytesMax }),
    };
    const actors: InlineActors = {
      consensus: consensusActorOn((each) => {
        this.networkId = each.self;
        return network.transport({ ...each, logger }, process);
      }, consensusEnv),
      logStore: delays === undefined ? logStore : delayed(logStore, () => delays.syncMs()),
      machine: (context, data) => {
        this.#machines.set(data.part.machine, { context, data });
        return machine(context, data);
      },
      snapshotter: snapshotterActorOn(disk, new SimulatedFoldRunner(disk, classes, this.#pause), () => this.#pause),
    };
    return delays === undefined ? actors : { ...actors, machine: delayed(actors.machine, () => delays.applyMs()) };
  }

  /** Every second time, long work steps aside, for a while or for a moment. */
  readonly #pause: Pause = () => {
    const { dice } = this.#parts.host;
    if (dice.chance(0.5)) return undefined;
    return new Promise((resolve) => void this.process.after(dice.below(3), resolve));
  };
}

function watchedBy(factory: InlineActors['logStore'], witness: LogStoreWitness | undefined): InlineActors['logStore'] {
  return witness === undefined ? factory : watched(factory, witness);
}

/** The runtime of a node that has started. */
export function runtimeOf<Definitions extends ObjectDefinitions>(
  node: SimulatedNode<Definitions>,
): Runtime<Definitions> {
  assert(node.runtime !== null, 'the node has started');
  return node.runtime;
}
