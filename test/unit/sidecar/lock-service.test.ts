/** What requests about locks come to: with time that the test owns, and a back end that can be cut off. */

import { beforeEach, describe, expect, it } from 'vitest';
import { lockNameOf } from '../../../src/sidecar/lock-name.js';
import { LockService, type Outcome } from '../../../src/sidecar/lock-service.js';
import { PLACE_KEPT_MS } from '../../../src/sidecar/owned-lock.js';
import type { SightedBackend } from '../../../src/sync/backend.js';
import { memory } from '../../../src/sync/memory.js';
import { CutOffBackend } from '../sync/support/cut-off-backend.js';
import { ManualTime, settled } from '../sync/support/manual-time.js';

const TTL_MS = 30_000;
const HEARTBEAT_MS = 10_000;
const NAME = lockNameOf('x');
const onFailure = (): void => {};

describe('a sidecar', () => {
  let time: ManualTime;
  let shared: SightedBackend;
  let backend: CutOffBackend;
  let mine: LockService;
  let theirs: LockService;

  beforeEach(() => {
    time = new ManualTime();
    shared = memory(time);
    backend = new CutOffBackend(shared);
    mine = new LockService({ backend, identity: 'mine', ttlMs: TTL_MS, onFailure });
    theirs = new LockService({ backend: shared, identity: 'theirs', ttlMs: TTL_MS, onFailure });
  });

  function put(
    service: LockService,
    { waitMs = 0, client = null as string | null, signal = new AbortController().signal } = {},
  ): Promise<Outcome> {
    return service.hold(NAME, service.ownerOf(client), { waitMs, signal });
  }

  async function beat(service: LockService, times: number): Promise<boolean[]> {
    const held: boolean[] = [];
    for (let i = 0; i < times; i++) {
      await time.pass(HEARTBEAT_MS);
      held.push((await put(service)).isDone);
    }
    return held;
  }

  it('holds a lock for as long as its owner says that it is there', async () => {
    await put(mine);

    expect(await beat(mine, 12)).toEqual(new Array(12).fill(true));
    expect((await put(theirs)).isDone).toBe(false);
  });

  it('answers a heartbeat from memory', async () => {
    const { lock } = await put(mine);
    backend.isCutOff = true;

    const { isDone, lock: after } = await put(mine);

    expect([isDone, after.token]).toEqual([true, lock.token]);
  });

  it('gives a lock back when nothing was heard of its owner for a TTL, and does not renew it until then for nothing', async () => {
    await put(mine);
    await time.pass(TTL_MS - 1);
    expect((await put(theirs)).isDone).toBe(false);

    await time.pass(2);

    expect((await put(theirs)).isDone).toBe(true);
    expect(mine.held()).toEqual([]);
  });

  it('says of a lock of another one who has it, and of its own until when', async () => {
    const { lock } = await put(mine);

    const refused = await put(theirs);

    expect(lock).toMatchObject({ name: 'x', owner: 'mine', expiresAtMs: time.clock.wallMs() + 0.9 * TTL_MS });
    expect(refused.lock).toMatchObject({ owner: 'mine', token: lock.token });
  });

  it('knows for ever that a lock was there', async () => {
    expect(await theirs.get(NAME)).toBeNull();
    await put(mine);
    await mine.release(NAME, 'mine');

    expect([await mine.get(NAME), await theirs.get(NAME)]).toMatchObject([{ owner: '' }, { owner: '' }]);
  });

  it('tells holders apart that say who they are', async () => {
    await put(mine, { client: 'a' });

    expect((await put(mine, { client: 'b' })).isDone).toBe(false);
    expect((await put(mine)).isDone).toBe(false);
    expect((await put(mine, { client: 'a' })).lock.owner).toBe('mine/a');
  });

  it('that has begun anew has what it held, although others wait, and with a new token', async () => {
    const { lock: before } = await put(mine);
    const waiting = put(theirs, { waitMs: TTL_MS });
    await settled();
    backend.isCutOff = true;

    const restarted = new LockService({ backend: shared, identity: 'mine', ttlMs: TTL_MS, onFailure });
    const { isDone, lock } = await put(restarted);

    expect([isDone, lock.token > before.token]).toEqual([true, true]);
    expect(await beat(restarted, 3)).toEqual([true, true, true]);
    expect((await waiting).isDone).toBe(false);
  });

  it('says that another one goes by its identity, which takes what it holds', async () => {
    const said: unknown[] = [];
    const first = new LockService({
      backend: shared,
      identity: 'vm',
      ttlMs: TTL_MS,
      onFailure: (error) => said.push(error),
    });
    const second = new LockService({ backend: shared, identity: 'vm', ttlMs: TTL_MS, onFailure });
    await put(first);

    await put(second);
    await settled();

    expect(said).toEqual([expect.objectContaining({ code: 'ERR_LOCK_LOST', data: { reason: 'same identity' } })]);
  });

  it.each([
    ['gives it up', async (service: LockService) => service.release(NAME, 'mine')],
    ['closes', async (service: LockService) => service.close()],
    [
      'cannot renew it, and holds it again',
      async (service: LockService) => {
        backend.isCutOff = true;
        await time.pass(2 * TTL_MS);
        backend.isCutOff = false;
        await put(service);
        await settled();
      },
    ],
  ])('says nothing of another one where it %s', async (_, end) => {
    const said: unknown[] = [];
    const service = new LockService({
      backend,
      identity: 'mine',
      ttlMs: TTL_MS,
      onFailure: (error) => said.push(error),
    });
    await put(service);

    await end(service);
    await settled();

    expect(said.filter((error) => (error as { code?: string }).code === 'ERR_LOCK_LOST')).toEqual([]);
  });

  it('that has begun anew and is not asked leaves the lock to others after a TTL', async () => {
    await put(mine);
    backend.isCutOff = true;

    const waiting = put(theirs, { waitMs: 2 * TTL_MS });
    await time.pass(1.1 * TTL_MS);

    expect((await waiting).isDone).toBe(true);
  });

  describe('whose back end is out', () => {
    it('says that it holds until its lease is over, and then that it does not', async () => {
      await put(mine);
      backend.isCutOff = true;

      const held = await beat(mine, 4);

      expect(held).toEqual([true, true, false, false]);
    });

    it('holds no more before another one can', async () => {
      await put(mine);
      backend.isCutOff = true;
      const waiting = put(theirs, { waitMs: 3 * TTL_MS });
      let isGranted = false;
      void waiting.then(() => (isGranted = true));

      for (let ms = 0; !isGranted; ms += 500) {
        await time.pass(500);
        const isMine = mine.held().length > 0;
        expect(isMine && isGranted).toBe(false);
      }

      expect((await waiting).isDone).toBe(true);
    });

    it('grants nothing, and says so in time, also when nothing answers', async () => {
      const never = new Promise<never>(() => {});
      const deaf: SightedBackend = {
        timekeeper: time,
        openSession: () => never,
        observe: () => () => {},
        look: (_name, timeoutMs) => {
          return new Promise((_, reject) => time.after(timeoutMs, () => reject(new Error('timed out'))));
        },
      };
      const service = new LockService({ backend: deaf, identity: 'mine', ttlMs: TTL_MS, onFailure });
      let outcome: Outcome | null = null;
      void put(service).then((answer) => (outcome = answer));

      await time.pass(9_000);

      expect(outcome).toMatchObject({ isDone: false });
    });

    it('says that a lock is there, which it may be: who waits for one must not be told that there is none', async () => {
      backend.isCutOff = true;

      expect(await mine.get(NAME)).toMatchObject({ owner: '' });
    });

    it('says who held a lock when it was asked last', async () => {
      await put(theirs);
      await mine.get(NAME);
      backend.isCutOff = true;

      expect(await mine.get(NAME)).toMatchObject({ owner: 'theirs' });
    });

    it('holds again when it is back', async () => {
      await put(mine);
      backend.isCutOff = true;
      await beat(mine, 4);

      backend.isCutOff = false;

      expect(await beat(mine, 2)).toEqual([true, true]);
    });
  });

  describe('that is asked to wait', () => {
    it('grants as soon as the lock is free, first come first served', async () => {
      const third = new LockService({ backend: shared, identity: 'third', ttlMs: TTL_MS, onFailure });
      await put(mine);
      const order: string[] = [];
      const waiting = [theirs, third].map(async (service, i) => {
        await put(service, { waitMs: TTL_MS });
        order.push(['theirs', 'third'][i]!);
      });
      await settled();

      await mine.release(NAME, 'mine');
      await waiting[0];
      await theirs.release(NAME, 'theirs');
      await waiting[1];

      expect(order).toEqual(['theirs', 'third']);
    });

    it('says after that time that another one has it, and keeps the place for who asks again', async () => {
      const third = new LockService({ backend: shared, identity: 'third', ttlMs: TTL_MS, onFailure });
      await put(mine);
      const first = put(theirs, { waitMs: 1_000 });
      await settled();
      const behind = put(third, { waitMs: TTL_MS });
      await time.pass(1_000);
      expect(await first).toMatchObject({ isDone: false, lock: { owner: 'mine' } });

      const again = put(theirs, { waitMs: 1_000 });
      await settled();
      await mine.release(NAME, 'mine');

      expect((await again).isDone).toBe(true);
      await theirs.release(NAME, 'theirs');
      expect((await behind).isDone).toBe(true);
    });

    it('leaves the place to the next one when nobody asks again', async () => {
      await put(mine);
      const first = put(theirs, { waitMs: 1_000 });
      await time.pass(1_000 + PLACE_KEPT_MS);
      await first;

      await mine.release(NAME, 'mine');

      expect((await put(mine)).isDone).toBe(true);
    });

    it('gives back at once what is granted to one who has asked, and does not ask again', async () => {
      await put(mine);
      const first = put(theirs, { waitMs: 1_000 });
      await time.pass(1_000);
      await first;
      await mine.release(NAME, 'mine');
      expect(theirs.held()).toHaveLength(1);

      await time.pass(PLACE_KEPT_MS);

      expect(theirs.held()).toEqual([]);
      expect((await put(mine)).isDone).toBe(true);
    });

    it('waits no more for one that has gone', async () => {
      const gone = new AbortController();
      await put(mine);
      const waiting = put(theirs, { waitMs: TTL_MS, signal: gone.signal });
      await settled();

      gone.abort();
      await waiting;
      await mine.release(NAME, 'mine');

      expect((await put(mine)).isDone).toBe(true);
      expect(theirs.waits).toBe(0);
    });

    it('claims once for all requests of one owner', async () => {
      await put(mine);
      const waiting = [1, 2, 3].map(() => put(theirs, { waitMs: TTL_MS }));
      await settled();
      const impatient = await put(theirs);

      await mine.release(NAME, 'mine');

      expect(impatient.isDone).toBe(false);
      const tokens = (await Promise.all(waiting)).map(({ lock }) => lock.token);
      expect(new Set(tokens).size).toBe(1);
    });
  });

  describe('that is asked to release', () => {
    it('does so at once', async () => {
      await put(mine);

      expect(await mine.release(NAME, 'mine')).toMatchObject({ isDone: true, lock: { owner: '' } });

      expect((await put(theirs)).isDone).toBe(true);
    });

    it('says that it is not the owner, or that there is no such lock', async () => {
      expect(await theirs.release(NAME, 'theirs')).toBeNull();
      await put(mine);

      expect(await theirs.release(NAME, 'theirs')).toMatchObject({ isDone: false, lock: { owner: 'mine' } });
    });

    it('releases what its owner held before it began anew', async () => {
      await put(mine);
      backend.isCutOff = true;
      const restarted = new LockService({ backend: shared, identity: 'mine', ttlMs: TTL_MS, onFailure });

      const released = await restarted.release(NAME, 'mine');

      expect(released).toMatchObject({ isDone: true, lock: { owner: '' } });
      expect((await put(theirs)).isDone).toBe(true);
      expect(restarted.known).toBe(0);
    });

    it('releases again what is free', async () => {
      await put(mine);
      await mine.release(NAME, 'mine');

      expect(await mine.release(NAME, 'mine')).toMatchObject({ isDone: true });
    });

    it.each([
      ['tried for', 0],
      ['waited for', TTL_MS],
    ])('gives up what is still being %s, also when that is granted meanwhile', async (_, waitMs) => {
      let answer: () => void = () => {};
      backend.heldBack.claim = new Promise((resolve) => (answer = resolve));
      const asking = put(mine, { waitMs });
      await settled();

      const releasing = mine.release(NAME, 'mine');
      await settled();
      answer();

      expect(await releasing).toMatchObject({ isDone: true, lock: { owner: '' } });
      await asking;
      expect((await put(theirs)).isDone).toBe(true);
    });

    it('answers whoever asks next within ten seconds, however much of that it takes to give the lock back', async () => {
      await put(mine);
      let giveBack: () => void = () => {};
      backend.heldBack.giveUp = new Promise((resolve) => (giveBack = resolve));
      void mine.release(NAME, 'mine');
      await settled();
      let isAnswered = false;
      void put(mine).then(() => (isAnswered = true));
      await time.pass(4_900);
      backend.heldBack.claim = new Promise(() => {});
      backend.look = (_name, timeoutMs) => {
        return new Promise((_, reject) => time.after(timeoutMs, () => reject(new Error('timed out'))));
      };

      giveBack();
      await time.pass(5_100);

      expect(isAnswered).toBe(true);
    });

    it('answers in time while its back end is out', async () => {
      await put(mine);
      backend.isCutOff = true;
      let isAnswered = false;
      void mine.release(NAME, 'mine').then(() => (isAnswered = true));

      await time.pass(9_000);

      expect([isAnswered, mine.held()]).toEqual([true, []]);
    });
  });

  it('that is told to create a lock does so once', async () => {
    const outcomes = [await mine.create(NAME, 'mine'), await theirs.create(NAME, 'theirs')];

    expect(outcomes).toMatchObject([{ isDone: true }, { isDone: false, lock: { owner: 'mine' } }]);
  });

  it('that is told to create a lock at the same time by several who have its identity does so once', async () => {
    const held = mine.hold(lockNameOf('y'), 'mine', { waitMs: 0, signal: null });
    const outcomes = await Promise.all([
      ...[1, 2, 3].map(() => mine.create(NAME, 'mine')),
      mine.create(lockNameOf('y'), 'mine'),
    ]);

    expect(outcomes.map(({ isDone }) => isDone)).toEqual([true, false, false, false]);
    expect((await held).isDone).toBe(true);
  });

  it('that ends gives everything back, and grants nothing more', async () => {
    await put(mine);
    const waiting = put(theirs, { waitMs: TTL_MS });
    await settled();

    await mine.close();

    expect((await waiting).isDone).toBe(true);
    expect((await put(mine)).isDone).toBe(false);
  });

  it.each([0, TTL_MS])(
    'that ends answers who waits for a back end that does not answer, be it for %i ms',
    async (waitMs) => {
      const silent: SightedBackend = {
        timekeeper: time,
        openSession: () => new Promise(() => {}),
        observe: () => () => {},
        look: async () => null,
      };
      const service = new LockService({ backend: silent, identity: 'mine', ttlMs: TTL_MS, onFailure });
      let isAnswered = false;
      const answered = put(service, { waitMs }).finally(() => (isAnswered = true));
      await settled();

      void service.close();
      await settled();

      expect(isAnswered).toBe(true);
      expect((await answered).isDone).toBe(false);
      expect(time.isIdle).toBe(true);
    },
  );

  it('that ends leaves no timer behind, which would keep its process alive', async () => {
    await put(mine);
    const waiting = put(theirs, { waitMs: TTL_MS });
    await settled();

    await mine.close();
    await waiting;
    await theirs.close();

    expect(time.isIdle).toBe(true);
  });

  it('remembers nothing of locks that nobody holds or waits for', async () => {
    await put(mine);
    await put(theirs);
    await mine.release(NAME, 'mine');
    await settled();

    expect([mine.known, theirs.known]).toEqual([0, 0]);
  });
});
