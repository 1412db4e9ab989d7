/**
 * One after the other, on a cluster that is quiet otherwise: somebody holds a lock and is cut off just when its session
 * has been renewed, at once or after having stood still for so long that the answer is late, has its calendar set back
 * then, or is suspended with its machine; another one waits for the lock, and gets it as soon as that may be. Both must
 * never believe that they hold it.
 */

import { PERMITS_MAX } from '../../../actors/coordination/coordination.js';
import { ConclaveError } from '../../../errors.js';
import { raft } from '../../../sync/raft.js';
import type { Held } from '../../../sync/held.js';
import { connect, type Sync } from '../../../sync/sync.js';
import { HeldLocks, type Holding } from '../checkers/held-locks.js';
import type { ClusterObserver, CommittedNews } from '../cluster-observer.js';
import type { RunContext } from '../cluster-run.js';
import type { Dice } from '../dice.js';
import { Partitions, waysAcross } from '../faults/partitions.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import { LOCKS } from '../objects/subject-objects.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { SPARE_MS } from './holding-times.js';

type Cluster = SimulatedCluster<SimulationObjects>;
type Duellist = Member<SimulationObjects>;

/** What is done to whoever is cut off, one after the other, besides having it stand still now and then. */
const DUELS = ['nothing', 'set its calendar', 'nothing', 'suspend it'] as const;
type Harm = (typeof DUELS)[number];
const LOCK = 'duel';
/** Nobody else's sessions have these. */
const TTL_MS = 110;
const CALM_TTL_MS = 2_100;
const LOOK_EVERY_MS = 0.5;
/** In TTLs. Less than a renewal waits for its answer, and more than the margin of those who hold. */
const STANDS_STILL = [0.28, 0.42] as const;
/** In TTLs. By the end of that, another one holds. */
const IS_SUSPENDED = [1.2, 2] as const;
const CALENDAR_JUMP_MS = -10_000;
/** Within so many TTLs what is waited for must come. */
const ENDS = 3;
/** As seldom as a keeper looks where there was nothing to be seen. */
const KEEPER_LOOKS_MS = 300;
/** Without the one that is cut off, they must be a majority. */
const VOTERS_MIN = 3;

export class LockDuels implements ClusterObserver {
  readonly #context: RunContext<SimulationObjects>;
  readonly #dice: Dice;
  readonly #ttlMs: number;
  readonly #held: HeldLocks;
  readonly #partitions: Partitions;
  /** By session: the node that it belongs to; null: it is none of these. */
  readonly #owners: (string | null)[] = [];
  /** Called when the session of a node has been renewed. */
  #onRenewed: (owner: string) => void = () => {};

  constructor(context: RunContext<SimulationObjects>, dice: Dice) {
    const { host, checkers, violations, shape } = context;
    this.#context = context;
    this.#dice = dice;
    this.#ttlMs = shape.pace > 1 ? CALM_TTL_MS : TTL_MS;
    this.#held = new HeldLocks((promise, what) => violations.report(promise, what));
    this.#partitions = new Partitions(host.network, dice);
    checkers.observe(this);
  }

  committed({ commands }: CommittedNews): void {
    for (const { name, args } of commands) {
      const [first, ttlMs] = args as [unknown, unknown];
      if (name === `${LOCKS}.openSession`) this.#owners.push(ttlMs === this.#ttlMs ? (first as string) : null);
      else if (name === `${LOCKS}.renew`) this.#renewed(this.#owners[(first as number) - 1] ?? null);
    }
  }

  /** Resolves when all of them are over, and all nodes know their leader again. */
  async fight(cluster: Cluster): Promise<void> {
    const { violations } = this.#context;
    for (const harm of DUELS) {
      const voters = cluster.belonging.filter(({ isObserver }) => !isObserver);
      const { leader } = cluster;
      if (voters.length < VOTERS_MIN || leader === undefined) return;
      // Who has the slowest clock believes for the longest time.
      const others = voters.filter((each) => each !== leader).toSorted((a, b) => a.clock.rate - b.clock.rate);
      try {
        const rival = this.#dice.oneOf([leader, ...others.slice(1)]);
        await this.#fight(cluster, others[0]!, rival, harm);
        await this.#until(
          () => voters.every(({ runtime }) => runtime?.status().leader !== null),
          'all know their leader',
        );
      } catch (error) {
        if (!(error instanceof ConclaveError)) throw error;
        violations.report('locks get free', `its holder was cut off, and then: ${error.message}`);
      }
    }
  }

  async #fight(cluster: Cluster, victim: Duellist, rival: Duellist, harm: Harm): Promise<void> {
    const { host } = this.#context;
    const syncs = await Promise.all([victim, rival].map(({ runtime }) => connect(raft(runtime!))));
    try {
      const held = await this.#acquire(syncs[0]!, victim);
      const waiting = this.#acquire(syncs[1]!, rival);
      waiting.catch(() => {});
      // Who keeps sessions looks at them often by then.
      await host.sleep(KEEPER_LOOKS_MS);
      const lost = held.lost.then(() => 'lost' as const);
      if ((await Promise.race([this.#renewal(victim), lost])) === 'renewed') {
        await this.#disturb(cluster, victim, harm);
        // For as long as the first one could believe it, whoever has it by then.
        await this.#until(() => !held.held, 'whoever is cut off knows that it holds no more');
        host.coverage.count('duels fought');
      }
      await waiting;
    } finally {
      this.#partitions.healAll();
      await Promise.all(syncs.map((sync) => sync.close()));
    }
  }

  async #acquire(sync: Sync, { name, node }: Duellist): Promise<Held> {
    const timeoutMs = ENDS * this.#ttlMs + SPARE_MS;
    const held = await sync.lock(LOCK, { ttlMs: this.#ttlMs }).acquire({ timeoutMs });
    this.#context.trace?.add(name, `holds ${LOCK} by ${held.token}`);
    const holding: Holding = {
      name: LOCK,
      of: PERMITS_MAX,
      permits: PERMITS_MAX,
      token: held.token,
      holder: name,
      isBelieving: () => !node!.process.isFrozen && held.held,
      isOver: () => node!.isKilled,
    };
    this.#held.granted(holding, 0n);
    return held;
  }

  /** Resolves at the very moment when its session is renewed. */
  #renewal({ name }: Duellist): Promise<'renewed'> {
    return new Promise((resolve) => {
      this.#onRenewed = (owner) => owner === name && resolve('renewed');
    });
  }

  /** Just now its session has been renewed. */
  async #disturb(cluster: Cluster, { name, node }: Duellist, harm: Harm): Promise<void> {
    const { host, trace } = this.#context;
    const { process } = node!;
    if (this.#dice.chance(0.5)) {
      host.coverage.count('renewals answered late');
      process.freeze();
      await host.sleep(this.#ttlMs * this.#dice.between(...STANDS_STILL));
      process.thaw();
    } else await host.sleep(0);
    trace?.add(name, 'is cut off as it is renewed');
    const ids = cluster.members.map((each) => each.node?.networkId ?? each.name);
    this.#partitions.block(waysAcross(new Set([name]), ids), Infinity);
    if (harm === 'set its calendar') {
      process.setCalendar(CALENDAR_JUMP_MS);
      host.coverage.count('calendars set');
      trace?.add(name, `has its calendar set by ${CALENDAR_JUMP_MS} ms`);
    } else if (harm === 'suspend it') {
      process.suspend();
      host.coverage.count('holders suspended');
      trace?.add(name, 'is suspended');
      await host.sleep(this.#ttlMs * this.#dice.between(...IS_SUSPENDED));
      process.thaw();
    }
  }

  #renewed(owner: string | null): void {
    if (owner !== null) this.#onRenewed(owner);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const { host } = this.#context;
    const timeoutMs = ENDS * this.#ttlMs + SPARE_MS;
    const untilMs = host.simulation.nowMs() + timeoutMs;
    while (!condition()) {
      if (host.simulation.nowMs() >= untilMs) {
        throw new ConclaveError('ERR_TIMEOUT', `${what}: not within ${timeoutMs} ms`);
      }
      this.#held.look();
      await host.sleep(LOOK_EVERY_MS);
    }
  }
}
