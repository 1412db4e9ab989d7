/**
 * Three processes compete for a lock, and add to a register that the test keeps, while they are killed, stand still,
 * are cut off, have clocks that jump, and leaders that change: never do two of them hold at a time, as far as they can
 * know, tokens increase, and what fencing tokens guard is changed by one after another. Without the tokens it is not,
 * which shows that the test would notice.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ContestedRegister } from './support/contested-register.js';
import { CallFailed, type NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';
import { diceOf, seeds, type Dice } from './support/seed.js';

const CONTEST = { name: 'register', ttlMs: 700, usesMax: 40, standsStillUntil: null } as const;
const TROUBLE_MS = 18_000;
const PAUSE_MS = [100, 1_300] as const;
/** Up to more than twice the TTL, and less than a peer takes to dial by itself, where it is for the other one to do. */
const FREEZE_MS = [20, 1_900] as const;
const SHUT_MS = [20, 1_900] as const;
const AWAY_MS = [0, 700] as const;
const JUMP_MS = [1, 5_000] as const;
const TRANSFER_TIMEOUT_MS = 5_000;
/** An election, the end of a session, and a busy machine. */
const RECOVERY_MS_MAX = 15_000;
const TURN_MS_MAX = 10_000;
const STOP_MS_MAX = 10_000;

/** `away`: the nodes that are dead, or being started. */
type Trouble = (cluster: ProcessCluster, dice: Dice, away: Set<string>, register: ContestedRegister) => Promise<void>;

const TROUBLES: readonly Trouble[] = [
  async function freeze({ nodes }, dice, away) {
    const node = dice.pick(nodes);
    const freezeMs = dice.between(...FREEZE_MS);
    if (node.isFrozen || away.has(node.address)) return;
    node.freeze();
    await delay(freezeMs);
    node.thaw();
  },
  async function freezeHolder(cluster, dice, away, { holders }) {
    const node = cluster.node(holders.at(-1) ?? cluster.nodes[0]!.address);
    const freezeMs = dice.between(CONTEST.ttlMs, FREEZE_MS[1]);
    if (node.isFrozen || away.has(node.address)) return;
    node.freeze();
    await delay(freezeMs);
    node.thaw();
  },
  async function kill(cluster, dice, away) {
    const { address } = dice.pick(cluster.nodes);
    const awayMs = dice.between(...AWAY_MS);
    if (away.has(address)) return;
    away.add(address);
    await cluster.node(address).kill();
    await delay(awayMs);
    await cluster.startContest(CONTEST, [await cluster.revive(address)]);
    away.delete(address);
  },
  async function shut({ relays }, dice) {
    const relay = dice.pick(relays);
    const shutMs = dice.between(...SHUT_MS);
    relay.shut();
    await delay(shutMs);
    relay.open();
  },
  async function jumpClock({ nodes }, dice, away) {
    const node = dice.pick(nodes);
    const aheadMs = dice.between(...JUMP_MS);
    if (!away.has(node.address)) await unlessKilled(node.call('jumpClock', aheadMs));
  },
  async function transferLeadership({ living }, dice, away) {
    const node = dice.pick(living.length === 0 ? [null] : living);
    // One that does not lead says so.
    if (node !== null && !away.has(node.address)) {
      await unlessKilled(node.call('transferLeadership', null, TRANSFER_TIMEOUT_MS));
    }
  },
];

async function unlessKilled(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
  }
}

test.each(seeds(1))(
  'a register guarded by tokens is changed by one holder after another, whatever happens to them (seed %i)',
  { timeout: 90_000 },
  async (seed) => {
    const dice = diceOf(seed);
    const register = new ContestedRegister({ isGuarded: true });
    const cluster = await ProcessCluster.start(3, { relays: true, dataDirs: true, register });
    await cluster.startContest(CONTEST, cluster.nodes);

    const away = new Set<string>();
    const troubles: Promise<void>[] = [];
    const endMs = performance.now() + TROUBLE_MS;
    const next: Trouble[] = [];
    while (performance.now() < endMs) {
      // All kinds as often, in whatever order.
      if (next.length === 0) next.push(...TROUBLES);
      const [trouble] = next.splice(dice.between(0, next.length), 1);
      troubles.push(trouble!(cluster, dice, away, register));
      await delay(dice.between(...PAUSE_MS));
    }
    await Promise.all(troubles);

    await cluster.leader(RECOVERY_MS_MAX);
    const before = register.holders.length;
    const hadTurns = (): boolean => new Set(register.holders.slice(before)).size === cluster.nodes.length;
    await cluster.until(hadTurns, 'each node has held the lock since the last trouble', TURN_MS_MAX);
    await cluster.stopContest(STOP_MS_MAX);
    expect([...register.complaints(), ...cluster.nodeComplaints()]).toEqual([]);
    // It was as it should be: they have held in turn, and not only at the end.
    expect(register.accepted).toBeGreaterThan(100);
    expect(before).toBeGreaterThan(5);
  },
);

test.each([
  { form: 'is refused', isGuarded: true },
  { form: 'is let in where no token is checked, and found', isGuarded: false },
])('a write of one that stood still after it had looked $form', { timeout: 60_000 }, async ({ isGuarded }) => {
  const register = new ContestedRegister({ isGuarded });
  const cluster = await ProcessCluster.start(3, { register });
  const leader = await cluster.leader();
  const [stalled, other] = cluster.nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess];
  const gate = join(temporaryDirectory(), 'go on');

  await cluster.startContest({ ...CONTEST, standsStillUntil: gate }, [stalled]);
  await cluster.until(() => register.holders.length === 1, `${stalled.address} holds`, TURN_MS_MAX);
  await cluster.startContest(CONTEST, [other]);
  await cluster.until(() => register.accepted > 0, `${other.address} writes`, TURN_MS_MAX);
  const usesBefore = register.usesOf(stalled.address);
  writeFileSync(gate, '');
  await cluster.until(() => register.usesOf(stalled.address) > usesBefore, `${stalled.address} goes on`, TURN_MS_MAX);

  await Promise.all([stalled, other].map((node) => node.call('stopContest', null, STOP_MS_MAX)));
  expect(cluster.nodeComplaints()).toEqual([]);
  if (isGuarded) expect([register.refused, register.complaints()]).toEqual([1, []]);
  else expect(register.complaints()).toContainEqual(expect.stringMatching(/is stale$/));
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
