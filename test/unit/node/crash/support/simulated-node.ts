/**
 * Whole nodes in virtual time on simulated disks, over a network in memory: everything that a node consists of but its
 * threads. A disk that crashes takes its node along at once, whatever the node is doing.
 */

import { vi } from 'vitest';
import type { FoldRunner } from '../../../../../src/actors/snapshotter/fold-runner.js';
import { fold } from '../../../../../src/actors/snapshotter/fold.js';
import { snapshotterActorOn } from '../../../../../src/actors/snapshotter/snapshotter-actor.js';
import { logStoreActorOn } from '../../../../../src/actors/log-store/log-store-actor.js';
import { machineActorOn } from '../../../../../src/actors/replicated/machine-actor.js';
import { MemoryNetwork } from '../../../../../src/net/memory-transport.js';
import { consensusActorOn } from '../../../../../src/node/consensus-actor.js';
import { InlinePlacement } from '../../../../../src/node/inline-placement.js';
import { checkOptions } from '../../../../../src/node/check-options.js';
import type { RuntimeOptions } from '../../../../../src/node/options.js';
import { Runtime } from '../../../../../src/node/runtime.js';
import { silentLogger, type Logger } from '../../../../../src/runtime/logger.js';
import { randomBelow, SeededRandom } from '../../../../../src/runtime/random.js';
import { SimulationScheduler } from '../../../../../src/runtime/simulation-scheduler.js';
import { DataDir } from '../../../../../src/storage/data-dir.js';
import type { Disk } from '../../../../../src/storage/disk.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import { Journal } from './journal.js';

// Loading a module takes a while of real time, during which virtual time would run away.
vi.mock('../../../../../src/actors/replicated/object-module.js', () => ({
  exportNameOf: async () => Journal.name,
  importExport: async () => Journal,
}));

export type Objects = { readonly journal: typeof Journal };
export type JournalRuntime = Runtime<Objects>;

export interface SimulatedNodeOptions extends Partial<Pick<RuntimeOptions<Objects>, 'snapshot' | 'callTimeoutMs'>> {
  /** How large the files of the log become; the option of a runtime allows none that are small enough to be many. */
  readonly segmentBytes?: number;
  readonly logger?: Logger;
  /** Default: {@link DATA_DIR}, where no other disk than a simulated one should be. */
  readonly dataDir?: string;
}

/** Of virtual time: whoever waits so long waits for ever. */
const TIMEOUT_MS = 600_000;
export const DATA_DIR = '/data';
const LATENCY_MS = 1;
const SEGMENT_BYTES = 4096;

/** A node, from its start to its end. */
export class SimulatedNode {
  readonly self: string;
  readonly disk: Disk;
  /** What the runtime has reported by its event `error`. */
  readonly errors: Error[] = [];
  /** Null while it starts. */
  runtime: JournalRuntime | null = null;
  readonly #placement: InlinePlacement[];

  constructor(self: string, disk: Disk, placement: InlinePlacement[]) {
    this.self = self;
    this.disk = disk;
    this.#placement = placement;
  }

  /** Ends it in the middle of whatever it does. */
  kill(): void {
    for (const { main } of this.#placement) main.fail(new Error(`${this.self} was killed`));
  }
}

export class SimulatedHost {
  readonly simulation: SimulationScheduler;
  readonly random: SeededRandom;
  readonly #network: MemoryNetwork;
  readonly #members: readonly string[];
  /** Those that may live. */
  readonly #nodes = new Set<SimulatedNode>();

  constructor(seed: number, members: readonly string[]) {
    this.random = new SeededRandom(seed);
    this.simulation = new SimulationScheduler(this.random.uint32());
    this.#members = members;
    this.#network = new MemoryNetwork({ defer: (task) => void this.simulation.after(LATENCY_MS, task) });
  }

  /** Starts a node. Rejects with what its start does, or, when its disk crashes meanwhile, with anything. */
  async start(self: string, disk: Disk, options: SimulatedNodeOptions = {}): Promise<SimulatedNode> {
    const { segmentBytes = SEGMENT_BYTES, logger = silentLogger, dataDir = DATA_DIR, ...more } = options;
    const checked = checkOptions<Objects>({
      self,
      peers: this.#members.filter((member) => member !== self),
      objects: { journal: Journal },
      threads: false,
      electionTimeoutMs: [20, 40],
      heartbeatMs: 5,
      dataDir,
      logger,
      ...more,
    });
    const placements: InlinePlacement[] = [];
    const node = new SimulatedNode(self, disk, placements);
    this.#nodes.add(node);
    const starting = Runtime.startOn(
      { ...checked, limits: { ...checked.limits, segmentBytes } },
      (events) => {
        const placement = new InlinePlacement(checked, events, this.#actors(disk, logger), {
          scheduler: this.simulation,
          clock: this.simulation,
          random: new SeededRandom(this.random.uint32()),
        });
        placements.push(placement);
        return placement;
      },
      (path, name) => DataDir.open(disk, path, name, async () => ({ path, release: async () => {} })),
    );
    node.runtime = await starting;
    node.runtime.on('error', (error) => node.errors.push(error));
    return node;
  }

  /** Stops a node in order. */
  async stop(node: SimulatedNode): Promise<void> {
    await node.runtime!.stop();
    this.#nodes.delete(node);
  }

  /** Resolves after so much virtual time. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.simulation.after(delayMs, resolve));
  }

  /** Lets virtual time pass until what the test does is done. Not to be called from within. */
  async run<Value>(test: () => Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    const running = test();
    running.then(settle, settle);
    const isOver = (): boolean => {
      this.#killCrashed();
      return isSettled;
    };
    await this.simulation.runUntil(isOver, TIMEOUT_MS);
    return running;
  }

  #killCrashed(): void {
    for (const node of this.#nodes) {
      if (!(node.disk instanceof SimulatedDisk) || node.disk.crash === null) continue;
      this.#nodes.delete(node);
      node.kill();
      // Whoever hears of it gets to say so, even if nothing else is left to happen.
      this.simulation.after(0, () => {});
    }
  }

  #actors(disk: Disk, logger: Logger): ConstructorParameters<typeof InlinePlacement>[2] {
    const network = this.#network;
    return {
      consensus: consensusActorOn((options) => network.transport({ ...options, logger })),
      logStore: logStoreActorOn(disk),
      machine: machineActorOn(disk),
      snapshotter: snapshotterActorOn(disk, new SimulatedFoldRunner(disk, this)),
    };
  }
}

/** Folds in slices of virtual time, so that other things happen between any two pieces of their work. */
class SimulatedFoldRunner implements FoldRunner {
  readonly #disk: Disk;
  readonly #host: SimulatedHost;

  constructor(disk: Disk, host: SimulatedHost) {
    this.#disk = disk;
    this.#host = host;
  }

  run: FoldRunner['run'] = (task, { signal, onProgress }) => {
    const { simulation, random } = this.#host;
    const pause = (): Promise<void> | undefined => {
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      if (randomBelow(random, 2) === 0) return undefined;
      return new Promise((resolve) => void simulation.after(randomBelow(random, 3), resolve));
    };
    return fold(task, { disk: this.#disk, pause, onProgress });
  };

  async stop(): Promise<void> {}
}
