/**
 * What simulated nodes share: virtual time, a network, their classes, and chance. One seed gives one history. Nodes are
 * started on it with disks of the caller's choice; a disk that crashes takes its node along at once, whatever it is
 * doing.
 */

import type { CoreLimits } from '../../actors/raft/state.js';
import type { CreatableClasses, ObjectDefinitions } from '../../actors/replicated/object-definition.js';
import { checkOptions } from '../../node/check-options.js';
import type { RuntimeOptions } from '../../node/options.js';
import { SimulationScheduler } from '../../runtime/simulation-scheduler.js';
import type { Disk } from '../../storage/disk.js';
import { SimulatedDisk } from '../simulated-disk.js';
import { Coverage } from './coverage.js';
import { Dice } from './dice.js';
import { KnownClasses } from './known-classes.js';
import { SimulatedNetwork } from './simulated-network.js';
import { SimulatedNode, type NodeDelays, type NodeWitness } from './simulated-node.js';
import { RIGHT_CLOCK, SimulatedProcess, type ClockError } from './simulated-process.js';

/** What nodes differ in from each other, and from life to life. */
export interface NodeStart {
  readonly disk: Disk;
  /** How large the files of the log become; the option of a runtime allows none that are small enough to be many. */
  readonly segmentBytes?: number;
  readonly clock?: ClockError;
  readonly delays?: NodeDelays;
  readonly witness?: NodeWitness;
  readonly coreLimits?: Partial<CoreLimits>;
  readonly applyBytesMax?: number;
  /** Told of the node at once; its start goes on. */
  readonly onNode?: (node: SimulatedNode) => void;
}

const SEGMENT_BYTES = 4096;

export class SimulatedHost<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  readonly dice: Dice;
  readonly simulation: SimulationScheduler;
  readonly coverage = new Coverage();
  readonly network: SimulatedNetwork;
  readonly classes: KnownClasses;
  /** Those that may live. */
  readonly #nodes = new Set<SimulatedNode<Definitions>>();

  /**
   * `classes`: those that objects are created of. `builds`: the objects as other code has them that a node may be
   * started with.
   */
  constructor(seed: number, objects: Definitions, classes: CreatableClasses = {}, builds: readonly Definitions[] = []) {
    this.dice = new Dice(seed);
    this.simulation = new SimulationScheduler(this.dice.uint32());
    this.network = new SimulatedNetwork(this.simulation, this.dice.fork(), this.coverage);
    this.classes = new KnownClasses([objects, ...builds], classes);
  }

  /** Starts a node. Rejects with what its start does, or, when its disk crashes meanwhile, with anything. */
  async start(options: RuntimeOptions<Definitions>, start: NodeStart): Promise<SimulatedNode<Definitions>> {
    const {
      disk,
      segmentBytes = SEGMENT_BYTES,
      clock = RIGHT_CLOCK,
      delays,
      witness,
      coreLimits,
      applyBytesMax,
      onNode,
    } = start;
    const checked = checkOptions({ ...options, threads: false });
    const node = new SimulatedNode({
      host: this,
      options: { ...checked, limits: { ...checked.limits, segmentBytes } },
      disk,
      process: new SimulatedProcess(this.simulation, clock),
      ...(delays === undefined ? {} : { delays }),
      ...(witness === undefined ? {} : { witness }),
      ...(coreLimits === undefined ? {} : { coreLimits }),
      ...(applyBytesMax === undefined ? {} : { applyBytesMax }),
    });
    this.#nodes.add(node);
    onNode?.(node);
    await node.start();
    return node;
  }

  /** Stops a node in order. */
  async stop(node: SimulatedNode<Definitions>): Promise<void> {
    await node.runtime!.stop();
    this.#nodes.delete(node);
  }

  /** Ends a node in the middle of whatever it does. */
  kill(node: SimulatedNode<Definitions>): void {
    this.#nodes.delete(node);
    node.kill();
    // Whoever hears of it gets to say so, even if nothing else is left to happen.
    this.simulation.after(0, () => {});
  }

  /** Resolves after so much virtual time. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.simulation.after(delayMs, resolve));
  }

  /**
   * Lets virtual time pass until what `test` does is done, for `timeoutMs` of it at most, or until `isCutShort`: then
   * it is left as it is, and null returned. Not to be called from within.
   *
   * @throws ConclaveError `ERR_TIMEOUT`; and what `test` rejects with.
   */
  async run<Value>(
    test: () => Promise<Value>,
    timeoutMs: number,
    isCutShort: () => boolean = () => false,
  ): Promise<Value | null> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    const running = test();
    running.then(settle, settle);
    const isOver = (): boolean => {
      this.#killCrashed();
      return isSettled || isCutShort();
    };
    await this.simulation.runUntil(isOver, timeoutMs);
    return isSettled ? running : null;
  }

  #killCrashed(): void {
    for (const node of this.#nodes) {
      if (node.disk instanceof SimulatedDisk && node.disk.crash !== null) this.kill(node);
    }
  }
}
