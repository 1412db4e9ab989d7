/**
 * A cluster of real processes on loopback, as benchmarks and examples use it: started on free ports, known by its
 * leader, compared at the end, and stopped whatever happens. Runs in the parent.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Operations } from '../processes/calls.js';
import { Child, ChildError } from '../processes/child.js';
import { freePorts } from '../processes/free-ports.js';
import { sameState } from '../processes/same-state.js';
import type { NodeOperations, NodeReport } from './node-operations.js';

const START_ATTEMPTS_MAX = 3;
const START_TIMEOUT_MS = 20_000;
const CALL_TIMEOUT_MS = 5_000;
const AGREE_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

export interface ClusterSettings {
  readonly nodes: number;
  /** Actors on threads of their own, or all of them on each process's one event loop. */
  readonly threads: boolean;
  /** Flags of Node for each process. */
  readonly execArgv?: readonly string[];
}

export class Cluster<Ops extends Operations> {
  readonly nodes: readonly Child<Ops>[];
  readonly addresses: readonly string[];
  /** The same as `nodes`, called for what every node can be asked. */
  readonly #nodes: readonly Child<NodeOperations>[];

  private constructor(nodes: readonly Child<never>[], addresses: readonly string[]) {
    this.nodes = nodes;
    this.#nodes = nodes;
    this.addresses = addresses;
  }

  /** Starts one process per node, each running `script`, and resolves when all of them are ready. */
  static async start<Ops extends Operations>(script: URL, settings: ClusterSettings): Promise<Cluster<Ops>> {
    for (let attempt = 1; ; attempt++) {
      const addresses = (await freePorts(settings.nodes)).map((port) => `127.0.0.1:${port}`);
      const nodes = addresses.map((address) => new Child<never>(`node ${address}`, script, settings.execArgv));
      const cluster = new Cluster<Ops>(nodes, addresses);
      const starts = await Promise.allSettled(
        addresses.map((self, index) => cluster.#startNode(self, index, settings)),
      );
      const failed = starts.find((start) => start.status === 'rejected');
      if (failed === undefined) return cluster;
      await cluster.kill();
      const error: unknown = failed.reason;
      const portTaken = error instanceof ChildError && error.code === 'ERR_ADDRESS_UNAVAILABLE';
      if (!portTaken || attempt === START_ATTEMPTS_MAX) throw error;
    }
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
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  #startNode(self: string, index: number, { threads }: ClusterSettings): Promise<void> {
    const peers = this.addresses.filter((address) => address !== self);
    return this.#nodes[index]!.call('start', { self, peers, threads }, START_TIMEOUT_MS);
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

/** Runs `use` on a cluster that is stopped afterwards: gently after success, at once after failure. */
export async function withCluster<Ops extends Operations, Result>(
  script: URL,
  settings: ClusterSettings,
  use: (cluster: Cluster<Ops>) => Promise<Result>,
): Promise<Result> {
  const cluster = await Cluster.start<Ops>(script, settings);
  let result: Result;
  try {
    result = await use(cluster);
  } catch (error) {
    await cluster.kill();
    throw error;
  }
  await cluster.stop();
  return result;
}
