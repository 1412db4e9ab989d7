/**
 * What a node does for a lock manager besides running its commands: ends sessions that are not renewed, or whose
 * process is gone, while the node leads, and claims on behalf of the node. On the caller's thread, for as long as the
 * node runs.
 */

import type { Coordination } from '../actors/coordination/coordination.js';
import { DeathWatch } from '../actors/coordination/death-watch.js';
import { SessionKeeper } from '../actors/coordination/session-keeper.js';
import type { AttendedNode, Attendant } from '../actors/replicated/attendant.js';
import type { RemoteOf } from '../actors/replicated/remote-of.js';
import { ConclaveError } from '../errors.js';
import { Claiming } from './claiming.js';
import { CoordinationBackend } from './coordination-backend.js';
import { HandleAccess } from './handle-access.js';
import { NodeLocks } from './node-locks.js';
import type { LockManagerOptions } from './repl-lock-manager.js';

export class LockAttendant implements Attendant {
  readonly backend: CoordinationBackend;
  readonly methods: Attendant['methods'];
  readonly #keeper: SessionKeeper;
  /** Null: that a connection is refused proves nothing. */
  readonly #deaths: DeathWatch | null;

  constructor(
    { handle, node, timekeeper, isRefusing }: AttendedNode,
    { autoUnlockMs, directNetwork }: Required<LockManagerOptions>,
  ) {
    const coordination = handle as RemoteOf<Coordination>;
    this.backend = new CoordinationBackend(new HandleAccess(coordination, timekeeper), node);
    const locks = new NodeLocks(new Claiming(this.backend), autoUnlockMs);
    this.methods = {
      tryAcquire: (name: string) => locks.tryAcquire(name),
      isAcquired: async (name: string) => locks.isAcquired(name),
      release: (name: string) => locks.release(name),
    };
    const here = coordination.with({ consistency: 'local' });
    this.#keeper = new SessionKeeper({
      timekeeper,
      sightings: () => here.sightings(),
      expire: (session, renewals) => coordination.expire(session, renewals),
    });
    const deaths = {
      timekeeper,
      sessionsOf: (owner: string) => here.sessionsOf(owner),
      isRefusing,
      close: (session: number) => coordination.closeSession(session),
    };
    this.#deaths = directNetwork ? new DeathWatch(deaths) : null;
  }

  leads(term: number | null, unreached: readonly string[]): void {
    this.#keeper.leads(term);
    this.#deaths?.watch(term === null ? [] : unreached);
  }

  leave({ code, message, data }: ConclaveError): Promise<void> {
    return this.backend.leave(new ConclaveError(code, message, { data, mayBeApplied: false }));
  }

  end(reason: ConclaveError): void {
    this.#keeper.end();
    this.#deaths?.end();
    this.backend.end(reason);
  }
}
