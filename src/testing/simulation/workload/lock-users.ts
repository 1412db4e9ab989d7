/**
 * Those who use the lock manager of a simulated cluster: clients on each node, what they protect, and what befalls
 * holders. In the end every lock must be free, or become so: whoever has gone does not keep it.
 */

import { PERMITS_MAX } from '../../../actors/coordination/coordination.js';
import { ConclaveError } from '../../../errors.js';
import type { Runtime } from '../../../node/runtime.js';
import { raft } from '../../../sync/raft.js';
import { connect } from '../../../sync/sync.js';
import { HeldLocks } from '../checkers/held-locks.js';
import type { RunContext, RunUsers } from '../cluster-run.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import { MACHINES_MAX } from '../placements.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { SimulatedNode } from '../simulated-node.js';
import { FencedStore } from './fenced-store.js';
import { HolderHazards } from './holder-hazards.js';
import { drawTtlMs, LOOK_EVERY_MS, SPARE_MS, thinkMsAt } from './holding-times.js';
import { LOCK_NAMES, LockClient } from './lock-client.js';
import type { LockDuels } from './lock-duels.js';
import { UserCrowd } from './user-crowd.js';

const CLIENTS = [1, 2, 3] as const;
/** Keepers look more often. */
const AWAY_MS = 300;

export class LockUsers implements RunUsers<SimulationObjects> {
  readonly done = null;
  readonly #context: RunContext<SimulationObjects>;
  readonly #dice: Dice;
  readonly #ttlMs: number;
  readonly #clients: number;
  readonly #hazards: HolderHazards;
  readonly #held: HeldLocks;
  readonly #stores: ReadonlyMap<string, FencedStore>;
  readonly #crowd: UserCrowd;
  readonly #duels: LockDuels | null;

  /** `duels`: null: there are none. */
  constructor(context: RunContext<SimulationObjects>, duels: LockDuels | null) {
    this.#duels = duels;
    const { host, checkers, violations, shape } = context;
    this.#context = context;
    this.#dice = host.dice.fork();
    this.#ttlMs = drawTtlMs(this.#dice, shape.pace);
    this.#clients = this.#dice.oneOf(CLIENTS);
    this.#hazards = new HolderHazards(context, this.#dice.fork(), this.#ttlMs);
    const report = (promise: string, what: string): void => violations.report(promise, what);
    this.#crowd = new UserCrowd(this.#dice.fork(), thinkMsAt(shape.pace), violations);
    this.#held = new HeldLocks(report);
    checkers.observe(this.#hazards);
    this.#stores = new Map(LOCK_NAMES.map((name) => [name, new FencedStore(name, violations, host.coverage)]));
  }

  begin(cluster: SimulatedCluster<SimulationObjects>): void {
    this.#look();
    if (!this.#context.isPeaceful) this.#hazards.begin(cluster);
  }

  calmDown(): void {
    this.#hazards.end();
  }

  join({ node }: Member<SimulationObjects>, life: string): void {
    if (node === null || this.#crowd.isOver) return;
    const { host, violations, trace } = this.#context;
    for (let i = 1; i <= this.#clients; i++) {
      const client = new LockClient({
        name: `${life}.holder${i}`,
        node,
        ttlMs: this.#ttlMs,
        dice: this.#dice.fork(),
        held: this.#held,
        stores: this.#stores,
        coverage: host.coverage,
        violations,
        trace,
      });
      this.#crowd.join(node, () => client.act());
    }
  }

  leave({ node }: Member<SimulationObjects>): void {
    this.#crowd.leave(node);
  }

  end(): Promise<void> {
    return this.#crowd.end();
  }

  /** A quiet cluster frees what those had who are gone, even if whoever sees to that could not for a while. */
  async judge(cluster: SimulatedCluster<SimulationObjects>): Promise<void> {
    const { runtime } = cluster.belonging[0]!;
    const { violations } = this.#context;
    const timeoutMs = 2 * this.#ttlMs + SPARE_MS;
    await this.#takeObjectsAway(cluster.leader!.node!);
    const sync = await connect(raft(runtime!));
    try {
      await this.#dieHolding(runtime!);
      for (const name of LOCK_NAMES) {
        const held = await sync.lock(name, { ttlMs: this.#ttlMs }).acquire({ timeoutMs });
        await held.release();
      }
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      const what = `a lock is not free ${timeoutMs} ms after all who used it have gone: ${error.message}`;
      violations.report('locks get free', what);
    }
    await sync.close();
    await this.#duels?.fight(cluster);
  }

  /** For longer than it is until they are looked at. */
  async #takeObjectsAway(node: SimulatedNode<SimulationObjects>): Promise<void> {
    const { host } = this.#context;
    for (let i = 0; i < MACHINES_MAX; i++) node.crashObjects(AWAY_MS);
    await host.sleep(AWAY_MS);
    while (node.runtime!.status().health === 'object failed') await host.sleep(LOOK_EVERY_MS);
  }

  /** Somebody holds a lock, and is not heard of any more. */
  async #dieHolding(runtime: Runtime<SimulationObjects>): Promise<void> {
    const nobody = { granted() {}, lost() {}, asked() {}, ended() {} };
    const session = await raft(runtime).openSession(this.#ttlMs, nobody);
    const [name] = LOCK_NAMES;
    const terms = { name: `lock/${name}`, of: PERMITS_MAX, permits: PERMITS_MAX, isWaiting: true, value: null };
    await session.claim(1, terms);
  }

  #look(): void {
    if (this.#crowd.isOver) return;
    this.#held.look();
    this.#context.host.simulation.after(LOOK_EVERY_MS, () => this.#look());
  }
}
