import { describe, expect, it } from 'vitest';
import { ActorSystem } from '../../../src/runtime/actor-system.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';
import { SimulationScheduler } from '../../../src/runtime/simulation-scheduler.js';
import { simulatedSystem } from './inline-system.js';

describe('SimulationScheduler', () => {
  it('replays the same history from the same seed, across systems', async () => {
    const histories = await Promise.all([gossip(42), gossip(42)]);

    expect(histories[0].length).toBeGreaterThan(200);
    expect(histories[1]).toEqual(histories[0]);
  });

  it('tries another order with another seed', async () => {
    expect(await gossip(43)).not.toEqual(await gossip(42));
  });

  it('keeps the order between one sender and one receiver whatever the seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { system, simulation } = simulatedSystem(seed);
      const received: number[] = [];
      const sink = system.spawn<number, undefined>({
        name: 'sink',
        data: undefined,
        factory: () => ({ receive: (n) => void received.push(n) }),
      });
      system.spawn<number, undefined>({
        name: 'source',
        data: undefined,
        factory: (context) => {
          for (let n = 0; n < 40; n++) context.self.tell(n);
          return { receive: (n) => sink.tell(n) };
        },
      });

      while (simulation.step());

      expect(received, `seed ${seed}`).toEqual(Array.from({ length: 40 }, (_, n) => n));
    }
  });

  it('moves time to the next timer, and only when nothing is ready', async () => {
    const { system, simulation } = simulatedSystem();
    const firedMs: number[] = [];
    system.spawn<string, undefined>({
      name: 'timed',
      data: undefined,
      factory: (context) => {
        context.after(3_600_000, 'hour');
        context.after(0.5, 'half');
        return { receive: () => void firedMs.push(context.clock.nowMs()) };
      },
    });

    await simulation.runFor(3_600_000);

    expect(firedMs).toEqual([0.5, 3_600_000]);
    expect(simulation.nowMs()).toBe(3_600_000);
    expect(simulation.wallMs()).toBe(1_000_003_600_000);
  });

  it('gives settled promises their continuations before time moves on', async () => {
    const { system, simulation } = simulatedSystem();
    const clock = system.spawn<undefined, undefined>({
      name: 'clock',
      data: undefined,
      factory: (context) => ({ receive: (_message, reply) => reply.ok(context.clock.nowMs()) }),
    });
    const answers: unknown[] = [];
    const caller = (async () => {
      for (let i = 0; i < 3; i++) answers.push(await clock.ask(undefined, { timeoutMs: 10 }));
    })();

    await simulation.runUntil(() => answers.length === 3, 1);

    await caller;
    expect(answers).toEqual([0, 0, 0]);
  });

  it('reports a condition that is not met in time, with the seed', async () => {
    const { simulation } = simulatedSystem(99);

    const waiting = simulation.runUntil(() => false, 50);

    await expect(waiting).rejects.toMatchObject({ code: 'ERR_TIMEOUT', data: { seed: 99 } });
    expect(simulation.nowMs()).toBe(50);
  });

  it('finds actors that keep each other busy for ever', async () => {
    const { system, simulation } = simulatedSystem();
    system.spawn<string, undefined>({
      name: 'restless',
      data: undefined,
      factory: (context) => {
        context.self.tell('go');
        return { receive: () => context.self.tell('again') };
      },
    });

    await expect(simulation.runFor(1)).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
    // A million turns take seconds on a busy machine.
  }, 60_000);
});

/** Actors of two systems tell each other things at random; returns who heard what when. */
async function gossip(seed: number): Promise<string[]> {
  const simulation = new SimulationScheduler(seed);
  const history: string[] = [];
  const systems = ['left', 'right'].map(
    (name, i) =>
      new ActorSystem({
        name,
        scheduler: simulation,
        clock: simulation,
        random: new SeededRandom(seed + i),
        logger: silentLogger,
        onFailure: (error) => history.push(`${name} failed: ${error.message}`),
      }),
  );
  for (const system of systems) {
    for (let id = 0; id < 4; id++) {
      system.spawn<number, undefined>({
        name: `actor-${id}`,
        data: undefined,
        supervision: { strategy: 'restart', delayMinMs: 1, delayMaxMs: 8, restartsMax: 1000, windowMs: 100 },
        factory: (context) => {
          context.every(1 + randomBelow(context.random, 5), 3);
          return {
            receive: (hops) => {
              history.push(`${simulation.nowMs()} ${system.name}/${id} ${hops}`);
              if (randomBelow(context.random, 20) === 0) throw new Error('crash');
              const name = `actor-${randomBelow(context.random, 4)}`;
              if (hops > 0) context.ref<number>({ system: system.name, name }).tell(hops - 1);
            },
          };
        },
      });
    }
  }
  await simulation.runFor(100);
  for (const system of systems) system.stop();
  return history;
}
