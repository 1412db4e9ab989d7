import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ObjectDefinitions } from '../../../../src/actors/replicated/object-definition.js';
import { ConclaveError } from '../../../../src/errors.js';
import { object } from '../../../../src/index.js';
import { simulate, type SimulateOptions } from '../../../../src/testing/simulation/simulate.js';
import type { SimulationClients } from '../../../../src/testing/simulation/user-clients.js';
import { errorOf } from '../../actors/replicated/error-of.js';
import { Counterfoil, Logbook, Lottery, Purse, Tally } from './support/careless-objects.js';

/** What a call is told while things go wrong. */
function unlessUnavailable(error: unknown): void {
  if (!(error instanceof ConclaveError)) throw error;
}

/** Each of these calls once, on any node. */
function callsOf<Definitions extends ObjectDefinitions>(
  count: number,
  call: (objects: SimulationClients<Definitions>['nodes'][number]['objects']) => Promise<unknown>,
): SimulateOptions<Definitions>['clients'] {
  return async ({ nodes, random, sleep }) => {
    for (let i = 0; i < count; i++) {
      await call(nodes[random.uint32() % nodes.length]!.objects).catch(unlessUnavailable);
      await sleep(2);
    }
  };
}

describe('simulate', () => {
  test('lets objects pass that are as they should be, whatever goes wrong', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      let added = 0;
      const report = await simulate({
        objects: { tally: Tally },
        seed,
        clients: callsOf<{ tally: typeof Tally }>(20, async ({ tally }) => {
          await tally.add(1);
          added += 1;
        }),
        async afterwards({ nodes }) {
          const totals = await Promise.all(nodes.map(({ objects }) => objects.tally.get()));
          expect(new Set(totals).size).toBe(1);
          expect(totals[0]).toBeGreaterThanOrEqual(added);
        },
      });

      expect(report.violation).toBeNull();
    }
  });

  test.each([
    ['chance', { broken: Lottery }, (objects: { broken: { draw(): Promise<number> } }) => objects.broken.draw()],
    ['a module', { broken: Counterfoil }, (objects: { broken: { next(): Promise<number> } }) => objects.broken.next()],
    [
      'a clock',
      { broken: Logbook },
      (objects: { broken: { write(t: string): Promise<number> } }) => objects.broken.write('x'),
    ],
  ] as const)('finds a command that depends on %s', async (_, objects, call) => {
    const error = await errorOf(() => simulate({ objects, seed: 3, faults: {}, clients: callsOf<never>(5, call) }));

    expect(error).toMatchObject({ code: 'ERR_SIMULATION_FAILED', data: { seed: 3, promise: 'equal states' } });
    expect(error).toHaveProperty('message', expect.stringContaining('the object broken is not the same'));
  });

  test('gives a property that draws commands a failure to shrink', async () => {
    const property = fc.asyncProperty(
      fc.nat(),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 }),
      async (seed, takes) => {
        await simulate({
          objects: { purse: Purse },
          seed,
          faults: {},
          async clients({ nodes }) {
            // Looks before it takes, and others do the same.
            await Promise.all(
              takes.map(async (count, i) => {
                const { purse } = nodes[i % nodes.length]!.objects;
                await purse.take(count, await purse.left());
              }),
            );
          },
          async afterwards({ nodes }) {
            expect(await nodes[0]!.objects.purse.left()).toBeGreaterThanOrEqual(0);
          },
        });
      },
    );

    const result = await fc.check(property, { seed: 1, numRuns: 50 });

    expect(result.failed).toBe(true);
    expect(result.counterexample![1].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10);
    expect(result.errorInstance).toMatchObject({ code: 'ERR_SIMULATION_FAILED', data: { promise: 'afterwards' } });
  }, 60_000);

  test('gives the same history for the same seed', async () => {
    const historyOf = async (seed: number): Promise<string[]> => {
      const lines: string[] = [];
      const clients = callsOf<{ tally: typeof Tally }>(30, ({ tally }) => tally.add(1));
      await simulate({ objects: { tally: Tally }, seed, clients, trace: (line) => lines.push(line) });
      return lines;
    };

    const first = await historyOf(11);
    await historyOf(12);

    expect(await historyOf(11)).toEqual(first);
  });

  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'answers every call when nothing goes wrong, in seed %i',
    async (seed) => {
      const totals: number[] = [];

      await simulate({
        objects: { tally: Tally },
        seed,
        faults: {},
        async clients({ nodes }) {
          totals.push(...(await Promise.all(nodes.map(({ objects }) => objects.tally.add(1)))));
        },
      });

      expect(totals.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    },
  );

  test('says what clients threw, and how to find it again', async () => {
    const cause = new Error('the till is empty');

    const error = await errorOf(() =>
      simulate({ objects: { tally: Tally }, seed: 8, faults: {}, clients: () => Promise.reject(cause) }),
    );

    expect(error).toMatchObject({ code: 'ERR_SIMULATION_FAILED', data: { seed: 8, promise: 'clients' }, cause });
  });

  test('ends a client that waits for what never comes', async () => {
    const error = await errorOf(() =>
      simulate({
        objects: { tally: Tally },
        seed: 8,
        faults: {},
        durationMs: 10,
        clients: () => new Promise(() => {}),
      }),
    );

    expect(error).toMatchObject({ code: 'ERR_SIMULATION_FAILED', data: { promise: 'liveness' } });
    expect(error).toHaveProperty(
      'message',
      expect.stringContaining('clients ends (it may wait for calls and for sleep'),
    );
  });

  test.each([
    ['seed', { seed: -1 }],
    ['nodes', { nodes: 8 }],
    ['durationMs', { durationMs: 0 }],
    ['faults.storm', { faults: { storm: 1 } }],
    ['faults.crash', { faults: { crash: -1 } }],
    ['clients', { clients: undefined }],
    ['afterwards', { afterwards: true }],
    ['trace', { trace: true }],
    ['afterward', { afterward: async () => {} }],
  ])('refuses %s that makes no sense', async (option, options) => {
    const error = await errorOf(() =>
      simulate({ objects: { tally: Tally }, seed: 1, clients: async () => {}, ...(options as object) }),
    );

    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option } });
  });

  test('refuses a class that cannot be replicated', async () => {
    class Plain {
      value = 0;
    }

    const error = await errorOf(() =>
      simulate({ objects: { plain: object(Plain as never) } as never, seed: 1, clients: async () => {} }),
    );

    expect(error).toMatchObject({ code: 'ERR_INVALID_OBJECT' });
  });
});
