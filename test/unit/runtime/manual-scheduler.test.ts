import { setImmediate as immediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ActorSystem } from '../../../src/runtime/actor-system.js';
import type { Clock } from '../../../src/runtime/clock.js';
import { silentLogger } from '../../../src/runtime/logger.js';
import { ManualScheduler } from '../../../src/runtime/manual-scheduler.js';
import { SeededRandom } from '../../../src/runtime/random.js';

describe('ManualScheduler', () => {
  it('runs actors in tick() only, until all are idle, and says whether there was anything to do', async () => {
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

    const first = scheduler.tick();
    const second = scheduler.tick();

    expect(received).toEqual([3, 2, 1, 0]);
    expect([first, second]).toEqual([true, false]);
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
    scheduler.tick();

    time.nowMs = 9;
    const early = scheduler.tick();
    time.nowMs = 10;
    const due = scheduler.tick();

    expect(received).toEqual(['ten']);
    expect([early, due]).toEqual([false, true]);
  });

  it('returns even if actors never come to rest', () => {
    const { scheduler, system } = manualSystem();
    let turns = 0;
    const restless = system.spawn<string, undefined>({
      name: 'restless',
      data: undefined,
      factory: (context) => ({
        receive: () => {
          turns++;
          context.self.tell('again');
        },
      }),
    });
    restless.tell('go');

    const hasWorked = scheduler.tick();

    expect(hasWorked).toBe(true);
    expect(turns).toBeGreaterThan(1000);
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
