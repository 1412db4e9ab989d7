/** Actor systems on the test's own thread. */

import { expect } from 'vitest';
import { ActorSystem } from '../../../src/runtime/actor-system.js';
import { systemClock } from '../../../src/runtime/clock.js';
import { EventLoopScheduler } from '../../../src/runtime/event-loop-scheduler.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { SeededRandom } from '../../../src/runtime/random.js';
import { SimulationScheduler } from '../../../src/runtime/simulation-scheduler.js';

/** One that runs on the event loop. A failure fails the test, unless the test wants it. */
export function inlineSystem(name: string, onFailure?: (error: Error) => void): ActorSystem {
  return new ActorSystem({
    name,
    scheduler: new EventLoopScheduler(),
    clock: systemClock,
    random: new SeededRandom(1),
    logger: silentLogger,
    onFailure: onFailure ?? ((error) => expect.unreachable(`the actor system failed: ${error.stack}`)),
  });
}

/** One in virtual time, with the simulation that drives it and the failures it has had. */
export function simulatedSystem(seed = 1): { system: ActorSystem; simulation: SimulationScheduler; failures: Error[] } {
  const simulation = new SimulationScheduler(seed);
  const failures: Error[] = [];
  const system = new ActorSystem({
    name: 'simulated',
    scheduler: simulation,
    clock: simulation,
    random: new SeededRandom(seed),
    logger: silentLogger,
    onFailure: (error) => failures.push(error),
  });
  return { system, simulation, failures };
}

/** Spawns an actor that does nothing but remember what it is told. Returns what that is. */
export function recordingActor<Message>(system: ActorSystem, name: string): Message[] {
  const told: Message[] = [];
  system.spawn<Message, void>({
    name,
    data: undefined,
    factory: () => ({ receive: (message) => void told.push(message) }),
  });
  return told;
}
