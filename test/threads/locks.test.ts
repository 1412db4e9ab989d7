/** Locks where the lock manager lives on a thread of its own, on clusters that talk over TCP. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, raft } from 'conclave/sync';
import { ReplLockManager } from 'conclave/objects';
import { LocalCluster } from 'conclave/testing';

const objects = { locks: ReplLockManager };

describe('locks on threads', () => {
  let cluster: LocalCluster<typeof objects>;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ objects, threads: true });
    await cluster.ready();
  });

  afterAll(() => cluster.stop());

  it('are handed from node to node, first come first served', async () => {
    const syncs = await Promise.all(cluster.nodes.map((node) => connect(raft(node))));
    const rounds = 50;
    let holders = 0;
    const tokens: bigint[] = [];

    await Promise.all(
      syncs.map(async (sync) => {
        for (let round = 0; round < rounds; round++) {
          await sync.lock('x').withLock(async (held) => {
            expect(++holders).toBe(1);
            tokens.push(held.token);
            await cluster.nodes[0]!.objects.locks.with({ consistency: 'local' }).look('lock/x');
            holders--;
          });
        }
      }),
    );

    expect(tokens).toHaveLength(syncs.length * rounds);
    expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)));
  });

  it('outlast a leader that stops in order, and pass on when their holder does', async () => {
    const leader = await cluster.leader();
    const [mine, theirs] = cluster.nodes.filter((node) => node !== leader);
    expect(await mine!.objects.locks.tryAcquire('y')).toBe(true);
    const next = (await connect(raft(theirs!))).lock('y').acquire();

    await leader.stop();
    expect(await theirs!.objects.locks.tryAcquire('y')).toBe(false);
    expect(await mine!.objects.locks.isAcquired('y')).toBe(true);
    await mine!.objects.locks.release('y');

    expect((await next).held).toBe(true);
  });
});
