/** Locks by Leases, in a time that the test owns: what is written, who may take what, and what is made of faults. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ConclaveError } from '../../../../src/errors.js';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { connect, Held, leaseNameOf, type Leader, type LockOptions } from '../../../../src/sync/index.js';
import { Claiming } from '../../../../src/sync/claiming.js';
import { LeaseBackend } from '../../../../src/sync/kubernetes/lease-backend.js';
import { LeaseRequests } from '../../../../src/sync/kubernetes/lease-requests.js';
import { errorOf } from '../../actors/replicated/error-of.js';
import { settled } from '../support/manual-time.js';
import { InProcessLeaseApi } from './support/in-process-lease-api.js';
import { LeaseScene, type LeaseClient } from './support/lease-scene.js';

const TTL_MS = 15_000;
const lasting: LockOptions = { ttlMs: TTL_MS };

describe('a lock in a Lease', () => {
  let scene: LeaseScene;
  let a: LeaseClient;
  let b: LeaseClient;

  beforeEach(async () => {
    scene = new LeaseScene();
    a = await scene.client('a');
    b = await scene.client('b', {}, 2);
  });

  /** Not before `ms` of all, and what has come by then. */
  async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result | 'not yet'> {
    let outcome: { readonly value: Result } | null = null;
    void promise.then((value) => (outcome = { value }));
    await scene.time.pass(ms);
    return outcome === null ? 'not yet' : (outcome as { readonly value: Result }).value;
  }

  const hold = (client: LeaseClient): Promise<Held> => client.sync.lock('x', lasting).acquire();
  const spec = (): NonNullable<ReturnType<LeaseScene['lease']>['spec']> => scene.lease('x').spec!;
  const version = (): bigint => BigInt(scene.lease('x').metadata!.resourceVersion!);

  it('says who holds it and for how long, and its token is the version of that write', async () => {
    const held = await hold(a);

    expect(spec()).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(spec().holderIdentity).toMatch(/^a_[0-9a-f-]{36}$/);
    expect(spec().renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(spec().acquireTime).toBe(spec().renewTime);
    expect(held.token).toBe(version());
    expect(scene.lease('x').metadata!.annotations!['conclave/name']).toBe('lock/x');
  });

  it('is renewed, and keeps its token and the time at which it was taken', async () => {
    const held = await hold(a);
    const { acquireTime, renewTime } = spec();

    await scene.time.pass(2 * TTL_MS);

    expect(held.held).toBe(true);
    expect(spec().acquireTime).toBe(acquireTime);
    expect(spec().renewTime! > renewTime!).toBe(true);
    expect(version()).toBeGreaterThan(held.token);
    expect(scene.lease('x').metadata!.annotations!['conclave/token']).toBe(String(held.token));
  });

  it('is given back as nobody’s, for a second', async () => {
    const held = await hold(a);

    await held.release();

    expect(spec()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect((await hold(b)).token).toBeGreaterThan(held.token);
    expect(spec().leaseTransitions).toBe(1);
  });

  it('is not given back when it is somebody else’s by now', async () => {
    const held = await hold(a);
    a.faults.isPartitioned = true;
    const next = hold(b);
    await scene.time.pass(2 * TTL_MS);
    const taken = await next;
    a.faults.isPartitioned = false;

    await held.release();
    await scene.time.pass(TTL_MS);

    expect(taken.held).toBe(true);
    expect(spec().holderIdentity).toMatch(/^b_/);
  });

  it('is taken from who has died once it was seen unchanged for as long as it says itself, and not before', async () => {
    scene.server.store.create({
      metadata: { name: leaseNameOf('lock', 'x') },
      spec: { holderIdentity: 'other', leaseDurationSeconds: 40, renewTime: '2001-01-01T00:00:00.000000Z' },
    });
    const taking = hold(b);

    expect(await within(39_999, taking)).toBe('not yet');
    expect(await within(100, taking)).not.toBe('not yet');
  });

  it('is taken from who has died also by one who only tries now and then', async () => {
    await hold(a);
    a.faults.isPartitioned = true;
    const tries: (Held | null)[] = [];

    for (let i = 0; i < 3; i++) {
      tries.push(await b.sync.lock('x', lasting).tryAcquire());
      await scene.time.pass(5_100);
    }
    tries.push(await b.sync.lock('x', lasting).tryAcquire());

    expect(tries.slice(0, -1)).toEqual([null, null, null]);
    expect(tries.at(-1)?.held).toBe(true);
  });

  it('is not taken before its time by one who was told of it late', async () => {
    const held = await hold(a);
    b.faults.answerMs = 3_000;
    const trying = b.sync.lock('x', lasting).acquire();
    await scene.time.pass(3_000);
    a.faults.isPartitioned = true;

    await scene.time.pass(TTL_MS - 3_100);

    expect(await within(0, trying)).toBe('not yet');
    expect(held.held).toBe(false);
  });

  it.each(['a', 'b'] as const)('depends on no date: that of %s is an hour ahead', async (skewed) => {
    const clocks = { wallOffsetMs: 3_600_000 };
    const [holder, taker] = await Promise.all([
      scene.client('holder', skewed === 'a' ? clocks : {}),
      scene.client('taker', skewed === 'b' ? clocks : {}),
    ]);
    const held = await hold(holder);
    const taking = hold(taker);

    expect(await within(4 * TTL_MS, taking)).toBe('not yet');
    expect(held.held).toBe(true);
  });

  it('goes on when another process has changed something else in the Lease', async () => {
    const held = await hold(a);
    const lease = scene.lease('x');
    const labelled = { ...lease, metadata: { ...lease.metadata, labels: { team: 'shop' } } };
    scene.server.store.replace(lease.metadata!.name!, labelled);

    await scene.time.pass(2 * TTL_MS);

    expect(held.held).toBe(true);
    expect(scene.lease('x').metadata!.labels).toEqual({ team: 'shop' });
  });

  it('is lost, and told so once, when somebody else has written over it', async () => {
    const held = await hold(a);
    let told = 0;
    held.on('lost', () => told++);
    scene.patch('x', { holderIdentity: 'root' });

    await scene.time.pass(3 * TTL_MS);

    expect([held.held, held.signal.aborted, told]).toEqual([false, true, 1]);
    expect(spec().holderIdentity).toBe('root');
  });

  it('is lost when the Lease is deleted, and is not made anew by renewing it', async () => {
    const held = await hold(a);
    scene.server.store.delete(scene.lease('x').metadata!.name!);

    await scene.time.pass(TTL_MS);

    expect(held.held).toBe(false);
    expect(scene.server.store.names()).toEqual([]);
    expect((await hold(b)).token).toBeGreaterThan(held.token);
  });

  it('is granted to who has taken it without being told, and only by a write that was answered', async () => {
    a.faults.dropAfterCommit = 1;
    const taking = hold(a);
    await settled();
    const first = version();

    const held = await within(4_000, taking);

    expect((held as Held).token).toBe(version());
    expect((held as Held).token).toBeGreaterThan(first);
  });

  it('is granted to who has taken it without being told, also where others of its process wait by now', async () => {
    a.faults.dropAfterCommit = 1;
    const order: string[] = [];
    const waits = (who: string): Promise<unknown> => a.sync.lock('x', lasting).withLock(() => order.push(who));
    const taking = waits('first');
    await settled();
    const next = waits('second');

    await within(4_000, Promise.all([taking, next]));

    expect(order).toEqual(['first', 'second']);
  });

  it('is free when who has taken it without being told waits no more', async () => {
    a.faults.dropAfterCommit = 1;
    const aborting = new AbortController();
    const taking = errorOf(() => a.sync.lock('x', lasting).acquire({ signal: aborting.signal }));
    await settled();
    expect(spec().holderIdentity).toMatch(/^a_/);

    aborting.abort();
    await scene.time.pass(4_000);

    expect((await taking).code).toBe('ERR_ABORTED');
    expect(spec().holderIdentity).toBe('');
  });

  it('is not taken by a request that arrives when who made it waits no more', async () => {
    await (await hold(b)).release();
    const aborting = new AbortController();
    a.faults.writeMs = 60_000;
    const aborted = errorOf(() => a.sync.lock('x', lasting).acquire({ signal: aborting.signal }));
    await scene.time.pass(5_500);
    a.faults.writeMs = 0;

    aborting.abort();
    expect((await aborted).code).toBe('ERR_ABORTED');
    await scene.time.pass(60_000);

    expect(spec().holderIdentity).toBe('');
  });

  it('survives answers that are lost, refusals and a server in trouble, for as long as it is renewed in time', async () => {
    const held = await hold(a);
    a.faults.dropAfterCommit = 1;
    await scene.time.pass(7_000);
    a.faults.failures.push('500');
    await scene.time.pass(7_000);
    a.faults.failures.push('429', '429');
    await scene.time.pass(7_000);

    await scene.time.pass(TTL_MS);

    expect(held.held).toBe(true);
  });

  it('is lost before another one can have it when its holder is cut off', async () => {
    const held = await hold(a);
    let lostAtMs = 0;
    held.once('lost', () => (lostAtMs = scene.time.clock.nowMs()));
    const taking = hold(b);
    await scene.time.pass(6_000);

    a.faults.isPartitioned = true;
    let takenAtMs = 0;
    void taking.then(() => (takenAtMs = scene.time.clock.nowMs()));
    await scene.time.pass(2 * TTL_MS);

    expect(lostAtMs).toBeGreaterThan(0);
    expect(takenAtMs).toBeGreaterThan(lostAtMs);
  });

  it('is not believed in for longer because the session was renewed while the answer was on its way', async () => {
    const c = await scene.client('c', {}, 3);
    const first = await hold(a);
    const taking = hold(b);
    await scene.time.pass(6_000);
    b.faults.answerMs = 4_500;
    await first.release();
    await scene.time.pass(100);
    const next = hold(c);
    const held = (await within(4_500, taking)) as Held;
    b.faults.isPartitioned = true;
    let wasHeld: boolean | null = null;

    void next.then(() => (wasHeld = held.held));
    await scene.time.pass(2 * TTL_MS);

    expect(wasHeld).toBe(false);
  });

  it.each(['freeze', 'suspend'] as const)('is lost for who goes on after it stood still: %s', async (how) => {
    const held = await hold(a);
    const taking = hold(b);
    await settled();
    a.time[how]();
    const next = (await within(2 * TTL_MS, taking)) as Held;

    a.time.wake();

    expect(held.held).toBe(false);
    expect(next.token).toBeGreaterThan(held.token);
    await scene.time.pass(TTL_MS);
    expect(next.held).toBe(true);
  });

  it('is handed over as soon as a watch tells, and in any case when none does', async () => {
    const held = await hold(a);
    const taking = hold(b);
    await scene.time.pass(1_000);
    b.faults.isWatchStalled = true;

    await held.release();

    expect(await within(1_000, taking)).toBe('not yet');
    expect(await within(TTL_MS, taking)).not.toBe('not yet');
  });

  it('is waited for by reading where watching is refused', async () => {
    b.faults.isWatchRefused = true;
    const held = await hold(a);
    const taking = hold(b);
    await scene.time.pass(10_000);

    await held.release();

    expect(await within(3_500, taking)).not.toBe('not yet');
    expect(scene.server.requests.filter((request) => request.startsWith('watch')).length).toBeLessThanOrEqual(1);
  });

  it.each([true, false])(
    'is watched from where the last watch ended, or anew when that is forgotten (%s)',
    async (refuses) => {
      const held = await hold(a);
      const taking = hold(b);
      await scene.time.pass(2_000);
      scene.server.refusesExpiredWatches = refuses;
      const reads = async (): Promise<number> => {
        const { requests } = scene.server;
        const before = requests.length;
        scene.server.store.compact();
        scene.server.endWatches();
        await scene.time.pass(100);
        return requests.slice(before).filter((request) => request.startsWith('get')).length;
      };
      scene.server.store.writeElsewhere(10);
      scene.server.bookmark();
      const known = await reads();
      await scene.time.pass(2_000);
      scene.server.store.writeElsewhere(10);
      const forgotten = await reads();
      await scene.time.pass(4_000);
      expect([known, forgotten]).toEqual([0, 1]);

      await held.release();

      expect(await within(100, taking)).not.toBe('not yet');
    },
  );

  it('is tried again after as long as the server asks for', async () => {
    a.faults.failures.push('429');

    const held = await within(3_500, hold(a));

    expect((held as Held).held).toBe(true);
  });

  it('says that the server cannot be reached, after a while', async () => {
    a.faults.isPartitioned = true;

    const error = await within(
      20_000,
      errorOf(() => hold(a)),
    );

    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE' });
  });

  it('says what is forbidden, and which rules it takes', async () => {
    scene.server.admit('a', [{ verbs: ['create'] }]);

    const error = await errorOf(() => hold(a));

    expect(error).toBeInstanceOf(ConclaveError);
    expect(error).toMatchObject({ code: 'ERR_FORBIDDEN', data: { status: 403 } });
    expect(error.message).toContain('create leases; get, update, watch them');
  });

  it.each([
    ['may not write', ['get', 'watch'] as const],
    ['may not read any more', ['update'] as const],
  ])('says what is forbidden to one who waits and %s, once that has lasted', async (_, verbs) => {
    const held = await hold(a);
    const waiting = errorOf(() => hold(b));
    await scene.time.pass(1_000);
    scene.server.admit('b', [{ verbs: ['create'] }, { verbs, resourceNames: [leaseNameOf('lock', 'x')] }]);
    scene.server.endWatches();
    await held.release();

    expect(await within(8_000, waiting)).toBe('not yet');
    expect(await within(12_000, waiting)).toMatchObject({ code: 'ERR_FORBIDDEN', data: { status: 403 } });
  });

  it('is waited for on where what was refused is allowed again soon', async () => {
    const held = await hold(a);
    const waiting = hold(b);
    await scene.time.pass(1_000);
    for (let times = 0; times < 3; times++) {
      scene.server.admit('b', []);
      scene.server.endWatches();
      await scene.time.pass(6_000);
      scene.server.admit('b');
      await scene.time.pass(6_000);
    }

    await held.release();

    expect(await within(5_000, waiting)).not.toBe('not yet');
  });

  it('is waited for on where it is refused now and then, and nothing is tried in between', async () => {
    const c = await scene.client('c', {}, 3);
    const mayNotWrite = [{ verbs: ['create', 'get', 'watch'] as const }];
    let held = await hold(a);
    const waiting = b.sync
      .lock('x', lasting)
      .acquire()
      .catch((error: unknown) => error);
    await scene.time.pass(1_000);
    for (const [next, anybody] of [
      [c, a],
      [a, c],
    ] as const) {
      scene.server.admit('b', mayNotWrite);
      await held.release();
      await scene.time.pass(3_000);
      held = (await within(100, hold(next))) as Held;
      scene.server.admit('b');
      await scene.time.pass(60_000);
      expect(await anybody.sync.lock('x', lasting).tryAcquire()).toBeNull();
    }

    await held.release();

    expect(await within(5_000, waiting)).toBeInstanceOf(Held);
  });

  it('needs no more than the two rules', async () => {
    const resourceNames = [leaseNameOf('lock', 'x')];
    scene.server.admit('a', [{ verbs: ['create'] }, { verbs: ['get', 'update', 'watch'], resourceNames }]);
    const held = await hold(a);
    const again = hold(a);
    await scene.time.pass(TTL_MS);
    await held.release();

    expect(await within(1_000, again)).not.toBe('not yet');
  });

  it.each([
    ['shared locks', (): unknown => a.sync.lock('x', { mode: 'shared' }).acquire()],
    ['semaphores of several permits', (): unknown => a.sync.semaphore('x', { permits: 2 }).tryAcquire()],
  ])('refuses what a Lease cannot express, and does nothing: %s', async (_, ask) => {
    const error = await errorOf(ask);

    expect(error).toMatchObject({ code: 'ERR_NOT_SUPPORTED', mayBeApplied: false });
    expect(scene.server.requests).toEqual([]);
  });

  it('is asked for once, and held until it is given up', async () => {
    const held = await hold(a);
    let asked = 0;
    held.on('asked', () => asked++);

    scene.patch('x', { strategy: 'conclave/by-hand', preferredHolder: 'b' });
    await scene.time.pass(3 * TTL_MS);

    expect([held.held, held.signal.aborted, asked]).toEqual([true, false, 1]);
  });

  it('is asked for also where its holder begins to listen only then, and not once it was given up', async () => {
    const held = await hold(a);
    scene.patch('x', { strategy: 'conclave/by-hand', preferredHolder: 'b' });
    await scene.time.pass(TTL_MS);
    let asked = 0;

    held.once('asked', () => asked++);
    await settled();
    await held.release();
    held.once('asked', () => asked++);
    await settled();

    expect(asked).toBe(1);
  });

  it('is refused where versions are no numbers, for there would be no tokens', async () => {
    const api = new InProcessLeaseApi(scene.server, 'a', a.time);
    api.read = async () => ({ metadata: { name: 'x', resourceVersion: 'v1' }, spec: {} });
    const backend = new LeaseBackend(new LeaseRequests(api, a.time, new SeededRandom(1)), 'a');
    const sync = await connect(backend);

    const errors = [await errorOf(() => sync.lock('x').acquire())];
    errors.push(await errorOf(() => sync.election('x', { id: 'a' }).observe().next()));

    expect(errors.map(({ code }) => code)).toEqual(['ERR_PROTOCOL', 'ERR_PROTOCOL']);
  });

  it('is at once an owner’s whose process begins anew, and the former one is told', async () => {
    const claim = (client: LeaseClient, owner: string): Promise<Held | null> =>
      new Claiming(client.backend).tryAcquire(
        { name: 'lock/x', of: 1, permits: 1, isWaiting: false, value: null, owner },
        TTL_MS,
        {},
        (granted) => new Held(granted),
      );
    const former = await claim(a, 'me');

    const others = await claim(b, 'you');
    const held = await claim(b, 'me');
    const sight = await b.backend.look('lock/x', 1_000);
    await scene.time.pass(TTL_MS);

    expect(others).toBeNull();
    expect(held!.token).toBeGreaterThan(former!.token);
    expect(sight).toEqual({ holder: { token: held!.token, owner: 'me' } });
    expect([held!.held, former!.held, former!.signal.aborted]).toEqual([true, false, true]);
  });

  it('is nobody’s but the other program’s that has taken it over, which leaves all annotations as they are', async () => {
    const claiming = new Claiming(a.backend);
    const claim = (): Promise<Held | null> => {
      const terms = { name: 'lock/x', of: 1, permits: 1, isWaiting: false, value: 'of a', owner: 'me' };
      return claiming.tryAcquire(terms, TTL_MS, {}, (granted) => new Held(granted));
    };
    const former = await claim();
    await scene.time.pass(TTL_MS);
    a.faults.isPartitioned = true;
    await scene.time.pass(2 * TTL_MS);
    scene.patch('x', { holderIdentity: 'another program', renewTime: '2026-01-02T03:04:05.678901Z' });
    a.faults.isPartitioned = false;

    const again = await claim();
    const sight = await b.backend.look('lock/x', 1_000);

    expect([former!.held, again]).toEqual([false, null]);
    expect(spec().holderIdentity).toBe('another program');
    expect(sight).toEqual({ holder: { token: version(), owner: 'another program' } });
  });

  it('can be looked at: never there, held, free', async () => {
    const sights = [await b.backend.look('lock/x', 1_000)];
    const held = await hold(a);
    sights.push(await b.backend.look('lock/x', 1_000));
    await held.release();
    sights.push(await b.backend.look('lock/x', 1_000));

    const owner = expect.stringMatching(/^a_/) as string;
    expect(sights).toEqual([null, { holder: { token: held.token, owner } }, { holder: null }]);
  });

  it('keeps many who wait in one process from asking all at once', async () => {
    const held = await hold(a);
    const waiting = Array.from({ length: 50 }, () => b.sync.lock('x', lasting).withLock(() => {}));
    await scene.time.pass(1_000);
    scene.server.requests.length = 0;

    await held.release();
    await scene.time.pass(1_000);
    await Promise.all(waiting);

    const updates = scene.server.requests.filter((request) => request.startsWith('update')).length;
    expect(updates).toBeLessThanOrEqual(2 * 51);
  });
});

describe('an election in a Lease', () => {
  it('steps down for who is preferred, once its work is over, and stands again', async () => {
    const scene = new LeaseScene();
    const [a, b] = [await scene.client('a'), await scene.client('b', {}, 2)];
    const log: string[] = [];
    let finish: () => void = () => {};
    const stopping = new AbortController();
    const stand = (client: LeaseClient): Promise<void> =>
      client.sync.election('boss', { id: client.name }).run(
        async (term) => {
          log.push(`${client.name} leads`);
          await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve(), { once: true }));
          if (client === a && !stopping.signal.aborted) await new Promise<void>((resolve) => (finish = resolve));
          log.push(`${client.name} is done`);
        },
        { signal: stopping.signal },
      );
    const standing = [stand(a)];
    await settled();
    standing.push(stand(b));
    await scene.time.pass(1_000);

    scene.patch('boss', { strategy: 'conclave/by-hand', preferredHolder: 'b' }, 'election');
    await scene.time.pass(60_000);
    expect(log).toEqual(['a leads']);
    finish();
    await scene.time.pass(60_000);

    expect(log).toEqual(['a leads', 'a is done', 'b leads']);
    expect(scene.lease('boss', 'election').spec).not.toHaveProperty('preferredHolder');
    stopping.abort();
    await scene.time.pass(1_000);
    await Promise.all(standing);
  });

  it('does not wait for ever for who is preferred and never comes', async () => {
    const scene = new LeaseScene();
    const a = await scene.client('a');
    const leading = await a.sync.election('boss', { id: 'a' }).campaign();
    scene.patch('boss', { strategy: 'conclave/by-hand', preferredHolder: 'nobody' }, 'election');
    await leading.resign();
    let isLeading = false;
    void a.sync
      .election('boss', { id: 'a' })
      .campaign()
      .then(() => (isLeading = true));

    await scene.time.pass(10_000);
    expect(isLeading).toBe(false);
    await scene.time.pass(10_000);

    expect(isLeading).toBe(true);
  });

  it('shows who leads, by the token of its term, and nobody once that was seen to be over', async () => {
    const scene = new LeaseScene();
    const [a, b] = [await scene.client('a'), await scene.client('b', {}, 2)];
    const seen: (Leader | null)[] = [];
    void (async () => {
      for await (const leader of b.sync.election('boss', { id: 'b' }).observe()) seen.push(leader);
    })();
    await scene.time.pass(100);
    const leading = await a.sync.election('boss', { id: 'a', value: 'first' }).campaign();
    await scene.time.pass(20_000);
    await leading.proclaim('second');
    await scene.time.pass(20_000);
    a.faults.isPartitioned = true;
    await scene.time.pass(40_000);

    const leader = { id: 'a', token: leading.token };
    expect(seen).toEqual([null, { ...leader, value: 'first' }, { ...leader, value: 'second' }, null]);
  });

  it('shows who leads where that is another program, which leaves all annotations as they are', async () => {
    const scene = new LeaseScene();
    const [a, b] = [await scene.client('a'), await scene.client('b', {}, 2)];
    const leading = await a.sync.election('boss', { id: 'a', value: 'first' }).campaign();
    await scene.time.pass(20_000);
    a.faults.isPartitioned = true;
    await scene.time.pass(40_000);
    scene.patch('boss', { holderIdentity: 'another program', renewTime: '2026-01-02T03:04:05.678901Z' }, 'election');

    const { value: leader } = await b.sync.election('boss', { id: 'b' }).observe().next();

    expect(leader).toMatchObject({ id: 'another program', value: null });
    expect(leader!.token).toBeGreaterThan(leading.token);
  });

  it('shows another program that leads once, however often it renews its Lease', async () => {
    const scene = new LeaseScene();
    const [a, b] = [await scene.client('a'), await scene.client('b', {}, 2)];
    await (await a.sync.election('boss', { id: 'a' }).campaign()).resign();
    const seen: (Leader | null)[] = [];
    void (async () => {
      for await (const leader of b.sync.election('boss', { id: 'b' }).observe()) seen.push(leader);
    })();
    await scene.time.pass(1_000);

    for (let second = 0; second < 5; second++) {
      const renewTime = `2026-01-02T03:04:0${second}.000000Z`;
      scene.patch('boss', { holderIdentity: 'another program', leaseDurationSeconds: 15, renewTime }, 'election');
      await scene.time.pass(2_000);
    }

    expect(seen).toEqual([null, { id: 'another program', value: null, token: expect.any(BigInt) as bigint }]);
  });

  it('is read no more often because it was written while a read was refused', async () => {
    const scene = new LeaseScene();
    const b = await scene.client('b');
    scene.server.store.create({ metadata: { name: leaseNameOf('election', 'boss') }, spec: { holderIdentity: '' } });
    void b.sync.election('boss', { id: 'b' }).observe().next();
    await scene.time.pass(100);
    scene.server.admit('b', [{ verbs: ['watch'] }]);
    b.faults.answerMs = 100;
    const reads = (): number => scene.server.requests.filter((request) => request.startsWith('get')).length;
    for (let write = 0; write < 10; write++) {
      const before = reads();
      while (reads() === before) await scene.time.pass(50);
      scene.patch('boss', { leaseTransitions: write }, 'election');
      await scene.time.pass(200);
    }
    await scene.time.pass(60_000);

    const before = reads();
    await scene.time.pass(20_000);

    // One after the other, with a second at least between them.
    expect(reads() - before).toBeLessThanOrEqual(20);
  });

  it('does not take for gone whom it only hears no more of', async () => {
    const scene = new LeaseScene();
    const [a, b] = [await scene.client('a'), await scene.client('b', {}, 2)];
    const seen: (Leader | null)[] = [];
    await a.sync.election('boss', { id: 'a' }).campaign();
    void (async () => {
      for await (const leader of b.sync.election('boss', { id: 'b' }).observe()) seen.push(leader);
    })();
    await scene.time.pass(100);

    b.faults.isWatchStalled = true;
    await scene.time.pass(100_000);

    expect(seen.map((leader) => leader?.id)).toEqual(['a']);
  });
});
