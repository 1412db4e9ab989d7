import { describe, expect, it } from 'vitest';
import type { ActorContext, ActorRef, Reply, Timer } from '../../../src/runtime/actor.js';
import { simulatedSystem } from './inline-system.js';

describe('ActorContext', () => {
  describe('after', () => {
    it('delivers once, when the time has come', async () => {
      const { simulation, received } = spawnListener((context) => void context.after(10, 'due'));

      await simulation.runFor(9);
      const early = [...received];
      await simulation.runFor(100);

      expect(early).toEqual([]);
      expect(received).toEqual(['due@10']);
    });
  });

  describe('every', () => {
    it('delivers at each period until it is cancelled', async () => {
      let timer: Timer | undefined;
      const { simulation, received, handle } = spawnListener((context) => {
        timer = context.every(10, 'tick');
      });
      handle.on = () => received.length === 3 && timer!.cancel();

      await simulation.runFor(100);

      expect(received).toEqual(['tick@10', 'tick@20', 'tick@30']);
    });

    it.each([-1, 0, Number.NaN, Infinity])('refuses a period of %d', async (periodMs) => {
      const { simulation, failures } = spawnListener((context) => void context.every(periodMs, 'tick'));

      await simulation.runFor(1);

      expect(failures).toMatchObject([{ code: 'ERR_INVALID_OPTION', data: { option: 'periodMs' } }]);
    });
  });

  describe('stop', () => {
    it('lets the current message be handled, calls drained and then stopped, and handles no more', async () => {
      const { system, simulation } = simulatedSystem();
      const calls: string[] = [];
      const actor = system.spawn<string, undefined>({
        name: 'actor',
        data: undefined,
        factory: (context) => {
          context.after(5, 'timer');
          return {
            receive: (message) => {
              context.stop();
              calls.push(message);
            },
            drained: () => calls.push('drained'),
            stopped: () => calls.push('stopped'),
          };
        },
      });
      actor.tell('first');
      actor.tell('second');

      await simulation.runFor(100);

      expect(calls).toEqual(['first', 'drained', 'stopped']);
    });

    it('stops the children first, the youngest before the eldest', async () => {
      const { system, simulation } = simulatedSystem();
      const ended: string[] = [];
      const parent = system.spawn<string, undefined>({
        name: 'parent',
        data: undefined,
        factory: (context) => {
          for (const name of ['elder', 'younger']) {
            context.spawn({
              name,
              data: undefined,
              factory: () => ({ receive: () => {}, stopped: () => ended.push(name) }),
            });
          }
          return { receive: () => context.stop(), stopped: () => ended.push('parent') };
        },
      });
      await simulation.runFor(1);

      parent.tell('stop');
      await simulation.runFor(1);

      expect(ended).toEqual(['younger', 'elder', 'parent']);
    });

    it('leaves a context that does nothing any more', async () => {
      const { system, simulation } = simulatedSystem();
      let old: ActorContext<string> | undefined;
      const received: string[] = [];
      const spawn = (): ActorRef<string> =>
        system.spawn<string, undefined>({
          name: 'actor',
          data: undefined,
          factory: (context) => {
            old ??= context;
            return { receive: (message) => (message === 'stop' ? context.stop() : void received.push(message)) };
          },
        });
      spawn().tell('stop');
      await simulation.runFor(1);
      const successor = spawn();

      old!.after(1, 'after').cancel();
      old!.every(1, 'every');
      old!.watch(old!.ref({ system: system.name, name: 'nobody' }), () => 'watch');
      old!.stop();
      successor.tell('alive');
      await simulation.runFor(10);

      expect(received).toEqual(['alive']);
      expect(() => old!.spawn({ name: 'child', data: undefined, factory: () => ({ receive: () => {} }) })).toThrowError(
        expect.objectContaining({ code: 'ERR_ACTOR_STOPPED' }),
      );
    });
  });

  describe('watch', () => {
    it('crashes the watcher whose message cannot be made', async () => {
      const { system, simulation, failures } = simulatedSystem();
      system.spawn({
        name: 'watcher',
        data: undefined,
        factory: (context) => {
          context.watch(context.ref({ system: system.name, name: 'nobody' }), () => {
            throw new Error('no message');
          });
          return { receive: () => {} };
        },
      });

      await simulation.runFor(1);

      expect(failures).toMatchObject([{ message: 'no message' }]);
    });

    it('does not tell a watcher that has stopped itself', async () => {
      const { system, simulation, failures } = simulatedSystem();
      const target = system.spawn<string, undefined>({
        name: 'target',
        data: undefined,
        factory: (context) => ({ receive: () => context.stop() }),
      });
      const watcher = system.spawn<string, undefined>({
        name: 'watcher',
        data: undefined,
        factory: (context) => {
          context.watch(target, () => expect.unreachable('told'));
          return { receive: () => context.stop() };
        },
      });
      await simulation.runFor(1);
      watcher.tell('stop');
      await simulation.runFor(1);

      target.tell('stop');
      await simulation.runFor(1);

      expect(failures).toEqual([]);
    });
  });

  describe('spawn', () => {
    it('refuses a name that is taken, and gives it again once its bearer has stopped', async () => {
      const { system, simulation } = simulatedSystem();
      const spawn = (): ActorRef<string> =>
        system.spawn<string, undefined>({
          name: 'actor',
          data: undefined,
          factory: (context) => ({ receive: () => context.stop() }),
        });
      const actor = spawn();
      expect(spawn).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_OPTION', data: { option: 'name' } }));

      actor.tell('stop');
      await simulation.runFor(1);

      expect(spawn).not.toThrow();
    });

    it.each([0, -1, 1.5, Number.NaN])('refuses a mailbox for %d messages', (mailboxMax) => {
      const { system } = simulatedSystem();

      const spawn = (): unknown =>
        system.spawn({ name: 'actor', data: undefined, mailboxMax, factory: () => ({ receive: () => {} }) });

      expect(spawn).toThrowError(expect.objectContaining({ data: { option: 'mailboxMax' } }));
    });
  });
});

describe('Actor', () => {
  it('is told when a batch is over, never without a message', async () => {
    const { system, simulation } = simulatedSystem();
    let received = 0;
    const batches: number[] = [];
    const actor = system.spawn<string, undefined>({
      name: 'actor',
      data: undefined,
      factory: () => ({
        receive: () => {
          received++;
        },
        drained: () => {
          batches.push(received);
          received = 0;
        },
      }),
    });
    await simulation.runFor(1);
    expect(batches).toEqual([]);

    for (let i = 0; i < 100; i++) actor.tell('message');
    await simulation.runFor(1);

    expect(batches.reduce((sum, batch) => sum + batch, 0)).toBe(100);
    expect(Math.min(...batches)).toBeGreaterThan(0);
  });

  it('is never called again before its last call has returned', async () => {
    const { system, simulation } = simulatedSystem();
    let depth = 0;
    let deepest = 0;
    const actor = system.spawn<number, undefined>({
      name: 'actor',
      data: undefined,
      factory: (context) => ({
        receive: (n) => {
          deepest = Math.max(deepest, ++depth);
          if (n > 0) context.self.tell(n - 1);
          if (n === 0) system.stop();
          depth--;
        },
        stopped: () => {
          deepest = Math.max(deepest, ++depth);
        },
      }),
    });

    actor.tell(50);
    await simulation.runFor(1);

    expect(deepest).toBe(1);
    expect(depth).toBe(1);
  });

  it('answers an ask once: only the first answer counts', async () => {
    const { system, simulation } = simulatedSystem();
    let kept: Reply | undefined;
    const actor = system.spawn<string, undefined>({
      name: 'actor',
      data: undefined,
      factory: () => ({
        receive: (_message, reply) => {
          kept = reply;
          reply.ok('first');
          reply.ok('second');
          reply.fail(new Error('third'));
        },
      }),
    });

    const answer = actor.ask('question', { timeoutMs: 10 });
    await simulation.runFor(1);
    kept!.fail(new Error('late'));

    expect(await answer).toBe('first');
  });

  it('may reply to what it was told, to no effect', async () => {
    const { system, simulation, failures } = simulatedSystem();
    const actor = system.spawn<string, undefined>({
      name: 'actor',
      data: undefined,
      factory: () => ({ receive: (_message, reply) => reply.ok('heard by nobody') }),
    });

    actor.tell('message');
    await simulation.runFor(1);

    expect(failures).toEqual([]);
  });
});

describe('ActorSystem.stop', () => {
  it('stops actors, the last spawned first, and rejects what waits for them', async () => {
    const { system, simulation } = simulatedSystem();
    const ended: string[] = [];
    const refs = ['a', 'b'].map((name) =>
      system.spawn<string, undefined>({
        name,
        data: undefined,
        factory: () => ({ receive: () => {}, stopped: () => ended.push(name) }),
      }),
    );
    const owed = refs[0]!.ask('never answered', { timeoutMs: 1e6 });
    await simulation.runFor(1);
    const waiting = refs[1]!.ask('never handled', { timeoutMs: 1e6 });

    system.stop();

    expect(ended).toEqual(['b', 'a']);
    await expect(owed).rejects.toMatchObject({ code: 'ERR_ACTOR_STOPPED', mayBeApplied: true });
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_ACTOR_STOPPED', mayBeApplied: false });
  });

  it('leaves no timer behind', async () => {
    const { system, simulation } = simulatedSystem();
    const actor = system.spawn<string, undefined>({
      name: 'actor',
      data: undefined,
      supervision: { strategy: 'restart', delayMinMs: 1000, delayMaxMs: 1000, restartsMax: 1, windowMs: 1 },
      factory: (context) => {
        context.every(10, 'tick');
        return {
          receive: (message) => {
            if (message === 'crash') throw new Error('crash');
          },
        };
      },
    });
    actor.ask('never answered', { timeoutMs: 1e6 }).catch(() => {});
    await simulation.runFor(5);
    actor.tell('crash');
    await simulation.runFor(5);

    system.stop();

    while (simulation.step());
    expect(simulation.nowMs()).toBe(10);
  });

  it('may be called by an actor, and more than once', async () => {
    const { system, simulation, failures } = simulatedSystem();
    const calls: string[] = [];
    const actor = system.spawn<string, undefined>({
      name: 'actor',
      data: undefined,
      factory: () => ({
        receive: (message) => {
          system.stop();
          calls.push(message);
        },
        stopped: () => calls.push('stopped'),
      }),
    });
    actor.tell('first');
    actor.tell('second');

    await simulation.runFor(1);
    system.stop();

    expect(calls).toEqual(['first', 'stopped']);
    expect(failures).toEqual([]);
  });
});

/** An actor that notes what it receives and when; `handle.on` may do more with each message. */
function spawnListener(onStart: (context: ActorContext<string>) => void) {
  const { system, simulation, failures } = simulatedSystem();
  const received: string[] = [];
  const handle: { on: (message: string) => unknown } = { on: () => {} };
  system.spawn<string, undefined>({
    name: 'listener',
    data: undefined,
    factory: (context) => {
      onStart(context);
      return {
        receive: (message) => {
          received.push(`${message}@${context.clock.nowMs()}`);
          handle.on(message);
        },
      };
    },
  });
  return { simulation, failures, received, handle };
}
