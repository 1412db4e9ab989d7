/**
 * Those who use the nodes of a cluster while it suffers: on each node some write, one reads, and one has snapshots
 * taken. What they are told goes to a witness; what they should never be told ends them, and is thrown at the end.
 */

import { ConclaveError, type ErrorCode } from '../../../../../src/errors.js';
import { randomBelow } from '../../../../../src/runtime/random.js';
import type { ClusterWitness } from './cluster-witness.js';
import type { JournalHost, JournalNode } from './journal-host.js';

const WRITERS = 2;
const BURST_MAX = 4;
const FILLER_BYTES_MAX = 600;
const WRITE_EVERY_MS_MAX = 20;
const READ_EVERY_MS_MAX = 100;
const COMPACT_EVERY_MS_MAX = 200;

export class ClusterLoad {
  readonly #host: JournalHost;
  readonly #witness: ClusterWitness;
  readonly #expectedCodes: ReadonlySet<ErrorCode>;
  readonly #nodes = new Set<JournalNode>();
  readonly #users: Promise<void>[] = [];
  #problem: unknown = null;

  /** `expectedCodes`: what users may be told. */
  constructor(host: JournalHost, witness: ClusterWitness, expectedCodes: readonly ErrorCode[]) {
    this.#host = host;
    this.#witness = witness;
    this.#expectedCodes = new Set(expectedCodes);
  }

  /** Has a node that has started be used, until `leave`. */
  join(node: JournalNode): void {
    const { objects } = node.runtime!;
    const nextId = this.#witness.newLife();
    this.#nodes.add(node);
    for (let i = 0; i < WRITERS; i++) this.#use(node, () => this.#write(node, nextId), WRITE_EVERY_MS_MAX);
    this.#use(node, () => this.#read(() => objects.journal.all()), READ_EVERY_MS_MAX);
    this.#use(node, async () => void (await node.runtime!.compact()), COMPACT_EVERY_MS_MAX);
  }

  leave(node: JournalNode): void {
    this.#nodes.delete(node);
  }

  /** Resolves when nobody uses any node any more; rejects with what somebody should not have been told. */
  async end(): Promise<void> {
    this.#nodes.clear();
    await Promise.all(this.#users);
    if (this.#problem !== null) throw this.#problem;
  }

  #use(node: JournalNode, act: () => Promise<void>, everyMsMax: number): void {
    const user = async (): Promise<void> => {
      while (this.#nodes.has(node)) {
        await act().catch((error: unknown) => this.#check(error));
        await this.#host.sleep(randomBelow(this.#host.dice, everyMsMax));
      }
    };
    this.#users.push(user().catch((error: unknown) => void (this.#problem ??= error)));
  }

  async #write(node: JournalNode, nextId: () => number): Promise<void> {
    const { dice: random } = this.#host;
    const count = 1 + randomBelow(random, BURST_MAX);
    const filler = 'x'.repeat(randomBelow(random, FILLER_BYTES_MAX));
    const answers = Array.from({ length: count }, async () => {
      const id = nextId();
      try {
        this.#witness.answered(id, await node.runtime!.objects.journal.append(id, filler));
      } catch (error) {
        this.#witness.failed(id, error);
        throw error;
      }
    });
    for (const answer of await Promise.allSettled(answers))
      if (answer.status === 'rejected') this.#check(answer.reason);
  }

  async #read(all: () => Promise<number[]>): Promise<void> {
    const check = this.#witness.beforeRead();
    check(await all());
  }

  #check(error: unknown): void {
    if (!(error instanceof ConclaveError) || !this.#expectedCodes.has(error.code)) throw error;
  }
}
