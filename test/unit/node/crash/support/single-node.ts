/**
 * The life of a node that is a cluster of its own: a row of steps, from its start to its orderly end, or to the crash
 * of its disk. Each step is checked against a witness.
 */

import assert from 'node:assert/strict';
import type { Disk } from '../../../../../src/storage/disk.js';
import type { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import type { JournalWitness } from './journal-witness.js';
import type { JournalHost, JournalNode, JournalNodeOptions } from './journal-host.js';

export type Step =
  /** So many commands at once, with so many bytes each. */
  | { readonly type: 'append'; readonly count: number; readonly bytes: number }
  /** A snapshot, and so many commands while it is taken. */
  | { readonly type: 'compact'; readonly count: number }
  | { readonly type: 'restart' };

export const SELF = 'a:1';

const append = (count: number, bytes: number): Step => ({ type: 'append', count, bytes });
const compact = (count = 0): Step => ({ type: 'compact', count });
const RESTART: Step = { type: 'restart' };

/** Fills segments, takes snapshots with and without a load, and retires them and the log before them. */
export const HISTORY: readonly Step[] = [
  append(1, 10),
  append(1, 10),
  append(9, 900),
  compact(),
  append(6, 900),
  append(1, 6000),
  compact(3),
  append(5, 900),
  RESTART,
  append(4, 900),
  compact(),
  append(1, 10),
  RESTART,
  compact(2),
  append(2, 10),
];

/** A node works on. */
export const AFTERLIFE: readonly Step[] = [
  append(1, 10),
  append(5, 900),
  compact(1),
  RESTART,
  append(3, 10),
  compact(),
];

/** Runs a life to its orderly end. Returns whether the disk has crashed in it. */
export function live(
  host: JournalHost,
  disk: SimulatedDisk,
  witness: JournalWitness,
  steps: readonly Step[],
  options: JournalNodeOptions = {},
): Promise<boolean> {
  return host.runTest(async () => {
    try {
      const life = new Life(host, disk, witness, options);
      await life.begin();
      for (const step of steps) await life.take(step);
      await life.end();
      assert.equal(disk.openFiles, 0, 'a node that was stopped leaves no file open');
      return false;
    } catch (error) {
      if (disk.crash !== null) return true;
      throw error;
    }
  });
}

export class Life {
  readonly #host: JournalHost;
  readonly #disk: Disk;
  readonly #witness: JournalWitness;
  readonly #options: JournalNodeOptions;
  #node: JournalNode | null = null;

  constructor(host: JournalHost, disk: Disk, witness: JournalWitness, options: JournalNodeOptions = {}) {
    this.#host = host;
    this.#disk = disk;
    this.#witness = witness;
    this.#options = options;
  }

  async begin(): Promise<void> {
    this.#node = null;
    this.#node = await this.#host.startMember(SELF, this.#disk, this.#options);
    this.#witness.found(await this.#journal().all());
  }

  async take(step: Step): Promise<void> {
    switch (step.type) {
      case 'append':
        return this.#append(step.count, step.bytes);
      case 'compact':
        return this.#compact(step.count);
      case 'restart':
        await this.end();
        return this.begin();
    }
  }

  async end(): Promise<void> {
    this.#witness.found(await this.#journal().all());
    const { errors } = this.#node!;
    await this.#host.stop(this.#node!);
    if (errors.length > 0) throw errors[0]!;
  }

  /** Ends it, whatever state it is in, if it has started at all. */
  async abandon(): Promise<void> {
    if (this.#node !== null) await this.#host.stop(this.#node);
  }

  /** Ends it as the death of the process does. */
  kill(): void {
    this.#host.kill(this.#node!);
  }

  /** Rejects, if any does, when all have been answered. */
  async #append(count: number, bytes: number): Promise<void> {
    const answers = Array.from({ length: count }, async () => {
      const id = this.#witness.ask();
      this.#witness.acknowledged(id, await this.#journal().append(id, 'x'.repeat(bytes)));
    });
    for (const answer of await Promise.allSettled(answers)) if (answer.status === 'rejected') throw answer.reason;
  }

  async #compact(count: number): Promise<void> {
    const { runtime } = this.#node!;
    const before = runtime!.status().appliedIndex;
    const [index, answers] = await Promise.allSettled([runtime!.compact(), this.#append(count, 10)]);
    if (answers.status === 'rejected') throw answers.reason;
    if (index.status === 'rejected') throw index.reason;
    assert(index.value >= before, 'a snapshot has everything that was applied when it was asked for');
  }

  #journal(): NonNullable<JournalNode['runtime']>['objects']['journal'] {
    return this.#node!.runtime!.objects.journal;
  }
}
