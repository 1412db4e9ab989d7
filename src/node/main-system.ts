/** The actor system of the caller's own thread, which every node has, wherever its other actors are. */

import { randomBytes } from 'node:crypto';
import { ActorSystem, type ActorSystemOptions } from '../runtime/actor-system.js';
import { systemClock } from '../runtime/clock.js';
import { EventLoopScheduler } from '../runtime/event-loop-scheduler.js';
import type { Logger } from '../runtime/logger.js';
import type { LoopMeter } from '../runtime/loop-meter.js';
import { SeededRandom } from '../runtime/random.js';
import type { Scheduler } from '../runtime/scheduler.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';

/** Its name. */
export const MAIN = 'main';

/** Who gives the actors their turns, and what time and chance are to them. */
export type MainHost = Pick<ActorSystemOptions, 'scheduler' | 'clock' | 'random'>;

export function mainSystem(
  logger: Logger,
  onFailure: (error: Error) => void,
  host: MainHost = hostOn(new EventLoopScheduler()),
): ActorSystem {
  return new ActorSystem({ name: MAIN, logger, onFailure, ...host });
}

/** This machine's time and chance. */
export function hostOn(scheduler: Scheduler): MainHost {
  return {
    scheduler,
    clock: systemClock,
    random: new SeededRandom(randomBytes(4).readUInt32LE()),
  };
}

/** What there is to count of the thread. */
export function measureMain(main: ActorSystem, loop: LoopMeter): ThreadFigures {
  return { thread: main.name, loop: loop.measure(), mailboxes: main.mailboxes() };
}
