/** Watching and waiting where the objects live on a thread of their own, and when that thread ends. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConclaveError, object } from 'conclave';
import { ReplMap, ReplQueue } from 'conclave/objects';
import { LocalCluster } from 'conclave/testing';
import type * as Hazards from './fixtures/hazard.js';

// Compiled, for a worker cannot load TypeScript.
const hazards = new URL('../../build/test/threads/fixtures/hazard.js', import.meta.url).href;
const { Hazard } = (await import(hazards)) as typeof Hazards;

const objects = { hazard: Hazard, prices: object(ReplMap<string, number>), jobs: object(ReplQueue<number>) };
const COUNT = 2_000;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConclaveError) return error.code;
  throw error;
}

describe('watching on threads', () => {
  let cluster: LocalCluster<typeof objects>;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ objects, threads: true });
    await cluster.ready();
  });

  afterAll(() => cluster.stop());

  it('tells all nodes the same, in order, none missing and none twice', async () => {
    const watches = cluster.nodes.map((node) => node.objects.prices.watch());
    await Promise.all(watches.map((changes) => changes.begun()));

    const { prices } = cluster.nodes[1]!.objects;
    const setting = Promise.all(Array.from({ length: COUNT }, (_, i) => prices.set('tea', i)));
    const seen = await Promise.all(
      watches.map(async (changes) => {
        const values: unknown[] = [];
        for await (const change of changes) {
          values.push(change.type === 'set' && change.value);
          if (values.length === COUNT) break;
        }
        return values;
      }),
    );
    await setting;

    for (const values of seen) expect(values).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  });

  it('ends when the thread of the objects does, and begins anew with the state', async () => {
    const [node] = cluster.nodes;
    const { hazard, prices, jobs } = node!.objects;
    const changes = prices.watch();
    await changes.begun();
    const ended = codeOf(changes.next());
    const taking = jobs.take({ signal: AbortSignal.timeout(30_000) });

    const exit = await codeOf(hazard.with({ consistency: 'local' }).exitInQuery());
    await prices.set('tea', -1);
    await jobs.put(7);
    const anew = prices.watch('tea', { read: 'get' });

    expect([exit, await ended]).toEqual(['ERR_OBJECT_FAILED', 'ERR_CHANGES_LOST']);
    expect((await anew.next()).value).toEqual({ type: 'state', value: -1 });
    expect(await taking).toBe(7);
    await anew.return();
  });

  it('ends when the runtime stops', async () => {
    const node = cluster.nodes[2]!;
    const { prices, jobs } = node.objects;
    const changes = prices.watch();
    await changes.begun();
    const codes = [codeOf(changes.next()), codeOf(jobs.take({ signal: new AbortController().signal }))];

    await node.stop();

    expect(await Promise.all(codes)).toEqual(['ERR_STOPPED', 'ERR_STOPPED']);
  });
});
