/**
 * A cluster of real processes on loopback, as benchmarks and examples use it: started on free ports, known by its
 * leader, compared at the end, and stopped whatever happens. Runs in the parent.
 */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Operations } from '../processes/calls.js';
import { Child, ChildError } from '../processes/child.js';
import { freePorts } from '../processes/free-ports.js';
import { sameState } from '../processes/same-state.js';
import type { NodeOperations, NodeOptions, NodeReport, StartReport } from './node-operations.js';
import { withTemporaryDirectory } from './temporary-directory.js';

const START_ATTEMPTS_MAX = 3;
/** A node that restarts may have much to read. */
const START_TIMEOUT_MS = 60_000;
const CALL_TIMEOUT_MS = 5_000;
const AGREE_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/** `snapshot` options by which no snapshot is taken unless somebody asks for it. */
export const NEVER_BY_ITSELF = { entries: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER } as const;

export interface ClusterSettings {
  readonly nodes: number;
  /** Actors on threads of their own, or all of them on each process's one event loop. */
  readonly threads: boolean;
  /** Log and snapshots of each node in a directory of its own, removed at the end; otherwise in memory. */
  readonly durable?: boolean;
  readonly options?: NodeOptions;
  /** Flags of Node for each process. */
  readonly execArgv?: readonly string[];
}

export class Cluster<Ops extends Operations> {
  readonly nodes: readonly Child<Ops>[];
  readonly addresses: readonly string[];
  /** Where each node keeps what it stores; null where nothing is stored. */
  readonly dataDirs: readonly string[] | null;
  readonly #script: URL;
  readonly #settings: ClusterSettings;
  /** The same array as `nodes`, called for what every node can be asked. */
  readonly #nodes: Child<NodeOperations>[];
  readonly #directory: string | null;
  /** Started by `startJoining`; not among `nodes`. */
  readonly #joining: Child<NodeOperations>[] = [];

  private constructor(
    script: URL,
    settings: ClusterSettings,
    addresses: readonly string[],
    dataDirs: readonly string[] | null,
    directory: string | null,
  ) {
    this.#directory = directory;
    this.#script = script;
    this.#settings = settings;
    this.addresses = addresses;
    this.dataDirs = dataDirs;
    const nodes = addresses.map((address) => newChild<never>(address, script, settings));
    this.nodes = nodes;
    this.#nodes = nodes;
  }

  /** Starts one process per node, each running `script`, and resolves when all of them are ready. */
  static async start<Ops extends Operations>(
    script: URL,
    settings: ClusterSettings,
    directory: string | null = null,
  ): Promise<Cluster<Ops>> {
    for (let attempt = 1; ; attempt++) {
      const addresses = (await freePorts(settings.nodes)).map((port) => `127.0.0.1:${port}`);
      const dataDirs = directory === null ? null : addresses.map((_, index) => join(directory, `${attempt}-${index}`));
      const cluster = new Cluster<Ops>(script, settings, addresses, dataDirs, directory);
      const starts = await Promise.allSettled(addresses.map((_, index) => cluster.#start(index)));
      const failed = starts.find((start) => start.status === 'rejected');
      if (failed === undefined) return cluster;
      await cluster.kill();
      const error: unknown = failed.reason;
      const portTaken = error instanceof ChildError && error.code === 'ERR_ADDRESS_UNAVAILABLE';
      if (!portTaken || attempt === START_ATTEMPTS_MAX) throw error;
    }
  }

  /** Starts a node that has been stopped, in a new process and with `options` instead of the cluster's. */
  startNode(position: number, options?: NodeOptions): Promise<StartReport> {
    this.#nodes[position] = newChild(this.addresses[position]!, this.#script, this.#settings);
    return this.#start(position, options);
  }

  /**
   * Starts a node in a new process that is no member, and waits to be added. Whoever starts it takes it out and stops
   * it, unless something has failed.
   */
  async startJoining(): Promise<{ readonly node: Child<NodeOperations>; readonly address: string }> {
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const node = newChild<NodeOperations>(address, this.#script, this.#settings);
    this.#joining.push(node);
    const dataDir =
      this.#directory === null ? {} : { dataDir: join(this.#directory, `joining-${this.#joining.length}`) };
    const { threads, options } = this.#settings;
    const settings = { ...options, ...dataDir, self: address, peers: this.addresses, join: true, threads };
    await node.call('start', settings, START_TIMEOUT_MS);
    return { node, address };
  }

  /** Forgets everything that a node, which has been stopped, has stored. */
  async wipe(position: number): Promise<void> {
    const dataDir = this.dataDirs![position]!;
    await rm(dataDir, { recursive: true });
    await mkdir(dataDir);
  }

  /** The positions of the leader and of the first node that is not. */
  async roles(): Promise<{ readonly leader: number; readonly follower: number }> {
    const reports = await this.#until('to agree on a leader', (all) => {
      const { leader } = all[0]!;
      return leader !== null && all.every((each) => each.leader === leader);
    });
    const leader = this.addresses.indexOf(reports[0]!.leader!);
    return { leader, follower: leader === 0 ? 1 : 0 };
  }

  /**
   * Resolves with what `read` says of every node, once they all say the same: nodes apply the same entries, some a
   * little later. Rejects, naming the states, when they still differ after 20 s.
   */
  agreedState<State>(
    read: (node: Child<Ops>) => Promise<State>,
    isWhole: (state: State) => boolean = () => true,
  ): Promise<State> {
    return sameState(() => Promise.all(this.nodes.map(read)), isWhole);
  }

  /** Stops every node. Rejects when one of them had to be killed, after all have ended. */
  async stop(): Promise<void> {
    const stops = await Promise.allSettled(this.nodes.map((node) => node.stop()));
    const failed = stops.find((stop) => stop.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Ends every node at once, for when something has failed already. */
  async kill(): Promise<void> {
    await Promise.all([...this.#nodes, ...this.#joining].map((node) => node.kill()));
  }

  #start(position: number, options: NodeOptions = this.#settings.options ?? {}): Promise<StartReport> {
    const self = this.addresses[position]!;
    const peers = this.addresses.filter((address) => address !== self);
    const dataDir = this.dataDirs?.[position];
    const { threads } = this.#settings;
    const settings = { ...options, self, peers, threads, ...(dataDir === undefined ? {} : { dataDir }) };
    return this.#nodes[position]!.call('start', settings, START_TIMEOUT_MS);
  }

  async #until(what: string, holds: (reports: readonly NodeReport[]) => boolean): Promise<readonly NodeReport[]> {
    const deadline = performance.now() + AGREE_TIMEOUT_MS;
    for (;;) {
      const reports = await Promise.all(this.#nodes.map((node) => node.call('status', null, CALL_TIMEOUT_MS)));
      if (holds(reports)) return reports;
      if (performance.now() > deadline) {
        throw new Error(`The nodes took too long ${what}: ${JSON.stringify(reports)}`);
      }
      await delay(POLL_MS);
    }
  }
}

function newChild<Ops extends Operations>(address: string, script: URL, { execArgv }: ClusterSettings): Child<Ops> {
  return new Child<Ops>(`node ${address}`, script, execArgv);
}

/** Runs `use` on a cluster that is stopped afterwards: gently after success, at once after failure. */
export function withCluster<Ops extends Operations, Result>(
  script: URL,
  settings: ClusterSettings,
  use: (cluster: Cluster<Ops>) => Promise<Result>,
): Promise<Result> {
  const run = async (directory: string | null): Promise<Result> => {
    const cluster = await Cluster.start<Ops>(script, settings, directory);
    let result: Result;
    try {
      result = await use(cluster);
    } catch (error) {
      await cluster.kill();
      throw error;
    }
    await cluster.stop();
    return result;
  };
  return settings.durable === true ? withTemporaryDirectory(run) : run(null);
}
