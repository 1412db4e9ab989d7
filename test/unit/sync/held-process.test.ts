/** What keeps a process alive that waits for locks and elections of another process, in a time that the test owns. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { Timekeeper } from '../../../src/runtime/timekeeper.js';
import { connect, memory, type Sync, type SyncBackend } from '../../../src/sync/index.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { CutOffBackend } from './support/cut-off-backend.js';
import { ManualTime, settled } from './support/manual-time.js';

const TTL_MS = 1_000;

describe('a process lives on', () => {
  let time: ManualTime;
  let reasons: number;
  let shared: SyncBackend;
  let backend: CutOffBackend;
  let sync: Sync;
  let other: Sync;

  beforeEach(async () => {
    time = new ManualTime();
    reasons = 0;
    shared = memory(time);
    const timekeeper: Timekeeper = {
      clock: time.clock,
      after: (delayMs, run) => time.after(delayMs, run),
      holdProcess: () => {
        reasons++;
        return () => reasons--;
      },
    };
    backend = new CutOffBackend(shared, timekeeper);
    sync = await connect(backend);
    other = await connect(shared);
  });

  it('while it waits for its turn, whatever comes of it', async () => {
    const first = await other.lock('x').acquire();
    const aborting = new AbortController();
    const aborted = errorOf(() => sync.lock('x').acquire({ signal: aborting.signal }));
    const granted = sync.lock('x').acquire();
    await settled();
    expect(reasons).toBe(2);

    aborting.abort();
    await aborted;
    expect(reasons).toBe(1);
    await first.release();
    await granted;

    expect(reasons).toBe(0);
  });

  it('while it stands in an election that cannot be reached, and while it leads', async () => {
    backend.isCutOff = true;
    const stopping = new AbortController();
    const leads = (term: { readonly signal: AbortSignal }): Promise<void> =>
      new Promise((resolve) => term.signal.addEventListener('abort', () => resolve(), { once: true }));
    const running = sync.election('boss', { id: 'a', ttlMs: TTL_MS }).run(leads, { signal: stopping.signal });
    await time.pass(2 * TTL_MS);
    expect(reasons).toBe(1);
    backend.isCutOff = false;
    await time.pass(2 * TTL_MS);
    expect(reasons).toBe(1);

    stopping.abort();
    await running;

    expect(reasons).toBe(0);
  });

  it('while it reads who leads', async () => {
    const feed = sync.election('boss', { id: 'a' }).observe();
    await feed.next();
    expect(reasons).toBe(0);

    const [read, behind] = [feed.next(), feed.next()];
    expect(reasons).toBe(1);
    await other.election('boss', { id: 'b' }).campaign();
    await read;
    expect(reasons).toBe(1);
    await feed.return!();
    await behind;

    expect(reasons).toBe(0);
  });

  it('while it gives back what it holds, and cannot tell anybody', async () => {
    const held = await sync.lock('x', { ttlMs: TTL_MS }).acquire();
    backend.isCutOff = true;
    const released = held.release();
    await time.pass(TTL_MS / 2);
    expect(reasons).toBe(1);

    await time.pass(TTL_MS);
    await released;

    expect(reasons).toBe(0);
  });

  it('while it closes its connection', async () => {
    await sync.lock('x').acquire();
    let close: () => void = () => {};
    backend.heldBack.close = new Promise((resolve) => (close = resolve));
    const closed = sync.close();
    await settled();
    expect(reasons).toBe(1);

    close();
    await closed;

    expect(reasons).toBe(0);
  });
});
