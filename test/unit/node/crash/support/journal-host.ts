/** Simulated nodes that hold a journal, with options that make files and snapshots many. */

import type { RuntimeOptions } from '../../../../../src/node/options.js';
import type { Runtime } from '../../../../../src/node/runtime.js';
import { silentLogger, type Logger } from '../../../../../src/runtime/logger.js';
import type { Disk } from '../../../../../src/storage/disk.js';
import { SimulatedHost } from '../../../../../src/testing/simulation/simulated-host.js';
import type { SimulatedNode } from '../../../../../src/testing/simulation/simulated-node.js';
import { Journal } from './journal.js';

export type Objects = { readonly journal: typeof Journal };
export type JournalRuntime = Runtime<Objects>;
export type JournalNode = SimulatedNode<Objects>;

export interface JournalNodeOptions extends Partial<Pick<RuntimeOptions<Objects>, 'snapshot' | 'callTimeoutMs'>> {
  /** How large the files of the log become; the option of a runtime allows none that are small enough to be many. */
  readonly segmentBytes?: number;
  readonly logger?: Logger;
  /** Default: {@link DATA_DIR}, where no other disk than a simulated one should be. */
  readonly dataDir?: string;
}

export const DATA_DIR = '/data';
/** Of virtual time: whoever waits so long waits for ever. */
const TIMEOUT_MS = 600_000;

export class JournalHost extends SimulatedHost<Objects> {
  readonly #members: readonly string[];

  constructor(seed: number, members: readonly string[]) {
    super(seed, { journal: Journal });
    this.#members = members;
  }

  /** Starts a node. Rejects with what its start does, or, when its disk crashes meanwhile, with anything. */
  startMember(self: string, disk: Disk, options: JournalNodeOptions = {}): Promise<JournalNode> {
    const { segmentBytes, logger = silentLogger, dataDir = DATA_DIR, ...more } = options;
    return this.start(
      {
        self,
        peers: this.#members.filter((member) => member !== self),
        objects: { journal: Journal },
        electionTimeoutMs: [20, 40],
        heartbeatMs: 5,
        dataDir,
        logger,
        ...more,
      },
      { disk, ...(segmentBytes === undefined ? {} : { segmentBytes }) },
    );
  }

  /** Lets virtual time pass until what the test does is done. Not to be called from within. */
  async runTest<Value>(test: () => Promise<Value>): Promise<Value> {
    return (await this.run(test, TIMEOUT_MS))!;
  }
}
