/**
 * What becomes of an election, by true time: whoever begins to lead has a greater token than all who have led before;
 * who steps down has done with its work before it gives up, and before that nobody else can lead; a leader is told of
 * its loss; and those who observe are told of leaders that there are or were, never of an older one after a newer one.
 * That no two lead at a time is watched over where other holders are.
 */

import type { ClaimWatcher } from './lock-ledger.js';

/** Somebody who leads, from when its work begins until that has settled. */
export interface Stint {
  readonly token: bigint;
  /** For people. */
  readonly leader: string;
  /** Can it act at present? */
  isAwake(): boolean;
  /** Does it believe that it leads? */
  isHeld(): boolean;
  /** Was it told that it leads no longer, or is to step down? */
  isTold(): boolean;
  /**
   * Could it lead still, unless it has given up? While that is so, nothing but the end of its work is a reason to give
   * up.
   */
  couldLead(): boolean;
}

/** A leader, as one who observes is told. */
export interface Sighting {
  readonly token: bigint;
  readonly id: string;
  /** Those of one leader proclaim greater ones as time goes by. */
  readonly proclaimed: number;
}

/** What one who observes has been told last of a leader. */
export class Onlooker {
  readonly name: string;
  last: Sighting | null = null;

  constructor(name: string) {
    this.name = name;
  }
}

export class ElectedLeaders implements ClaimWatcher {
  readonly #election: string;
  readonly #report: (promise: string, what: string) => void;
  /** Who has a token, by what was committed. */
  readonly #ids = new Map<bigint, string>();
  /** Those whose work has not settled. */
  readonly #stints = new Set<Stint>();
  #newestToken = 0n;

  /** `election` is the name under which it is claimed. */
  constructor(election: string, report: (promise: string, what: string) => void) {
    this.#election = election;
    this.#report = report;
  }

  granted(name: string, token: bigint, value: unknown): void {
    if (name === this.#election) this.#ids.set(token, (value as { readonly id: string }).id);
  }

  givenUp(name: string, token: bigint): void {
    if (name !== this.#election) return;
    for (const stint of this.#stints) {
      if (stint.token !== token || !stint.couldLead()) continue;
      this.#report(
        'leaders step down',
        `${stint.leader} gives up what it leads by ${token}, and has not done with its work`,
      );
    }
  }

  began(stint: Stint): void {
    const { token, leader } = stint;
    if (token <= this.#newestToken) {
      this.#report('tokens of leaders', `${leader} begins to lead by ${token}, after ${this.#newestToken}`);
    }
    if (token > this.#newestToken) this.#newestToken = token;
    this.#stints.add(stint);
  }

  settled(stint: Stint): void {
    this.#stints.delete(stint);
  }

  /** At this moment. */
  look(): void {
    for (const stint of this.#stints) {
      if (!stint.isAwake() || stint.isHeld() || stint.isTold()) continue;
      const what = `${stint.leader} leads by ${stint.token} no longer, and nothing has told it so`;
      this.#report('leaders are told', what);
    }
  }

  /** Whoever observes is told of a leader. */
  heard(onlooker: Onlooker, sighting: Sighting): void {
    const { name, last } = onlooker;
    const { token, id, proclaimed } = sighting;
    if (this.#ids.get(token) !== id) {
      this.#report('leaders as observed', `${name} is told that ${id} leads by ${token}, who was never elected so`);
    }
    if (last !== null && token < last.token) {
      this.#report('leaders as observed', `${name} is told of ${id} by ${token}, after ${last.id} by ${last.token}`);
    }
    if (last?.token === token && proclaimed < last.proclaimed) {
      const what = `${name} is told that ${id} proclaims ${proclaimed}, after ${last.proclaimed}`;
      this.#report('leaders as observed', what);
    }
    onlooker.last = sighting;
  }
}
