import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConclaveError, Runtime, type ObjectsEvent } from 'conclave';
import { LocalCluster } from 'conclave/testing';
import { freePorts, LOOPBACK } from '../../dist/testing/free-ports.js';
import type * as Hazards from './fixtures/hazard.js';

// Compiled, for a worker cannot load TypeScript.
const hazards = new URL('../../build/test/threads/fixtures/hazard.js', import.meta.url).href;
const { AsyncMethod, ExitsWhenMade, Hazard, hiddenClass, PrivateState, ThrowsWhenMade } = (await import(
  hazards
)) as typeof Hazards;

class Homeless {
  get(): number {
    return 1;
  }
}

type Objects = { readonly hazard: typeof Hazards.Hazard };
type Node = Runtime<Objects>;

const folder = mkdtempSync(join(tmpdir(), 'hazard-'));
let markers = 0;
const newMarker = (): string => join(folder, String(++markers));

afterAll(() => rmSync(folder, { recursive: true }));

async function errorOf(promise: Promise<unknown>): Promise<ConclaveError> {
  const error: unknown = await promise.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConclaveError) return error;
  throw error;
}

const localIds = (node: Node): Promise<string[]> => node.objects.hazard.with({ consistency: 'local' }).all();

describe('a cluster of three on threads', () => {
  let cluster: LocalCluster<Objects>;
  let leader: Node;
  let follower: Node;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ objects: { hazard: Hazard }, threads: true });
    await cluster.ready();
    leader = await cluster.leader();
    follower = cluster.nodes.find((node) => node !== leader)!;
  });

  afterAll(() => cluster.stop());

  it.each(['leader', 'follower'] as const)('answers commands and queries on the %s', async (role) => {
    const { hazard } = (role === 'leader' ? leader : follower).objects;

    const count = await hazard.append(role);

    expect(await hazard.all()).toHaveLength(count);
    expect(await hazard.with({ consistency: 'lease' }).all()).toHaveLength(count);
    expect(await hazard.with({ consistency: 'local' }).all()).toHaveLength(count);
    expect(await hazard.isOnMainThread()).toBe(false);
  });

  it('keeps the caller’s event loop free while a command keeps the objects’ thread busy', async () => {
    const startedMs = performance.now();
    let longestMs = 0;
    let lastMs = startedMs;
    const sampling = setInterval(() => {
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
    }, 5);

    await leader.objects.hazard.block(600);

    clearInterval(sampling);
    expect(performance.now() - startedMs).toBeGreaterThan(590);
    expect(longestMs).toBeLessThan(300);
  });

  it('has neither objects nor ticks on the thread of its caller, and says so', () => {
    const refusal = (option: string): object =>
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', data: expect.objectContaining({ option }) });

    expect(() => leader.local('hazard')).toThrowError(refusal('threads'));
    expect(() => leader.tick()).toThrowError(refusal('autoTick'));
  });

  it('answers a command that throws what cannot be cloned', async () => {
    const error = await errorOf(leader.objects.hazard.throwSomethingOdd());

    expect(error).toMatchObject({ code: 'ERR_COMMAND_THREW', message: 'odd' });
    expect(leader.status().health).toBe('ok');
  });

  it('is not harmed by a promise that a command leaves behind and that rejects', async () => {
    const { hazard } = leader.objects;
    const before = (await hazard.all()).length;

    await hazard.appendAndForget('forgotten');
    await cluster.converged();

    expect(await hazard.append('after')).toBe(before + 2);
    for (const node of cluster.nodes) expect(node.status().health).toBe('ok');
  });

  it.each(['appendAndExitOnce', 'appendAndFailOnce'] as const)(
    'brings the objects back from the log when %s ends their thread, and answers every call once',
    async (method) => {
      const errors: Error[] = [];
      const lost: Node[] = [];
      const told: string[] = [];
      const onObjects = (event: ObjectsEvent): unknown => told.push(event.type);
      for (const node of cluster.nodes) {
        node.on('objects', onObjects);
        node.once('error', (error) => {
          errors.push(error);
          lost.push(node);
          expect(node.status().health).toBe('object failed');
        });
      }
      const { hazard } = follower.objects;
      const before = (await hazard.all()).length;

      const calls = [
        ...Array.from({ length: 200 }, (_, i) => hazard.append(`${method} ${i}`)),
        hazard[method](`${method} 200`, newMarker()),
        ...Array.from({ length: 200 }, (_, i) => hazard.append(`${method} ${201 + i}`)),
      ];
      const results = await Promise.all(calls);

      expect(results).toEqual(Array.from({ length: 401 }, (_, i) => before + 1 + i));
      while (lost.length === 0 || lost[0]!.status().health !== 'ok') await delay(10);
      expect(told).toEqual(['failed', 'restored']);
      for (const node of cluster.nodes) node.off('objects', onObjects);
      await cluster.converged();
      const [first, ...others] = await Promise.all(cluster.nodes.map(localIds));
      expect(first!.slice(before)).toEqual(Array.from({ length: 401 }, (_, i) => `${method} ${i}`));
      for (const other of others) expect(other).toEqual(first);
      expect(errors).toMatchObject([{ code: 'ERR_THREAD_EXITED' }]);
    },
  );
});

describe('a node on threads', () => {
  let cluster: LocalCluster<Objects>;

  afterEach(() => cluster.stop());

  async function startOne(): Promise<Node> {
    cluster = await LocalCluster.start({ objects: { hazard: Hazard }, threads: true, nodes: 1, callTimeoutMs: 20_000 });
    await cluster.ready();
    return cluster.nodes[0]!;
  }

  const failureOf = (node: Node): Promise<Error> =>
    new Promise((resolve) => {
      node.on('error', (error) => {
        if (node.status().health === 'thread dead') resolve(error);
      });
    });

  it('never lets a local query see less than before, while its objects are brought back', async () => {
    const node = await startOne();
    const { hazard } = node.objects;
    await Promise.all(Array.from({ length: 20_000 }, (_, i) => hazard.append(`${i} ${'x'.repeat(100)}`)));
    const marker = newMarker();

    const counts: number[] = [];
    const crash = hazard.appendAndExitOnce('last', marker);
    let isOver = false;
    const ended = crash.finally(() => (isOver = true));
    while (!isOver) {
      const ids = await localIds(node).catch(() => null);
      if (ids !== null) counts.push(ids.length);
    }

    expect(await ended).toBe(20_001);
    expect(counts.length).toBeGreaterThan(0);
    expect(counts.toSorted((a, b) => a - b)).toEqual(counts);
    expect(counts[0]).toBeGreaterThanOrEqual(20_000);
  });

  it('fails a query that ends the thread of the objects, and goes on', async () => {
    const node = await startOne();
    await node.objects.hazard.append('a');

    const error = await errorOf(node.objects.hazard.exitInQuery());

    expect(error).toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: false, retrySafe: true });
    expect(await node.objects.hazard.append('b')).toBe(2);
    expect(await node.objects.hazard.all()).toEqual(['a', 'b']);
  });

  it('has failed when a command ends each thread that runs it, and leaves nobody waiting', async () => {
    const node = await startOne();
    const { hazard } = node.objects;
    await hazard.append('a');
    const failure = failureOf(node);

    const calls = [hazard.append('b'), hazard.exitAlways(), hazard.append('c')].map(errorOf);
    const settled = await Promise.all(calls);

    expect(await failure).toMatchObject({ code: 'ERR_OBJECT_FAILED', cause: { code: 'ERR_THREAD_EXITED' } });
    for (const error of settled) expect(error).toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: true });
    expect(node.status().health).toBe('thread dead');
    expect(await errorOf(hazard.append('d'))).toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: false });
    expect(await errorOf(hazard.all())).toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: false });
    expect(await errorOf(node.transferLeadership())).toMatchObject({ code: 'ERR_OBJECT_FAILED' });
  });

  it('is not waited for by its cluster once it has failed', async () => {
    const node = await startOne();
    const failure = failureOf(node);
    node.objects.hazard.tell.exitAlways();
    await failure;

    await cluster.converged();

    expect(await errorOf(node.caughtUp({ timeoutMs: 10_000 }))).toMatchObject({ code: 'ERR_OBJECT_FAILED' });
  });

  it('may be stopped while its objects are brought back', async () => {
    const node = await startOne();
    const lost = new Promise((resolve) => node.once('error', resolve));

    const call = errorOf(node.objects.hazard.appendAndExitOnce('a', newMarker()));
    await lost;
    await delay(120);
    await node.stop();

    expect(await call).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: true });
  });

  it('may be stopped while a command keeps its objects busy', async () => {
    const node = await startOne();

    const call = errorOf(node.objects.hazard.block(500));
    await delay(100);
    await node.stop();

    expect(await call).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: true });
  });

  it('gives up waiting for a query that takes too long', async () => {
    const node = await startOne();

    const error = await errorOf(node.objects.hazard.with({ timeoutMs: 50 }).blockAndRead(300));

    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: false, retrySafe: true });
  });
});

describe('Runtime.start on threads', () => {
  const start = (objects: object): Promise<Runtime> =>
    Runtime.start({ self: '127.0.0.1:1', peers: [], objects: objects as never, threads: true });

  it.each([
    ['a class that its module does not export', hiddenClass(), /export/],
    ['a class without a module', Homeless, /module/],
    ['a class with #private state', PrivateState, /#value/],
    ['a class with an async method', AsyncMethod, /async/],
    ['a class whose constructor throws', ThrowsWhenMade, /not today/],
  ])('refuses %s', async (_what, definition, complaint) => {
    const error = await errorOf(start({ it: definition }));

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toMatch(complaint);
  });

  it('reports a class whose constructor ends the thread', async () => {
    expect(await errorOf(start({ it: ExitsWhenMade }))).toMatchObject({
      code: 'ERR_OBJECT_FAILED',
      cause: { code: 'ERR_ACTOR_STOPPED' },
    });
  });

  it('reports a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    const self = `127.0.0.1:${port}`;
    const error = await errorOf(Runtime.start({ self, peers: [], objects: { hazard: Hazard }, threads: true }));

    expect(error).toMatchObject({ code: 'ERR_ADDRESS_UNAVAILABLE', retrySafe: true });
    expect(error.message).toContain(self);
    server.close();
  });
});

describe('threads that end by themselves', () => {
  const mortal = mkdtempSync(join(tmpdir(), 'mortal-'));
  const workerUrl = new URL('./fixtures/mortal-thread-entry.mjs', import.meta.url);

  afterAll(() => rmSync(mortal, { recursive: true }));

  async function startMortal(): Promise<LocalCluster<Objects>> {
    for (const name of readdirSync(mortal)) rmSync(join(mortal, name));
    process.env['MORTAL_THREADS'] = mortal;
    const cluster = await LocalCluster.start({ objects: { hazard: Hazard }, threads: true, nodes: 1, workerUrl });
    await cluster.ready();
    return cluster;
  }

  it('without its consensus thread a node has failed, and everything that waits is told', async () => {
    await using cluster = await startMortal();
    const node = cluster.nodes[0]!;
    const { hazard } = node.objects;
    const failure = new Promise((resolve) => node.once('error', resolve));

    const slow = errorOf(hazard.block(1_000));
    const query = errorOf(hazard.all());
    writeFileSync(join(mortal, 'consensus'), '');

    expect(await failure).toMatchObject({ code: 'ERR_THREAD_EXITED' });
    expect(await slow).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: true });
    expect(await query).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    expect(await errorOf(hazard.append('late'))).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    expect(await errorOf(node.ready().then(() => node.transferLeadership()))).toMatchObject({ code: 'ERR_STOPPED' });
    expect(node.status().health).toBe('thread dead');
  });

  it('a node whose objects get no other thread has failed, rather than wait for ever', async () => {
    await using cluster = await startMortal();
    const node = cluster.nodes[0]!;
    const failure = new Promise((resolve) => {
      node.on('error', (error) => {
        if (node.status().health === 'thread dead') resolve(error);
      });
    });

    writeFileSync(join(mortal, 'object'), '');
    while (node.status().health !== 'object failed') await delay(5);
    const call = errorOf(node.objects.hazard.append('a'));

    expect(await failure).toMatchObject({ code: 'ERR_OBJECT_FAILED' });
    expect(await call).toMatchObject({ code: 'ERR_OBJECT_FAILED', mayBeApplied: true });
  });

  it('a node whose objects find another thread in the end goes on', async () => {
    await using cluster = await startMortal();
    const node = cluster.nodes[0]!;
    await node.objects.hazard.append('a');

    writeFileSync(join(mortal, 'object'), '');
    while (node.status().health !== 'object failed') await delay(5);
    rmSync(join(mortal, 'object'));

    expect(await node.objects.hazard.append('b')).toBe(2);
    expect(await node.objects.hazard.all()).toEqual(['a', 'b']);
    await vi.waitUntil(() => node.status().health === 'ok', { timeout: 10_000 });
  });

  it('a consensus thread that ends during the start makes the start fail', async () => {
    process.env['MORTAL_THREADS'] = mortal;
    writeFileSync(join(mortal, 'consensus'), '');

    const started = LocalCluster.start({ objects: { hazard: Hazard }, threads: true, nodes: 1, workerUrl });

    expect(await errorOf(started)).toMatchObject({ code: 'ERR_THREAD_EXITED' });
  });
});

describe('a program', () => {
  const program = fileURLToPath(new URL('./fixtures/ends-by-itself.mjs', import.meta.url));

  it.each([
    ['that has stopped its runtimes', 'useCluster', '1'],
    ['that has stopped a runtime with a port', 'useNode', '1'],
    ['whose runtime found its port taken', 'takePort', 'ERR_ADDRESS_UNAVAILABLE'],
    ['whose object was refused', 'refuseObject', 'ERR_INVALID_OBJECT'],
  ])('%s ends by itself, with threads, without, and with ticks', async (_what, scenario, output) => {
    for (const placement of ['threads', 'inline', 'ticked']) {
      const args = [program, `${scenario}-${placement}`];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
      expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: output, stderr: '' });
    }
  });

  it('whose class is in the file that starts the runtime starts no second one on the thread of its objects', async () => {
    const file = fileURLToPath(new URL('./fixtures/starts-itself.mjs', import.meta.url));
    const [port] = await freePorts(1);

    const env = { ...process.env, SELF: `${LOOPBACK}:${port}` };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000, env });

    expect(stdout.trim().split('\n')).toEqual([
      `nested: ERR_INVALID_OBJECT Runtime.start was called while ${pathToFileURL(file).href} was loaded on the thread of ` +
        'the objects: move the class into a file of its own, which starts nothing when it is imported.',
      'outer: 1',
    ]);
    expect(stderr).toBe('');
  });
});
