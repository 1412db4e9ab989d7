/**
 * One of three nodes whose disk refuses to work: it fails with `ERR_STORAGE`, says so to everybody who waits for it,
 * and has acknowledged nothing that is not so; the others go on. With a disk that works again it comes back. A disk
 * that refuses a snapshot only costs that snapshot. `NODE_FAILING_SEEDS=n` looks at as many histories,
 * `NODE_FAILING_SEED=n` replays one.
 */

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { randomBelow } from '../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { errorOf } from '../../actors/replicated/error-of.js';
import { ClusterLoad } from './support/cluster-load.js';
import { ClusterWitness } from './support/cluster-witness.js';
import { JournalHost, type JournalRuntime, type JournalNode } from './support/journal-host.js';

const TIMEOUT_MS = 3_600_000;
const only = process.env['NODE_FAILING_SEED'];
const count = only === undefined ? Number(process.env['NODE_FAILING_SEEDS'] ?? 6) : 1;
const first = only === undefined ? 1 : Number(only);

const MEMBERS = ['a:1', 'b:1', 'c:1'] as const;
const OPTIONS = { callTimeoutMs: 300, snapshot: { entries: 40, bytes: 16 * 1024 } } as const;
/** Of virtual time. */
const QUIET_MS = 300;
const FAIL_WITHIN = 20;
const FAILED_WITHIN_MS = 5_000;
const SPARE_BYTES = 20_000;
const AGREE_TIMEOUT_MS = 20_000;

type Trouble = 'EIO' | 'ENOSPC once' | 'ENOSPC for good';
const TROUBLES: readonly Trouble[] = ['EIO', 'ENOSPC once', 'ENOSPC for good'];

class FailingDisk {
  readonly #host: JournalHost;
  readonly #witness = new ClusterWitness();
  readonly #disks: SimulatedDisk[];
  readonly #others: ClusterLoad;
  readonly #nodes: JournalNode[] = [];

  constructor(seed: number) {
    this.#host = new JournalHost(seed, MEMBERS);
    this.#disks = MEMBERS.map(() => new SimulatedDisk(this.#host.dice.uint32()));
    this.#others = new ClusterLoad(this.#host, this.#witness, ['ERR_TIMEOUT', 'ERR_NO_LEADER', 'ERR_RESULT_LOST']);
  }

  run(): Promise<void> {
    return this.#host.runTest(async () => {
      const starting = MEMBERS.map((self, i) => this.#host.startMember(self, this.#disks[i]!, OPTIONS));
      this.#nodes.push(...(await Promise.all(starting)));
      const broken = randomBelow(this.#host.dice, MEMBERS.length);
      for (const [i, node] of this.#nodes.entries()) if (i !== broken) this.#others.join(node);
      await this.#host.sleep(QUIET_MS);
      await this.#breakDisk(this.#nodes[broken]!, this.#disks[broken]!);
      await this.#othersGoOn(broken);
      await this.#mend(broken);
      await this.#others.end();
      await this.#agree();
      for (const node of this.#nodes) await this.#host.stop(node);
      assert.deepEqual(
        this.#nodes.flatMap(({ errors }) => errors),
        [],
        'no other node has failed',
      );
    });
  }

  /** Troubles the disk until the node fails, and checks what everybody is told then. */
  async #breakDisk(node: JournalNode, disk: SimulatedDisk): Promise<void> {
    const { dice: random } = this.#host;
    const users = new ClusterLoad(this.#host, this.#witness, [
      'ERR_STORAGE',
      'ERR_COMPACTION_FAILED',
      'ERR_TIMEOUT',
      'ERR_NO_LEADER',
      'ERR_RESULT_LOST',
    ]);
    users.join(node);
    const trouble = TROUBLES[randomBelow(random, TROUBLES.length)]!;
    const failsAtMs = this.#host.simulation.nowMs() + FAILED_WITHIN_MS;
    if (trouble === 'ENOSPC for good') disk.limitSpace(takenBytes(disk) + randomBelow(random, SPARE_BYTES));
    while (node.runtime!.status().health !== 'failed') {
      assert(this.#host.simulation.nowMs() < failsAtMs, `the node fails, and does not: ${trouble}`);
      assert.deepEqual(node.errors, [], 'who goes on has no error');
      if (trouble !== 'ENOSPC for good') {
        disk.failAt(disk.operations + 1 + randomBelow(random, FAIL_WITHIN), trouble === 'EIO' ? 'EIO' : 'ENOSPC');
      }
      await this.#host.sleep(10);
    }
    const codes = node.errors.map((error) => (error as { code?: string }).code);
    assert.deepEqual(codes, ['ERR_STORAGE'], 'the runtime says why, once');
    const { journal } = node.runtime!.objects;
    for (const call of [() => journal.append(0, ''), () => journal.all(), () => node.runtime!.compact()]) {
      const error = await errorOf(call);
      assert.equal((error as { code?: string }).code, 'ERR_STORAGE', 'later calls are told the same');
    }
    await users.end();
    await this.#host.stop(node);
    assert.equal(disk.openFiles, 0, 'a node that has failed leaves no file open');
  }

  /** Each of the others still has its commands done. */
  async #othersGoOn(broken: number): Promise<void> {
    const before = this.#witness.acknowledged;
    await this.#host.sleep(2 * QUIET_MS);
    assert(this.#witness.acknowledged > before + 10, 'the others go on');
    for (const [i, { runtime }] of this.#nodes.entries()) {
      if (i !== broken) assert.equal(runtime!.status().health, 'ok');
    }
  }

  async #mend(broken: number): Promise<void> {
    const disk = this.#disks[broken]!;
    const { dice: random } = this.#host;
    const mended = randomBelow(random, 2) === 0 ? disk.afterProcessDeath() : disk.afterPowerLoss(random.uint32());
    mended.limitSpace(Number.POSITIVE_INFINITY);
    this.#nodes[broken] = await this.#host.startMember(MEMBERS[broken]!, mended, OPTIONS);
    this.#others.join(this.#nodes[broken]);
    await this.#nodes[broken].runtime!.caughtUp({ timeoutMs: AGREE_TIMEOUT_MS });
    await this.#host.sleep(QUIET_MS);
  }

  async #agree(): Promise<void> {
    const runtimes: JournalRuntime[] = this.#nodes.map(({ runtime }) => runtime!);
    await Promise.all(runtimes.map((runtime) => runtime.caughtUp({ timeoutMs: AGREE_TIMEOUT_MS })));
    const [one, ...more] = await Promise.all(
      runtimes.map((runtime) => runtime.objects.journal.with({ consistency: 'local' }).all()),
    );
    this.#witness.found(one!);
    for (const other of more) assert.deepEqual(other, one, 'all nodes have the same');
  }
}

function takenBytes(disk: SimulatedDisk): number {
  let bytes = 0;
  for (const content of disk.files().values()) bytes += 512 * Math.ceil(content.length / 512);
  return bytes;
}

test.each(Array.from({ length: count }, (_, i) => first + i))(
  'a disk that fails takes its node along, and nobody else (NODE_FAILING_SEED=%i)',
  (seed) => new FailingDisk(seed).run(),
  TIMEOUT_MS,
);
