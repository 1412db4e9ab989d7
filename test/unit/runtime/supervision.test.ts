import { describe, expect, it } from 'vitest';
import type { ActorContext, Supervision } from '../../../src/runtime/actor.js';
import type { ActorSystem } from '../../../src/runtime/actor-system.js';
import { simulatedSystem } from './inline-system.js';

const LONG = { timeoutMs: 1e6 };

describe('supervision', () => {
  describe('restart', () => {
    it('doubles the back-off from delayMinMs up to delayMaxMs', async () => {
      const { system, simulation } = simulatedSystem();
      const startsMs: number[] = [];
      const supervision = restart({ delayMinMs: 10, delayMaxMs: 1000, restartsMax: 20, windowMs: 1e6 });
      system.spawn({
        name: 'crasher',
        data: undefined,
        supervision,
        factory: (context) => {
          startsMs.push(context.clock.nowMs());
          throw new Error('crash');
        },
      });

      await simulation.runFor(4000);

      const delaysMs = startsMs.slice(1).map((startMs, i) => startMs - startsMs[i]!);
      expect(delaysMs).toEqual([10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    });

    it('begins again at delayMinMs after a window without a crash', async () => {
      const { system, simulation } = simulatedSystem();
      const startsMs: number[] = [];
      const supervision = restart({ delayMinMs: 10, delayMaxMs: 1000, restartsMax: 5, windowMs: 100 });
      const crasher = spawnCrasher(system, { supervision, onStart: (context) => startsMs.push(context.clock.nowMs()) });

      for (const atMs of [50, 70, 200]) {
        await simulation.runFor(atMs - simulation.nowMs());
        crasher.tell('crash');
      }
      await simulation.runFor(100);

      // Crashes at 50 and 70 are within one window; at 200 both are forgotten.
      expect(startsMs).toEqual([0, 50 + 10, 70 + 20, 200 + 10]);
    });

    it('escalates the crash that is one too many within the window', async () => {
      const { system, simulation, failures } = simulatedSystem();
      const supervision = restart({ delayMinMs: 1, delayMaxMs: 1, restartsMax: 2, windowMs: 1000 });
      const crasher = spawnCrasher(system, { supervision });
      for (let crash = 1; crash <= 2; crash++) {
        crasher.tell('crash');
        await simulation.runFor(10);
      }
      expect(failures).toEqual([]);

      crasher.tell('crash');
      await simulation.runFor(10);

      expect(failures).toMatchObject([{ message: 'crash' }]);
    });

    it('forgets timers and watches of the life before', async () => {
      const { system, simulation } = simulatedSystem();
      const received: string[] = [];
      const watched = spawnCrasher(system, { name: 'watched', supervision: { strategy: 'stop' } });
      let life = 0;
      const crasher = spawnCrasher(system, {
        supervision: restart({ delayMinMs: 1, delayMaxMs: 1, restartsMax: 2, windowMs: 1000 }),
        onStart: (context) => {
          if (++life > 1) return;
          context.after(50, 'after');
          context.every(20, 'every');
          context.watch(watched, () => 'watched');
        },
        onMessage: (message) => received.push(message),
      });
      crasher.tell('crash');
      await simulation.runFor(10);

      watched.tell('crash');
      crasher.tell('alive');
      await simulation.runFor(100);

      expect(received).toEqual(['alive']);
    });

    it('starts the new life with an empty mailbox, and refuses messages until then', async () => {
      const { system, simulation } = simulatedSystem();
      const received: string[] = [];
      const crasher = spawnCrasher(system, {
        supervision: restart({ delayMinMs: 10, delayMaxMs: 10, restartsMax: 2, windowMs: 1000 }),
        onMessage: (message) => received.push(message),
      });
      crasher.tell('crash');
      crasher.tell('waiting at the crash');
      await simulation.runFor(5);

      crasher.tell('during the back-off');
      const asked = crasher.ask('during the back-off', LONG).catch((error: unknown) => error);
      await simulation.runFor(10);
      crasher.tell('after the restart');
      await simulation.runFor(1);

      expect(received).toEqual(['after the restart']);
      expect(await asked).toMatchObject({ code: 'ERR_ACTOR_STOPPED', retrySafe: true });
    });

    it('takes the children of the old life down, and lets the new one have its own', async () => {
      const { system, simulation } = simulatedSystem();
      const lives: string[] = [];
      let life = 0;
      const crasher = spawnCrasher(system, {
        supervision: restart({ delayMinMs: 10, delayMaxMs: 10, restartsMax: 2, windowMs: 1000 }),
        onStart: (context) => {
          const name = `child of life ${++life}`;
          context.spawn({
            name: 'child',
            data: undefined,
            factory: () => {
              lives.push(`${name} begins`);
              return { receive: () => {}, stopped: () => lives.push(`${name} ends`) };
            },
          });
        },
      });
      await simulation.runFor(1);

      crasher.tell('crash');
      await simulation.runFor(100);

      expect(lives).toEqual(['child of life 1 begins', 'child of life 1 ends', 'child of life 2 begins']);
    });

    it('does not restart an actor that was stopping when it threw', async () => {
      const { system, simulation } = simulatedSystem();
      let starts = 0;
      const stopping = system.spawn<string, undefined>({
        name: 'stopping',
        data: undefined,
        supervision: restart({ delayMinMs: 1, delayMaxMs: 1, restartsMax: 2, windowMs: 1000 }),
        factory: (context) => {
          starts++;
          return {
            receive: () => {
              context.stop();
              throw new Error('crash');
            },
          };
        },
      });

      stopping.tell('go');
      await simulation.runFor(100);

      expect(starts).toBe(1);
    });

    it.each([
      [{ delayMinMs: -1 }, 'delayMinMs'],
      [{ delayMaxMs: 1 }, 'delayMaxMs'],
      [{ restartsMax: Infinity }, 'restartsMax'],
      [{ windowMs: 0 }, 'windowMs'],
    ])('refuses %o', (wrong, option) => {
      const { system } = simulatedSystem();
      const supervision = restart({ delayMinMs: 10, delayMaxMs: 20, restartsMax: 2, windowMs: 1000, ...wrong });

      const spawn = (): unknown => spawnCrasher(system, { supervision });

      expect(spawn).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_OPTION', data: { option } }));
    });
  });

  describe('stop', () => {
    it('ends the actor and no other', async () => {
      const { system, simulation, failures } = simulatedSystem();
      const received: string[] = [];
      const crasher = spawnCrasher(system, { supervision: { strategy: 'stop' } });
      const other = spawnCrasher(system, { name: 'other', onMessage: (message) => received.push(message) });

      crasher.tell('crash');
      await simulation.runFor(1);
      crasher.tell('ignored');
      other.tell('alive');
      await simulation.runFor(1);

      expect(received).toEqual(['alive']);
      expect(failures).toEqual([]);
    });
  });

  describe('escalate', () => {
    it('crashes the parent with the same error, which its own supervision then judges', async () => {
      const { system, simulation, failures } = simulatedSystem();
      const starts: string[] = [];
      system.spawn({
        name: 'parent',
        data: undefined,
        supervision: restart({ delayMinMs: 10, delayMaxMs: 10, restartsMax: 5, windowMs: 1000 }),
        factory: (context) => {
          starts.push(`parent ${context.clock.nowMs()}`);
          spawnCrasher(context, { onStart: () => starts.push('child') });
          return { receive: () => {} };
        },
      });
      await simulation.runFor(5);

      system.ref<string>({ system: system.name, name: 'crasher' }).tell('crash');
      await simulation.runFor(100);

      expect(starts).toEqual(['parent 0', 'child', 'parent 15', 'child']);
      expect(failures).toEqual([]);
    });

    it('fails the system from an actor without a parent, which stops every actor first', async () => {
      const { system, simulation, failures } = simulatedSystem();
      const ended: string[] = [];
      for (const name of ['first', 'second']) {
        spawnCrasher(system, { name, onEnd: () => ended.push(`${name}, failures: ${failures.length}`) });
      }
      await simulation.runFor(1);

      system.ref<string>({ system: system.name, name: 'first' }).tell('crash');
      await simulation.runFor(1);

      expect(ended).toEqual(['first, failures: 0', 'second, failures: 0']);
      expect(failures).toMatchObject([{ message: 'crash' }]);
      expect(() => spawnCrasher(system, {})).toThrowError(expect.objectContaining({ code: 'ERR_STOPPED' }));
    });

    it('carries a factory that throws up through all generations', async () => {
      const { system, simulation, failures } = simulatedSystem();
      const stillborn = (): never => {
        throw new TypeError('stillborn');
      };
      system.spawn({
        name: 'grandparent',
        data: undefined,
        factory: (context) => {
          context.spawn({
            name: 'parent',
            data: undefined,
            factory: (inner) => {
              inner.spawn({ name: 'child', data: undefined, factory: stillborn });
              return { receive: () => {} };
            },
          });
          return { receive: () => {} };
        },
      });

      await simulation.runFor(1);

      expect(failures).toHaveLength(1);
      expect(failures[0]).toBeInstanceOf(TypeError);
    });
  });

  it('treats a receive that returns a promise as a crash', async () => {
    const { system, simulation, failures } = simulatedSystem();
    const wrong = system.spawn<string, undefined>({
      name: 'wrong',
      data: undefined,
      factory: () => ({ receive: async () => {} }),
    });

    wrong.tell('go');
    await simulation.runFor(1);

    expect(failures).toMatchObject([{ code: 'ERR_ASSERTION' }]);
  });

  it('treats a drained that throws as a crash', async () => {
    const { system, simulation, failures } = simulatedSystem();
    const wrong = system.spawn<string, undefined>({
      name: 'wrong',
      data: undefined,
      factory: () => ({
        receive: () => {},
        drained: () => {
          throw new Error('drained');
        },
      }),
    });

    wrong.tell('go');
    await simulation.runFor(1);

    expect(failures).toMatchObject([{ message: 'drained' }]);
  });

  it('makes an error of whatever is thrown', async () => {
    const { system, simulation, failures } = simulatedSystem();
    system.spawn({
      name: 'wrong',
      data: undefined,
      factory: () => {
        throw 'a string';
      },
    });

    await simulation.runFor(1);

    expect(failures[0]).toBeInstanceOf(Error);
    expect(failures).toMatchObject([{ message: 'a string', cause: 'a string' }]);
  });

  it('ends an actor even if its stopped() throws', async () => {
    const { system, simulation, failures } = simulatedSystem();
    const wrong = spawnCrasher(system, {
      onMessage: (_message, context) => context.stop(),
      onEnd: () => {
        throw new Error('stopped');
      },
    });

    wrong.tell('stop');
    await simulation.runFor(1);
    spawnCrasher(system, {});

    expect(failures).toEqual([]);
  });
});

interface CrasherOptions {
  readonly name?: string;
  readonly supervision?: Supervision;
  readonly onStart?: (context: ActorContext<string>) => void;
  readonly onMessage?: (message: string, context: ActorContext<string>) => void;
  readonly onEnd?: () => void;
}

/** An actor that crashes when it is told to. */
function spawnCrasher(
  parent: Pick<ActorSystem, 'spawn'> | ActorContext<never>,
  { name = 'crasher', supervision, onStart, onMessage, onEnd }: CrasherOptions,
) {
  return parent.spawn<string, undefined>({
    name,
    data: undefined,
    ...(supervision === undefined ? {} : { supervision }),
    factory: (context) => {
      onStart?.(context);
      return {
        receive: (message) => {
          if (message === 'crash') throw new Error('crash');
          onMessage?.(message, context);
        },
        stopped: () => onEnd?.(),
      };
    },
  });
}

function restart(options: Omit<Extract<Supervision, { strategy: 'restart' }>, 'strategy'>): Supervision {
  return { strategy: 'restart', ...options };
}
