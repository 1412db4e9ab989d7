/**
 * Real processes with data directories, one after the other put in the place of those that founded the cluster, under
 * load and with kills at the worst moments: nothing acknowledged is lost, nothing is doubled, each change is made once.
 */

import { expect, test } from 'vitest';
import type { NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';
import { diceOf, seeds, type Dice } from './support/seed.js';

const LOAD = { window: 50, burst: 5, everyMs: 5, timeoutMs: 8_000 };
/** Soon enough that whoever joins needs a snapshot. */
const SETTINGS = { dataDirs: true, snapshot: { bytes: 50_000 }, limits: { segmentBytes: 128 * 1024 } } as const;
const CHANGE_TIMEOUT_MS = 30_000;
const RECOVERY_MS_MAX = 30_000;
const SETTLE_TIMEOUT_MS = 10_000;

interface Change {
  readonly add: string | null;
  readonly remove: string | null;
}

/**
 * Asks any node but the leader and the one that goes, and sees to it that the leader dies while two sets of voters
 * count; or, should that time have passed unseen or another one lead by then, when the change is made.
 */
async function changeAndKillLeader(cluster: ProcessCluster, dice: Dice, change: Change): Promise<void> {
  const leader = await cluster.leader(RECOVERY_MS_MAX);
  const { members } = await leader.call('status', null);
  const others = cluster.living.filter(({ address }) => address !== leader.address && address !== change.remove);
  const asked = dice.pick(others.filter(({ address }) => members.some(({ id }) => id === address)));
  const changing = members.filter(({ id, role }) => role === 'voter' && id !== change.remove).map(({ id }) => id);
  if (change.add !== null) await leader.call('dieWhen', { voters: [...changing, change.add] });

  const done = asked.call('changeMembers', { ...change, timeoutMs: CHANGE_TIMEOUT_MS }, 2 * CHANGE_TIMEOUT_MS);
  // Without a vote more, nothing tells when that is: just after it has been asked for.
  if (change.add === null) await cluster.untilAppended(5, RECOVERY_MS_MAX);
  else await Promise.race([leader.ended, done]);
  await leader.kill();
  const again = await cluster.revive(leader.address);
  if (leader.address !== change.remove) await cluster.startLoad(LOAD, [again]);

  expect(await done).toBeNull();
}

async function membersOf(node: NodeProcess): Promise<string[]> {
  const { members } = await node.call('status', null);
  return members.map(({ id, role }) => `${id} ${role}`);
}

function votersOf(nodes: readonly NodeProcess[]): string[] {
  return nodes.map(({ address }) => `${address} voter`).toSorted();
}

test.each(seeds(1))(
  'all members are replaced, one at a time, under load and kills (seed %i)',
  { timeout: 180_000 },
  async (seed) => {
    const dice = diceOf(seed);
    const cluster = await ProcessCluster.start(3, SETTINGS);
    const founders = [...cluster.nodes];
    const [a, b, c] = founders as [NodeProcess, NodeProcess, NodeProcess];
    await cluster.startLoad(LOAD);
    await cluster.untilAppended(4_000, RECOVERY_MS_MAX);
    await cluster.untilShortened(RECOVERY_MS_MAX);

    // The first one is killed while it is given its snapshot, and goes on when it is back.
    const d = await cluster.join([dice.pick(founders).address], { diesReceiving: true });
    const added = dice
      .pick(founders)
      .call('changeMembers', { add: d.address, remove: null, timeoutMs: CHANGE_TIMEOUT_MS }, 2 * CHANGE_TIMEOUT_MS);
    await Promise.race([d.ended, added.then(() => expect.unreachable('added without a snapshot'))]);
    await cluster.startLoad(LOAD, [await cluster.revive(d.address)]);
    expect(await added).toBeNull();

    const e = await cluster.join([dice.pick(founders).address]);
    await changeAndKillLeader(cluster, dice, { add: e.address, remove: null });
    await cluster.startLoad(LOAD, [e]);
    const f = await cluster.join([d.address]);
    await changeAndKillLeader(cluster, dice, { add: f.address, remove: c.address });
    await cluster.startLoad(LOAD, [f]);
    await cluster.untilStopped(cluster.node(c.address), RECOVERY_MS_MAX);
    for (const { address } of [a, b]) {
      await changeAndKillLeader(cluster, dice, { add: null, remove: address });
      await cluster.untilStopped(cluster.node(address), RECOVERY_MS_MAX);
    }

    await cluster.leader(RECOVERY_MS_MAX);
    await cluster.untilAppended(500, RECOVERY_MS_MAX);
    await cluster.stopLoad(SETTLE_TIMEOUT_MS);
    expect(await cluster.complaints()).toEqual([]);
    const { count } = await cluster.agreedSummary();
    for (const node of cluster.living) expect(await membersOf(node)).toEqual(votersOf([d, e, f]));

    // The options are those of old: who the members are is on the disks.
    await Promise.all(cluster.living.map((node) => node.stop()));
    await Promise.all([d, e, f].map(({ address }) => cluster.revive(address)));
    await cluster.leader(RECOVERY_MS_MAX);
    await cluster.untilStopped(await cluster.revive(a.address), RECOVERY_MS_MAX);
    expect(await cluster.node(e.address).call('append', { caller: 'last', number: 1, timeoutMs: 8_000 })).toBe(
      count + 1,
    );
    for (const node of cluster.living) expect(await membersOf(node)).toEqual(votersOf([d, e, f]));
  },
);
