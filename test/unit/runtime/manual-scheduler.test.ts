import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ActorSystem } from '../../../src/runtime/actor-system.js';
import type { Clock } from '../../../src/runtime/clock.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { ManualScheduler } from '../../../src/runtime/manual-scheduler.js';
import { SeededRandom } from '../../../src/runtime/random.js';

describe('ManualScheduler', () => {
  it('runs actors in tick() only, until all are idle', async () => {
    const { scheduler, system } = manualSystem();
    const received: number[] = [];
    const down = system.spawn<number, undefined>({
      name: 'down',
      data: undefined,
      factory: (context) => ({
        receive: (n) => {
          received.push(n);
          if (n > 0) context.self.tell(n - 1);
        },
      }),
    });
    down.tell(3);
    await immediate();
    expect(received).toEqual([]);

    const hasMore = scheduler.tick(10);

    expect(received).toEqual([3, 2, 1, 0]);
    expect(hasMore).toBe(false);
  });

  it('fires the timers that are due by its clock', () => {
    const { scheduler, system, time } = manualSystem();
    const received: string[] = [];
    system.spawn<string, undefined>({
      name: 'timed',
      data: undefined,
      factory: (context) => {
        context.after(10, 'ten');
        return { receive: (message) => void received.push(message) };
      },
    });
    scheduler.tick(10);

    time.nowMs = 9;
    scheduler.tick(10);
    const early = [...received];
    time.nowMs = 10;
    scheduler.tick(10);

    expect(early).toEqual([]);
    expect(received).toEqual(['ten']);
  });

  it('returns once its time is over, even if actors never come to rest, and says so', () => {
    const { scheduler, system, time } = manualSystem();
    let turns = 0;
    const restless = system.spawn<string, undefined>({
      name: 'restless',
      data: undefined,
      factory: (context) => ({
        receive: () => {
          turns++;
          context.self.tell('again');
        },
        drained: () => {
          time.nowMs++;
        },
      }),
    });
    restless.tell('go');

    const hasMore = scheduler.tick(7);
    const turnsThen = turns;
    scheduler.tick(0);

    expect(hasMore).toBe(true);
    expect(turnsThen).toBe(7 * 64);
    expect(turns).toBe(8 * 64);
  });

  it('does nothing when it is ticked from within a turn', () => {
    const { scheduler, system } = manualSystem();
    const answers: boolean[] = [];
    const actor = system.spawn<string, undefined>({
      name: 'nested',
      data: undefined,
      factory: () => ({ receive: () => void answers.push(scheduler.tick(10)) }),
    });
    actor.tell('first');
    actor.tell('second');

    scheduler.tick(10);

    expect(answers).toEqual([true, true]);
  });

  it('ticks by itself from release to hold', async () => {
    const { scheduler, system } = manualSystem();
    const actor = system.spawn<string, undefined>({
      name: 'answers',
      data: undefined,
      factory: () => ({ receive: (message, reply) => reply.ok(message) }),
    });

    scheduler.release();
    const answer = await actor.ask('question', { timeoutMs: 1_000 });
    scheduler.hold();
    let isAnswered = false;
    const late = actor.ask('another', { timeoutMs: 1_000 }).then(() => (isAnswered = true));
    await delay(10);
    const wasAnswered = isAnswered;
    scheduler.tick(10);
    await late;

    expect(answer).toBe('question');
    expect(wasAnswered).toBe(false);
  });
});

function manualSystem(): { scheduler: ManualScheduler; system: ActorSystem; time: { nowMs: number } } {
  const time = { nowMs: 0 };
  const clock: Clock = { nowMs: () => time.nowMs, wallMs: () => time.nowMs };
  const scheduler = new ManualScheduler(clock);
  const system = new ActorSystem({
    name: 'manual',
    scheduler,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    onFailure: (error) => expect.unreachable(String(error)),
  });
  return { scheduler, system, time };
}
