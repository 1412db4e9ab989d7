/**
 * Three nodes under load, each of which lives and dies by itself: in order, in the middle of something, or without what
 * it has not synced; at times one loses its disk. In the end all must live and agree.
 */

import assert from 'node:assert/strict';
import type { ErrorCode } from '../../../../../src/errors.js';
import { randomBelow, type Random } from '../../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import { ClusterLoad } from './cluster-load.js';
import { ClusterWitness } from './cluster-witness.js';
import { JournalHost, type JournalNode } from './journal-host.js';

/** What has happened in a run. */
export interface ClusterRun {
  readonly deaths: number;
  readonly acknowledged: number;
}

interface Member {
  readonly self: string;
  disk: SimulatedDisk;
  /** Null: it is not there, or starts. */
  node: JournalNode | null;
}

const MEMBERS = ['a:1', 'b:1', 'c:1'] as const;
/** Snapshots are taken all the time, and followers that were away are given them. */
const OPTIONS = { callTimeoutMs: 300, snapshot: { entries: 40, bytes: 16 * 1024 } } as const;
const LIFE_MS_MAX = 500;
const AWAY_MS_MAX = 200;
/** A crash comes within so many operations of the disk, or else the process dies. */
const CRASH_WITHIN = 60;
const CRASH_WITHIN_MS = 300;
/** One life in so many ends with the loss of the disk, and another one while it begins. */
const WIPE_IN = 8;
const CRASH_AT_START_IN = 4;
/** For a cluster without faults to take in again who has lost its memory. */
const CALM_MS = 500;
const AGREE_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 10;
const NEVER = Number.POSITIVE_INFINITY;
/** What calls may be told while nodes come and go. */
const EXPECTED_CODES: readonly ErrorCode[] = [
  'ERR_STOPPED',
  'ERR_TIMEOUT',
  'ERR_NO_LEADER',
  'ERR_RESULT_LOST',
  'ERR_COMPACTION_FAILED',
];

export class CrashingCluster {
  readonly #host: JournalHost;
  readonly #random: Random;
  readonly #witness = new ClusterWitness();
  readonly #members: readonly Member[];
  readonly #load: ClusterLoad;
  #deaths = 0;
  /** Somebody has lost its disk: until it counts again, nobody else is to die. */
  #isCalm = false;
  #isOver = false;

  constructor(seed: number) {
    this.#host = new JournalHost(seed, MEMBERS);
    this.#random = this.#host.dice;
    this.#load = new ClusterLoad(this.#host, this.#witness, EXPECTED_CODES);
    this.#members = MEMBERS.map((self) => ({ self, disk: new SimulatedDisk(this.#random.uint32()), node: null }));
  }

  run(durationMs: number): Promise<ClusterRun> {
    return this.#host.runTest(async () => {
      const lives = Promise.all(this.#members.map((member) => this.#live(member)));
      await Promise.race([this.#host.sleep(durationMs), lives]);
      this.#isOver = true;
      await lives;
      await this.#load.end();
      await this.#agree();
      await Promise.all(this.#members.map((member) => this.#stop(member)));
      await Promise.all(this.#members.map((member) => this.#start(member)));
      await this.#agree();
      await Promise.all(this.#members.map((member) => this.#stop(member)));
      return { deaths: this.#deaths, acknowledged: this.#witness.acknowledged };
    });
  }

  /** The lives of one member. The last one goes on. */
  async #live(member: Member): Promise<void> {
    for (;;) {
      if (this.#isOneIn(CRASH_AT_START_IN) && !this.#isCalm && !this.#isOver) this.#crashSoon(member);
      if (await this.#begin(member)) {
        await this.#host.sleep(randomBelow(this.#random, LIFE_MS_MAX));
        while (this.#isCalm && member.disk.crash === null) await this.#host.sleep(LOOK_EVERY_MS);
        if (member.disk.crash !== null) {
          this.#leaveDisk(member);
        } else if (this.#isOver) {
          member.disk.crashAt(NEVER);
          return;
        } else {
          await this.#die(member);
        }
      }
      this.#deaths += 1;
      await this.#host.sleep(randomBelow(this.#random, AWAY_MS_MAX));
    }
  }

  /** Returns whether the node has started; if not, its disk has crashed. */
  async #begin(member: Member): Promise<boolean> {
    try {
      await this.#start(member);
    } catch (error) {
      if (member.disk.crash === null) throw error;
      this.#leaveDisk(member);
      return false;
    }
    this.#load.join(member.node!);
    return true;
  }

  async #die(member: Member): Promise<void> {
    const node = member.node!;
    assert.deepEqual(node.errors, [], 'nothing has failed before');
    if (this.#isOneIn(WIPE_IN) && !this.#isCalm) return this.#wipe(member);
    if (this.#isOneIn(4)) return this.#stop(member);
    if (this.#isOneIn(4)) {
      this.#host.kill(node);
    } else {
      this.#crashSoon(member);
      const untilMs = this.#host.simulation.nowMs() + CRASH_WITHIN_MS;
      while (member.disk.crash === null && this.#host.simulation.nowMs() < untilMs) await this.#host.sleep(1);
      this.#host.kill(node);
    }
    this.#leaveDisk(member);
  }

  /** The node loses its disk, and joins again before anybody else dies. */
  async #wipe(member: Member): Promise<void> {
    this.#isCalm = true;
    this.#host.kill(member.node!);
    this.#leaveDisk(member);
    member.disk = new SimulatedDisk(this.#random.uint32());
    await this.#host.sleep(randomBelow(this.#random, AWAY_MS_MAX));
    assert(await this.#begin(member), 'nothing crashes it');
    await this.#areWell();
    await this.#host.sleep(CALM_MS);
    this.#isCalm = false;
    await this.#stop(member);
  }

  #crashSoon({ disk }: Member): void {
    disk.crashAt(disk.operations + 1 + randomBelow(this.#random, CRASH_WITHIN));
  }

  /** What the next life finds. */
  #leaveDisk(member: Member): void {
    const { disk } = member;
    this.#leave(member);
    member.disk = this.#isOneIn(3) ? disk.afterProcessDeath() : disk.afterPowerLoss(this.#random.uint32());
  }

  async #start(member: Member): Promise<void> {
    member.node = await this.#host.startMember(member.self, member.disk, OPTIONS);
  }

  #leave(member: Member): void {
    if (member.node !== null) this.#load.leave(member.node);
    member.node = null;
  }

  async #stop(member: Member): Promise<void> {
    const node = member.node!;
    this.#leave(member);
    await this.#host.stop(node);
    assert.deepEqual(node.errors, [], 'nothing has failed');
    assert.equal(member.disk.openFiles, 0, 'no file is left open');
  }

  /** Waits until all nodes have a leader and have caught up with it. */
  async #areWell(): Promise<void> {
    const untilMs = this.#host.simulation.nowMs() + AGREE_TIMEOUT_MS;
    const health = (): string[] => this.#members.map(({ node }) => node?.runtime?.status().health ?? 'away');
    while (health().some((each) => each !== 'ok')) {
      assert(this.#host.simulation.nowMs() < untilMs, `the nodes get well, and are ${health().join(', ')}`);
      await this.#host.sleep(LOOK_EVERY_MS);
    }
  }

  async #agree(): Promise<void> {
    await this.#areWell();
    const runtimes = this.#members.map(({ node }) => node!.runtime!);
    await Promise.all(runtimes.map((runtime) => runtime.caughtUp({ timeoutMs: AGREE_TIMEOUT_MS })));
    const local = runtimes.map((runtime) => runtime.objects.journal.with({ consistency: 'local' }).all());
    const [first, ...others] = await Promise.all(local);
    this.#witness.found(first!);
    for (const other of others) assert.deepEqual(other, first, 'all nodes have the same');
  }

  #isOneIn(count: number): boolean {
    return randomBelow(this.#random, count) === 0;
  }
}
