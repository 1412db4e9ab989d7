/**
 * What a worker thread runs: one actor system on the thread's event loop, and the control interface for its host. It
 * ends the thread, and says why, when the system fails or anything throws outside of an actor. Only `ThreadHost` starts
 * it.
 */

import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { expose } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { assert } from '../../assert.js';
import { ConclaveError, toPlainError } from '../../errors.js';
import type { ActorFactory } from '../actor.js';
import { toError } from '../actor-errors.js';
import { ActorSystem } from '../actor-system.js';
import { systemClock } from '../clock.js';
import { EventLoopScheduler } from '../event-loop-scheduler.js';
import { LoopMeter } from '../loop-meter.js';
import { SeededRandom } from '../random.js';
import {
  CONTROL_OK,
  controlFailure,
  type ControlResult,
  type SpawnRequest,
  type ThreadControl,
} from './thread-control.js';
import { threadLogger } from './thread-logger.js';
import { markThread } from './thread-mark.js';
import type { ThreadData, ThreadNotice } from './thread-protocol.js';

assert(parentPort !== null, 'thread-entry runs in a worker');
const port = parentPort;
const { name, isLogged, unhandledRejections } = workerData as ThreadData;
const logger = threadLogger(port, isLogged);
markThread(name);

const system = new ActorSystem({
  name,
  scheduler: new EventLoopScheduler(),
  clock: systemClock,
  random: new SeededRandom(randomBytes(4).readUInt32LE()),
  logger,
  onFailure: die,
});

const loop = new LoopMeter();

const control: ThreadControl = {
  ready: () => CONTROL_OK,
  link: (peer, linkPort) => attempt(() => system.link(peer, linkPort)),
  spawn: async (request) => {
    try {
      const factory = await loadFactory(request);
      return attempt(() => void system.spawn({ ...request, factory, data: request.data }));
    } catch (error) {
      return controlFailure(error);
    }
  },
  measure: () => ({ isOk: true, value: { thread: name, loop: loop.measure(), mailboxes: system.mailboxes() } }),
  stop: () => {
    // After the answer has been posted. What the actors have left open may still finish; the host waits so long.
    setImmediate(() => port.close());
    return attempt(() => system.stop());
  },
};

if (unhandledRejections === 'logged') {
  process.on('unhandledRejection', (reason) =>
    logger.error({ error: toError(reason) }, 'nobody waits for a promise that rejected'),
  );
}
process.on('uncaughtException', (thrown: unknown) => die(toError(thrown)));
// Whoever calls process.exit() here ends the thread only; those linked to it learn of it before their ports close.
process.on('exit', (code) => system.stop(new Error(`process.exit(${code}) was called.`)));
expose(control, nodeEndpoint(port));

function die(error: Error): never {
  system.stop(error);
  const notice: ThreadNotice = { kind: 'failed', error: toPlainError(error) };
  try {
    port.postMessage(notice);
  } catch {
    // Its data cannot be cloned; all the rest can.
    port.postMessage({ ...notice, error: { name: error.name, message: error.message, stack: error.stack ?? '' } });
  }
  process.exit(1);
}

async function loadFactory({ module, export: exported }: SpawnRequest): Promise<ActorFactory<unknown, unknown>> {
  const loaded = (await import(module)) as Readonly<Record<string, unknown>>;
  const factory = loaded[exported];
  if (typeof factory !== 'function') {
    throw new ConclaveError('ERR_INVALID_OPTION', `Module ${module} exports no function "${exported}".`, {
      data: { option: 'export' },
    });
  }
  return factory as ActorFactory<unknown, unknown>;
}

function attempt(action: () => void): ControlResult {
  try {
    action();
    return CONTROL_OK;
  } catch (error) {
    return controlFailure(error);
  }
}
