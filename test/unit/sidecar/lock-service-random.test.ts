/**
 * Sidecars under whatever comes: requests, clients that go, back ends that are out or answer late, processes that stand
 * still.
 */

import { expect, it } from 'vitest';
import { lockNameOf } from '../../../src/sidecar/lock-name.js';
import { LockService } from '../../../src/sidecar/lock-service.js';
import type { SightedBackend } from '../../../src/sync/backend.js';
import { connect } from '../../../src/sync/index.js';
import { memory } from '../../../src/sync/memory.js';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';
import { CutOffBackend } from '../sync/support/cut-off-backend.js';
import { ManualTime, settled } from '../sync/support/manual-time.js';

const SEEDS = 25;
const STEPS = 150;
const TTL_MS = 3_000;
const NAME = lockNameOf('x');
const HELD_BACK = ['claim', 'renew', 'giveUp'] as const;

/** Three sidecars that share what holds locks. */
class World {
  readonly time = new ManualTime();
  readonly shared: SightedBackend = memory(this.time);
  readonly backends = [0, 1, 2].map(() => new CutOffBackend(this.shared));
  readonly services = this.backends.map((backend, i) => {
    return new LockService({ backend, identity: `${i}`, ttlMs: TTL_MS, onFailure: () => {} });
  });
  /** Requests that have not been answered. */
  readonly asked = new Set<Promise<unknown>>();
  readonly #random: SeededRandom;
  /** What lets go of answers that are held back. */
  readonly #answers: (() => void)[] = [];
  #last = { token: 0n, owner: '' };

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  async step(): Promise<void> {
    const who = this.#below(3);
    const [service, backend] = [this.services[who]!, this.backends[who]!];
    const owner = service.ownerOf(this.#below(3) === 0 ? 'client' : null);
    const what = this.#below(12);
    if (what < 3) this.#ask(service.hold(NAME, owner, { waitMs: 0, signal: new AbortController().signal }));
    else if (what < 6)
      this.#ask(service.hold(NAME, owner, { waitMs: 1 + this.#below(2 * TTL_MS), signal: this.#gone() }));
    else if (what === 6) this.#ask(service.release(NAME, owner));
    else if (what === 7) backend.isCutOff = this.#below(2) === 0;
    else if (what === 8) this.#holdBack(backend, HELD_BACK[this.#below(3)]!);
    else if (what === 9) this.#answers.shift()?.();
    else if (what === 10) this.time.stall(this.#below(TTL_MS));
    else for (let ms = this.#below(TTL_MS); ms > 0; ms -= 97) await this.#pass(Math.min(97, ms));
    if (this.#below(2) === 0) await settled();
    this.check();
  }

  /** At most one believes that it holds, by a token that only grows. */
  check(): void {
    const held = this.services.flatMap((service) => service.held());
    expect(held.length).toBeLessThanOrEqual(1);
    for (const { token, owner } of held) {
      expect(token).toBeGreaterThanOrEqual(this.#last.token);
      if (token === this.#last.token) expect(owner).toBe(this.#last.owner);
      this.#last = { token, owner };
    }
  }

  heal(): void {
    for (const backend of this.backends) backend.isCutOff = false;
    for (const answer of this.#answers) answer();
  }

  async #pass(ms: number): Promise<void> {
    await this.time.pass(ms);
    this.check();
  }

  #ask(answer: Promise<unknown>): void {
    this.asked.add(answer);
    void answer.finally(() => this.asked.delete(answer));
  }

  #gone(): AbortSignal {
    const aborting = new AbortController();
    if (this.#below(3) === 0) this.time.after(this.#below(TTL_MS), () => aborting.abort());
    return aborting.signal;
  }

  #holdBack({ heldBack }: CutOffBackend, what: (typeof HELD_BACK)[number]): void {
    const held = new Promise<void>((resolve) => {
      this.#answers.push(() => {
        if (heldBack[what] === held) delete heldBack[what];
        resolve();
      });
    });
    heldBack[what] = held;
  }

  #below(n: number): number {
    return randomBelow(this.#random, n);
  }
}

it.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
  'one sidecar at a time holds, and nothing is left behind in the end (seed %i)',
  async (seed) => {
    const world = new World(seed);

    for (let i = 0; i < STEPS; i++) await world.step();
    world.heal();
    await world.time.pass(10 * TTL_MS);

    expect([world.asked.size, ...world.services.map(({ known }) => known)]).toEqual([0, 0, 0, 0]);
    const sync = await connect(world.shared);
    expect(await sync.lock('x').tryAcquire()).not.toBeNull();
    await Promise.all([sync.close(), ...world.services.map((service) => service.close())]);
    await world.time.pass(10 * TTL_MS);
    expect(world.time.isIdle).toBe(true);
  },
);
