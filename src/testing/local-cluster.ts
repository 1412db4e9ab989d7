/**
 * A whole cluster in one process, for tests of programs that use Conclave and for trying things out. Inline nodes talk
 * over a network in memory that can be cut; nodes with threads talk over TCP on free loopback ports. It starts, finds
 * and stops runtimes, and knows nothing that `Runtime` does not say.
 */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { VOTERS_MAX } from '../actors/raft/quorum.js';
import type { ObjectDefinitions } from '../actors/replicated/object-definition.js';
import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import { nodeId, type NodeId } from '../ids.js';
import { MemoryNetwork } from '../net/memory-transport.js';
import { consensusActorOn } from '../node/consensus-actor.js';
import { InlinePlacement } from '../node/inline-placement.js';
import { checkOptions, OPTION_NAMES } from '../node/check-options.js';
import type { Health } from '../node/health.js';
import { checkInteger, checkKnown } from '../node/option-checks.js';
import type { RuntimeOptions } from '../node/options.js';
import { machineHost } from '../node/node-host.js';
import { Runtime } from '../node/runtime.js';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import { freePorts, LOOPBACK } from './free-ports.js';

/** How a cluster is started: what its nodes have in common, and how many there are. */
export interface LocalClusterOptions<Definitions extends ObjectDefinitions> extends Omit<
  RuntimeOptions<Definitions>,
  'self' | 'peers' | 'join' | 'bind' | 'onReady'
> {
  /** How many nodes, 1 to 15. Default: 3. */
  readonly nodes?: number;
  /** Worker threads and TCP as in production, or (default) everything on this event loop and a network in memory. */
  readonly threads?: boolean;
  /** How long `leader`, `ready` and `converged` wait, in milliseconds. Default: 10,000. */
  readonly waitTimeoutMs?: number;
}

/** What each node has of its own is no option of the cluster. */
const OF_EACH_NODE: ReadonlySet<string> = new Set([
  'self',
  'peers',
  'join',
  'bind',
  'onReady',
] satisfies (keyof RuntimeOptions)[]);
const KNOWN: readonly string[] = [
  ...(['nodes', 'waitTimeoutMs'] satisfies (keyof LocalClusterOptions<ObjectDefinitions>)[]),
  ...OPTION_NAMES.filter((name) => !OF_EACH_NODE.has(name)),
];
const LOOK_EVERY_MS = 5;
/** Of a node that runs no more. */
const ENDED: ReadonlySet<Health> = new Set(['stopped', 'failed', 'thread dead']);

/**
 * Several runtimes in one process that form one cluster.
 *
 * @example
 * await using cluster = await LocalCluster.start({ objects: { hits: ReplCounter } });
 * await cluster.ready();
 * const leader = await cluster.leader();
 * const follower = cluster.nodes.find((node) => node !== leader)!;
 * await follower.objects.hits.inc();
 * cluster.isolate(leader);
 * await follower.objects.hits.inc(); // waits until the two others have elected a leader
 * cluster.heal();
 * await cluster.converged();
 * await leader.objects.hits.with({ consistency: 'local' }).get(); // 2
 */
export class LocalCluster<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /** The runtimes, in the order of their addresses; stopped ones stay in the list. */
  readonly nodes: readonly Runtime<Definitions>[];
  readonly #network: MemoryNetwork | null;
  readonly #waitTimeoutMs: number;
  /** The pairs that are cut off from each other. */
  #cuts: (readonly [Runtime<Definitions>, Runtime<Definitions>])[] = [];

  private constructor(nodes: readonly Runtime<Definitions>[], network: MemoryNetwork | null, waitTimeoutMs: number) {
    this.nodes = nodes;
    this.#network = network;
    this.#waitTimeoutMs = waitTimeoutMs;
  }

  /**
   * Starts a cluster. Resolves when every node listens; see {@link LocalCluster.ready}.
   *
   * @throws ConclaveError what `Runtime.start` throws; `ERR_INVALID_OPTION` for `self`, `peers`, `bind` and `onReady`,
   *   too. Nothing is left running.
   */
  static async start<Definitions extends ObjectDefinitions>(
    options: LocalClusterOptions<Definitions>,
  ): Promise<LocalCluster<Definitions>> {
    checkKnown(options, KNOWN);
    const { nodes: count = 3, threads = false, waitTimeoutMs = 10_000, ...shared } = options;
    checkInteger('nodes', count, 1, VOTERS_MAX);
    checkInteger('waitTimeoutMs', waitTimeoutMs, 1, TIMEOUT_MS_MAX);
    const network = threads ? null : new MemoryNetwork();
    const addresses = network === null ? await loopbackAddresses(count) : memoryAddresses(count);
    const started = await Promise.allSettled(
      addresses.map((self) => {
        const peers = addresses.filter((address) => address !== self);
        return startNode({ ...shared, ...dataDirOf(shared.dataDir, self), self, peers, threads }, network);
      }),
    );
    const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      await Promise.all(nodes.map((node) => node.stop()));
      throw failed.reason;
    }
    return new LocalCluster(nodes, network, waitTimeoutMs);
  }

  /**
   * The node that leads, once there is one that reaches a quorum.
   *
   * @throws ConclaveError `ERR_TIMEOUT`.
   */
  async leader(): Promise<Runtime<Definitions>> {
    const untilMs = performance.now() + this.#waitTimeoutMs;
    for (;;) {
      const leader = this.#currentLeader();
      if (leader !== undefined) return leader;
      if (performance.now() >= untilMs) throw timedOut('There is no leader', this.#waitTimeoutMs, undefined);
      await delay(LOOK_EVERY_MS);
    }
  }

  /**
   * Resolves when every node that runs has caught up with the leader for the first time.
   *
   * @throws ConclaveError `ERR_TIMEOUT`, or what `Runtime.ready` throws.
   */
  async ready(): Promise<void> {
    const signal = AbortSignal.timeout(this.#waitTimeoutMs);
    await this.#onEachNode('Not every node has become ready', (node) => node.ready({ signal }));
  }

  /**
   * Resolves when every node that runs has applied everything that was committed when this was called: after it, local
   * queries on all nodes give the same answers, as long as nobody makes another command.
   *
   * @throws ConclaveError `ERR_TIMEOUT`, for instance while a node is cut off.
   */
  async converged(): Promise<void> {
    const timeoutMs = this.#waitTimeoutMs;
    await this.#onEachNode('Not every node has caught up', (node) => node.caughtUp({ timeoutMs }));
  }

  /**
   * Cuts two nodes off from each other until {@link LocalCluster.heal}; what was on its way between them is lost.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` when the nodes run on threads, and so talk over TCP.
   */
  partition(a: Runtime<Definitions>, b: Runtime<Definitions>): void {
    this.#memoryNetwork().partition(idOf(a), idOf(b));
    this.#cuts.push([a, b]);
  }

  /** Cuts a node off from all others; see {@link LocalCluster.partition}. */
  isolate(node: Runtime<Definitions>): void {
    for (const other of this.nodes) if (other !== node) this.partition(node, other);
  }

  /** Connects all nodes again. */
  heal(): void {
    for (const [a, b] of this.#cuts) this.#memoryNetwork().heal(idOf(a), idOf(b));
    this.#cuts = [];
  }

  /** Stops every node. Resolves when nothing of the cluster is left running. May be called more than once. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** `await using cluster = await LocalCluster.start(…)` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** A leader that was cut off believes for a while that it still leads: the one of the latest term is the leader. */
  #currentLeader(): Runtime<Definitions> | undefined {
    const leaders = this.#running().filter((node) => {
      const { role, health } = node.status();
      return role === 'leader' && health !== 'no quorum';
    });
    return leaders.toSorted((a, b) => b.status().term - a.status().term)[0];
  }

  #running(): Runtime<Definitions>[] {
    return this.nodes.filter((node) => !ENDED.has(node.status().health));
  }

  async #onEachNode(what: string, wait: (node: Runtime<Definitions>) => Promise<void>): Promise<void> {
    try {
      await Promise.all(this.#running().map(wait));
    } catch (error) {
      const isTooLate = error instanceof ConclaveError && TOO_LATE.has(error.code);
      throw isTooLate ? timedOut(what, this.#waitTimeoutMs, error) : error;
    }
  }

  #memoryNetwork(): MemoryNetwork {
    if (this.#network !== null) return this.#network;
    throw new ConclaveError(
      'ERR_INVALID_OPTION',
      'threads is true, so that the nodes talk over TCP; only the network in memory can be partitioned.',
      { data: { option: 'threads' } },
    );
  }
}

/** Every node of a local cluster is a member, and so has an address. */
function idOf(node: Runtime): NodeId {
  const { self } = node.status();
  assert(self !== null, 'the nodes of a local cluster are members');
  return nodeId(self);
}

const TOO_LATE: ReadonlySet<string> = new Set(['ERR_ABORTED', 'ERR_TIMEOUT', 'ERR_NO_LEADER']);

function startNode<Definitions extends ObjectDefinitions>(
  options: RuntimeOptions<Definitions>,
  network: MemoryNetwork | null,
): Promise<Runtime<Definitions>> {
  if (network === null) return Runtime.start(options);
  const checked = checkOptions(options);
  const consensus = consensusActorOn((transportOptions) =>
    network.transport({ ...transportOptions, logger: checked.logger }),
  );
  // Their names are those of no machines: none is to be asked.
  const host = { ...machineHost(checked), isRefusing: async () => false };
  return Runtime.startOn(checked, (events) => new InlinePlacement(checked, events, { consensus }), host);
}

async function loopbackAddresses(count: number): Promise<string[]> {
  const ports = await freePorts(count);
  return ports.map((port) => `${LOOPBACK}:${port}`).toSorted();
}

function memoryAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `node${i + 1}:1`);
}

/** Each node has a directory of its own in that of the cluster. */
function dataDirOf(dataDir: string | undefined, self: string): { readonly dataDir?: string } {
  return dataDir === undefined ? {} : { dataDir: join(dataDir, self.replaceAll(/[^\w.]/g, '-')) };
}

function timedOut(what: string, timeoutMs: number, cause: unknown): ConclaveError {
  return new ConclaveError('ERR_TIMEOUT', `${what} after ${timeoutMs} ms.`, {
    data: { timeoutMs },
    mayBeApplied: false,
    ...(cause === undefined ? {} : { cause }),
  });
}
