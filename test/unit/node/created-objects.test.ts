/** Objects that are created and dropped at run time, on whole nodes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { since } from '../../../src/actors/replicated/object-definition.js';
import { ReplCounter } from '../../../src/actors/replicated/objects/counter.js';
import { ReplQueue } from '../../../src/actors/replicated/objects/queue.js';
import { ReplSet } from '../../../src/actors/replicated/objects/set.js';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { Ledger } from './fixtures/ledger.js';

const QUICK = { electionTimeoutMs: [100, 200], heartbeatMs: 20 } as const;
const CLASSES = { ReplCounter, ReplQueue, Ledger, Later: since(1, ReplSet) };
const LOCAL = { consistency: 'local' } as const;

type Objects = { readonly hits: typeof ReplCounter };

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function startCluster(): Promise<LocalCluster<Objects>> {
  const cluster = await LocalCluster.start({ objects: { hits: ReplCounter }, classes: CLASSES, ...QUICK });
  stops.push(() => cluster.stop());
  await cluster.ready();
  return cluster;
}

async function startOne(more: Partial<RuntimeOptions<Objects>>): Promise<Runtime<Objects>> {
  const [port] = await freePorts(1);
  const self = `${LOOPBACK}:${port}`;
  const node = await Runtime.start({
    self,
    peers: [],
    objects: { hits: ReplCounter },
    classes: CLASSES,
    threads: false,
    ...QUICK,
    ...more,
  });
  stops.push(() => node.stop());
  await node.ready();
  return node;
}

describe('an object that is created', () => {
  it('is there on all nodes, with its arguments, beside one of the options that has its name', async () => {
    const { nodes } = await startCluster();
    const [a, b] = nodes as [Runtime<Objects>, Runtime<Objects>];

    const jobs = await a.create('jobs', ReplQueue<string>, { capacity: 1 });
    const hits = await a.create('hits', ReplCounter);
    await hits.add(5);

    expect([await jobs.put('one'), await jobs.put('two')]).toEqual([true, false]);
    expect(await b.object('jobs', ReplQueue<string>).take()).toBe('one');
    expect(await b.object('hits', ReplCounter).get()).toBe(5);
    expect(await b.objects.hits.get()).toBe(0);
  });

  it('is waited for and watched as any other, on all nodes', async () => {
    const { nodes } = await startCluster();
    const [a, b] = nodes as [Runtime<Objects>, Runtime<Objects>];
    const jobs = await a.create('jobs', ReplQueue<string>, { capacity: 1 });
    const signal = AbortSignal.timeout(5_000);
    const changes = jobs.watch({ signal });
    await changes.begun();

    const taking = b.object('jobs', ReplQueue<string>).take({ signal });
    await jobs.put('one', { signal });

    expect(await taking).toBe('one');
    expect([await changes.next(), await changes.next()].map(({ value }) => value as unknown)).toEqual([
      { type: 'put', item: 'one' },
      { type: 'take', item: 'one' },
    ]);
    await changes.return();
  });

  it('is called by its own name where it is shown, and where a method of it is misspelt', async () => {
    const node = await startOne({});
    const room = node.object('room 7', ReplCounter);

    const error = await errorOf(() => (room as unknown as { incr(): Promise<void> }).incr());

    expect(error.message).toMatch(/^room 7 has no replicated method or query incr; it has /);
    expect(error.data).toMatchObject({ object: 'room 7', method: 'incr' });
    expect(inspect(room)).toMatch(/^\[handle to room 7: /);
  });

  it('may be created and called in one turn', async () => {
    const { nodes } = await startCluster();
    const [node] = nodes as [Runtime<Objects>];
    const counter = node.object('counter', ReplCounter);

    const calls = [node.create('counter', ReplCounter), counter.inc(), node.drop('counter'), counter.inc()];
    const outcomes = await Promise.allSettled(calls);

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  });

  it('survives snapshots and restarts, and is what the log says, with all others', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'conclave-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const [port] = await freePorts(1);
    const more = { self: `${LOOPBACK}:${port}`, dataDir, snapshot: { verify: true } };
    const diverged: unknown[] = [];
    const node = await startOne(more);
    node.on('snapshot', (event) => void (event.type === 'diverged' && diverged.push(event)));
    const counters = await Promise.all(Array.from({ length: 200 }, (_, i) => node.create(`c${i}`, ReplCounter)));
    await Promise.all(counters.map((counter, i) => counter.add(i)));
    await node.drop('c7');
    await node.compact();
    await counters[8]!.inc();
    const queue = await node.create('queue', ReplQueue<string>, { capacity: 1 });
    await queue.put('a');
    await node.compact();
    await node.stop();

    const back = await startOne(more);

    expect(await back.object('c8', ReplCounter).get()).toBe(9);
    expect(await back.object('c199', ReplCounter).get()).toBe(199);
    expect(await back.object('queue', ReplQueue<string>).put('b')).toBe(false);
    expect(await errorOf(() => back.object('c7', ReplCounter).get())).toMatchObject({ code: 'ERR_NO_SUCH_OBJECT' });
    expect(diverged).toEqual([]);
  });

  it('is refused, and nothing changes, where there is one of its name, or it cannot be made', async () => {
    const node = await startOne({});
    const counter = await node.create('counter', ReplCounter);
    await counter.inc();

    expect(await errorOf(() => node.create('counter', ReplCounter))).toMatchObject({
      code: 'ERR_OBJECT_EXISTS',
      mayBeApplied: false,
      data: { object: 'counter' },
    });
    expect(await errorOf(() => node.create('a.b', ReplCounter))).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expect(await errorOf(() => node.create('queue', ReplQueue, { capacity: -1 }))).toMatchObject({
      code: 'ERR_INVALID_OBJECT',
      mayBeApplied: false,
    });
    expect(await errorOf(() => node.create('set', ReplSet))).toMatchObject({ code: 'ERR_VERSION_UNSUPPORTED' });
    const many = Array.from({ length: 4_097 }, (): undefined => undefined) as unknown as [];
    expect(await errorOf(() => node.create('many', ReplCounter, ...many))).toMatchObject({
      code: 'ERR_COMMAND_TOO_LARGE',
      mayBeApplied: false,
    });
    class Stranger extends ReplCounter {}
    expect(await errorOf(() => node.create('stranger', Stranger))).toMatchObject({ code: 'ERR_INVALID_OBJECT' });
    const named = await errorOf(() => node.create('named', 'ReplCounter' as never));
    expect(named.message).toBe('The object named needs the class itself, which is given as string.');
    expect(await counter.get()).toBe(1);
    expect(await errorOf(() => node.object('queue', ReplQueue).size())).toMatchObject({ code: 'ERR_NO_SUCH_OBJECT' });
  });

  it('is called as one of another class in vain, and no node stops', async () => {
    const { nodes } = await startCluster();
    const [a, b] = nodes as [Runtime<Objects>, Runtime<Objects>];
    const counter = await a.create('counter', ReplCounter);

    const error = await errorOf(() => b.object('counter', ReplQueue<number>).put(1));

    expect(error).toMatchObject({ code: 'ERR_NO_SUCH_OBJECT', mayBeApplied: false });
    expect(await counter.inc()).toBe(1);
    expect(await Promise.all(nodes.map((node) => node.object('counter', ReplCounter).get()))).toEqual([1, 1, 1]);
  });

  it('is of a class of a later code version once that is in force', async () => {
    const node = await startOne({});

    await node.setCodeVersion(1);
    const set = await node.create('set', ReplSet<string>);

    expect(await set.add('x')).toBe(true);
  });
});

describe('an object that is dropped', () => {
  it('refuses what comes later, on all nodes, as applied by none; a new one of its name begins anew', async () => {
    const { nodes } = await startCluster();
    const [a, b] = nodes as [Runtime<Objects>, Runtime<Objects>];
    const counter = await a.create('counter', ReplCounter);
    await counter.add(5);

    await a.drop('counter');

    const gone = { code: 'ERR_NO_SUCH_OBJECT', mayBeApplied: false, retrySafe: true, data: { object: 'counter' } };
    expect(await errorOf(() => counter.inc())).toMatchObject(gone);
    expect(await errorOf(() => b.object('counter', ReplCounter).get())).toMatchObject(gone);
    expect(await errorOf(() => b.drop('counter'))).toMatchObject(gone);
    const ledger = await b.create('counter', Ledger);
    expect(await ledger.add(3)).toBe(3);
    expect(await a.object('counter', Ledger).with(LOCAL).sum()).toBeLessThanOrEqual(3);
    await b.drop('counter');
    await b.create('counter', ReplCounter);
    expect(await counter.inc()).toBe(1);
  });
});
