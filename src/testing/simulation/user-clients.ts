/** The clients that a user's test brings along, and the nodes as they see them. */

import type { Attendant } from '../../actors/replicated/attendant.js';
import type { ObjectDefinitions } from '../../actors/replicated/object-definition.js';
import type { HandlesOf } from '../../actors/replicated/remote-of.js';
import { assert } from '../../assert.js';
import type { RuntimeStatus } from '../../node/status.js';
import type { Random } from '../../runtime/random.js';
import type { RunContext, RunUsers } from './cluster-run.js';
import type { Member } from './member.js';
import type { SimulatedCluster } from './simulated-cluster.js';

/** One node of a simulated cluster. It goes down and comes back, and stays the same in this. */
export interface SimulationNode<Definitions extends ObjectDefinitions> {
  readonly name: string;
  /** Is it up? Calls of one that is not end with `ERR_STOPPED` at once. */
  readonly isUp: boolean;
  /** Handles to the objects, as `runtime.objects` has them. Of the node's present life: look here for each call. */
  readonly objects: HandlesOf<Definitions>;
  /** As `runtime.status()`. */
  status(): RuntimeStatus;
  /**
   * For `raft(node)` of `conclave/sync`. Of the node's present life: call `raft` anew when it has come back.
   *
   * @internal
   */
  attendants(): ReadonlyMap<string, Attendant>;
}

/** What a user's clients are given. */
export interface SimulationClients<Definitions extends ObjectDefinitions> {
  readonly nodes: readonly SimulationNode<Definitions>[];
  /** Chance that belongs to the seed. */
  readonly random: Random;
  /** Resolves after so many milliseconds of virtual time. */
  sleep(delayMs: number): Promise<void>;
}

interface UserFunctions<Definitions extends ObjectDefinitions> {
  clients(simulation: SimulationClients<Definitions>): Promise<void>;
  afterwards?(simulation: SimulationClients<Definitions>): Promise<void>;
}

const LOOK_EVERY_MS = 1;

export class UserClients<Definitions extends ObjectDefinitions> implements RunUsers<Definitions> {
  readonly done: Promise<void>;
  readonly endsWhen = 'clients ends (it may wait for calls and for sleep, and for nothing else)';
  readonly #context: RunContext<Definitions>;
  readonly #random: Random;
  readonly #user: UserFunctions<Definitions>;
  #setDone: () => void = () => {};

  constructor(context: RunContext<Definitions>, random: Random, user: UserFunctions<Definitions>) {
    this.#context = context;
    this.#random = random;
    this.#user = user;
    this.done = new Promise((resolve) => {
      this.#setDone = resolve;
    });
  }

  join(): void {}
  leave(): void {}

  begin(cluster: SimulatedCluster<Definitions>): void {
    void this.#useThem(cluster).finally(() => this.#setDone());
  }

  end(): Promise<void> {
    return this.done;
  }

  async judge(cluster: SimulatedCluster<Definitions>): Promise<void> {
    await this.#attempt('afterwards', () => this.#user.afterwards?.(this.#given(cluster.belonging)));
  }

  async #useThem(cluster: SimulatedCluster<Definitions>): Promise<void> {
    // Each has handles once it has been up.
    while (!cluster.members.every(({ hasStarted }) => hasStarted)) await this.#context.host.sleep(LOOK_EVERY_MS);
    await this.#attempt('clients', () => this.#user.clients(this.#given(cluster.members)));
  }

  async #attempt(what: string, run: () => Promise<void> | undefined): Promise<void> {
    try {
      await run();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#context.violations.report(what, `${what} threw: ${text}`, error);
    }
  }

  #given(members: readonly Member<Definitions>[]): SimulationClients<Definitions> {
    return {
      nodes: members.map(nodeOf),
      random: this.#random,
      sleep: (delayMs) => this.#context.host.sleep(delayMs),
    };
  }
}

function nodeOf<Definitions extends ObjectDefinitions>(member: Member<Definitions>): SimulationNode<Definitions> {
  const runtime = (): NonNullable<Member<Definitions>['lastRuntime']> => {
    assert(member.lastRuntime !== null, 'clients begin when each node has started once');
    return member.lastRuntime;
  };
  return {
    name: member.name,
    get isUp() {
      return member.runtime !== null;
    },
    get objects() {
      return runtime().objects;
    },
    status: () => runtime().status(),
    attendants: () => runtime().attendants(),
  };
}
