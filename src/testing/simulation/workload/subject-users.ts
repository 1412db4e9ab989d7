/** Those who use a cluster in a history: its clients, and others for the sake of each of its subjects. */

import { LockLedger, type ClaimWatcher } from '../checkers/lock-ledger.js';
import type { RunContext, RunUsers } from '../cluster-run.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import { hasLockManager, LOCKS } from '../objects/subject-objects.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Subject } from '../subjects.js';
import { CellUsers } from './cell-users.js';
import type { Drills } from './drills.js';
import { EditionUsers } from './edition-users.js';
import { ElectionUsers } from './election-users.js';
import { LockDuels } from './lock-duels.js';
import { LockUsers } from './lock-users.js';
import { Workload } from './workload.js';

type Users = RunUsers<SimulationObjects>;
type Cluster = SimulatedCluster<SimulationObjects>;

export function usersFor(
  subjects: ReadonlySet<Subject>,
  context: RunContext<SimulationObjects>,
  { dice, hasDuels, hasSeclusion }: Drills,
): Users {
  const workload = new Workload(context);
  if (subjects.size === 0) return workload;
  const duels = hasDuels ? new LockDuels(context, dice.fork()) : null;
  const locks = subjects.has('locks') ? [new LockUsers(context, duels)] : [];
  const seclusion = hasSeclusion ? dice.fork() : null;
  const others = [
    ...(subjects.has('created objects') ? [new CellUsers(context)] : []),
    ...(subjects.has('code versions') ? [new EditionUsers(context, seclusion)] : []),
  ];
  const elections = subjects.has('elections') ? new ElectionUsers(context) : null;
  if (hasLockManager(subjects)) keepLedger(context, elections?.leaders ?? null);
  return new UsersTogether([workload, ...locks, ...others, ...(elections === null ? [] : [elections])]);
}

/** All that the lock manager does is held against what was committed, for whosever sake that was. */
function keepLedger({ host, checkers, violations }: RunContext<SimulationObjects>, watcher: ClaimWatcher | null): void {
  const report = (promise: string, what: string): void => violations.report(promise, what);
  const count = (event: string): void => host.coverage.count(event);
  checkers.observe(new LockLedger(LOCKS, () => violations.nowMs(), report, count, watcher));
}

class UsersTogether implements Users {
  readonly done = null;
  readonly #all: readonly Users[];

  constructor(all: readonly Users[]) {
    this.#all = all;
  }

  begin(cluster: Cluster): void {
    for (const users of this.#all) users.begin(cluster);
  }

  starting(member: Member<SimulationObjects>): void {
    for (const users of this.#all) users.starting?.(member);
  }

  join(member: Member<SimulationObjects>, life: string): void {
    for (const users of this.#all) users.join(member, life);
  }

  leave(member: Member<SimulationObjects>): void {
    for (const users of this.#all) users.leave(member);
  }

  calmDown(): void {
    for (const users of this.#all) users.calmDown?.();
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map((users) => users.end()));
  }

  async judge(cluster: Cluster): Promise<void> {
    for (const users of this.#all) await users.judge(cluster);
  }
}
