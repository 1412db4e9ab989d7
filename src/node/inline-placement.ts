/**
 * Everything on the caller's event loop, and no worker thread at all.
 */

import { randomBytes } from 'node:crypto';
import type { ActorFactory } from '../runtime/actor.js';
import { ActorSystem } from '../runtime/actor-system.js';
import { systemClock } from '../runtime/clock.js';
import { EventLoopScheduler } from '../runtime/event-loop-scheduler.js';
import { SeededRandom } from '../runtime/random.js';
import type { Logger } from '../runtime/logger.js';
import { machineActor, type MachineActorData } from '../actors/replicated/machine-actor.js';
import type { MachineMessage } from '../actors/replicated/machine-messages.js';
import type { RaftActorMessage } from '../actors/raft/raft-actor-messages.js';
import { consensusActor, type ConsensusData } from './consensus-actor.js';
import { OBJECTS_TIMEOUT_MS, type NodeAddresses, type Placement, type PlacementEvents } from './placement.js';

const SYSTEM = 'main';

const ADDRESSES: NodeAddresses = {
  raft: { system: SYSTEM, name: 'raft' },
  machine: { system: SYSTEM, name: 'machine' },
  caller: { system: SYSTEM, name: 'caller' },
};

export class InlinePlacement implements Placement {
  readonly addresses = ADDRESSES;
  readonly main: ActorSystem;
  readonly #consensus: ActorFactory<RaftActorMessage, ConsensusData>;

  constructor(
    options: { readonly logger: Logger },
    events: PlacementEvents,
    consensus: ActorFactory<RaftActorMessage, ConsensusData> = consensusActor,
  ) {
    this.#consensus = consensus;
    this.main = mainSystem(options.logger, events);
  }

  async start(consensus: ConsensusData, machine: MachineActorData): Promise<void> {
    this.main.spawn({ name: ADDRESSES.raft.name, factory: this.#consensus, data: consensus });
    const objects = this.main.spawn({ name: ADDRESSES.machine.name, factory: machineActor, data: machine });
    await objects.ask<MachineMessage>({ type: 'start' }, { timeoutMs: OBJECTS_TIMEOUT_MS });
  }

  async stop(): Promise<void> {
    this.main.stop();
  }
}

/** The actor system of the caller's own thread. */
export function mainSystem(logger: Logger, events: PlacementEvents): ActorSystem {
  return new ActorSystem({
    name: SYSTEM,
    scheduler: new EventLoopScheduler(),
    clock: systemClock,
    random: new SeededRandom(randomBytes(4).readUInt32LE()),
    logger,
    onFailure: (error) => events.onFailure(error),
  });
}
