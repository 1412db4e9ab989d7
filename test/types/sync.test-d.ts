/** What locks and elections look like to the compiler. */

import { object, type RemoteOf, type Runtime } from 'conclave';
import { ReplCounter, ReplLockManager } from 'conclave/objects';
import { connect, memory, raft, type Held, type Leader } from 'conclave/sync';
import { expectEqual } from './equal.js';

const definitions = { hits: ReplCounter, locks: object(ReplLockManager, { autoUnlockMs: 30_000 }) };

export async function locks(runtime: Runtime<typeof definitions>): Promise<void> {
  const sync = await connect(raft(runtime));
  await connect(memory());
  const maybe = await sync.lock('x').tryAcquire();
  expectEqual<typeof maybe, Held | null>(true);
  const result = await sync.lock('x', { ttlMs: 1_000, mode: 'shared' }).withLock((held) => held.token);
  expectEqual<typeof result, bigint>(true);
  for await (const leader of sync.election('x', { id: 'me' }).observe()) {
    expectEqual<typeof leader, Leader | null>(true);
  }

  // @ts-expect-error: no such mode
  sync.lock('x', { mode: 'read' });
  // @ts-expect-error: how many?
  sync.semaphore('x');
  // @ts-expect-error: who?
  sync.election('x', {});
  // @ts-expect-error: a token is a bigint
  const token: number = maybe!.token;
  void token;
}

export async function ofANode(manager: RemoteOf<ReplLockManager>): Promise<void> {
  const isTaken = await manager.tryAcquire('x');
  expectEqual<typeof isTaken, boolean>(true);
  const isHeld = await manager.isAcquired('x');
  expectEqual<typeof isHeld, boolean>(true);
  await manager.release('x');

  // @ts-expect-error: milliseconds are a number
  object(ReplLockManager, { autoUnlockMs: '30s' });
}
