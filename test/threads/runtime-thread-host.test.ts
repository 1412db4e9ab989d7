import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActorRef } from '../../dist/runtime/actor.js';
import type { ActorSystem } from '../../dist/runtime/actor-system.js';
import { loggerOf } from '../../dist/runtime/logger.js';
import { linkThread, linkThreads } from '../../dist/runtime/threads/link-threads.js';
import type { ThreadHost } from '../../dist/runtime/threads/thread-host.js';
import { watch } from './fixtures/placement-contract.js';
import type { PuppetMessage } from './fixtures/puppet.js';
import { mainSystem, puppetModule, startThread } from './fixtures/threads.js';

const LONG = { timeoutMs: 20_000 };
const FORCE = { message: 'The thread was ended by force.' };

describe('ThreadHost', () => {
  let main: ActorSystem;
  let host: ThreadHost;
  let puppet: ActorRef<PuppetMessage>;

  const startPuppetThread = async (name = 'worker'): Promise<ThreadHost> => {
    const thread = await startThread(name);
    await linkThread(main, thread);
    await thread.spawn({ name: 'puppet', module: puppetModule, export: 'puppet' });
    return thread;
  };

  beforeEach(async () => {
    main = mainSystem();
    host = await startPuppetThread();
    puppet = main.ref({ system: 'worker', name: 'puppet' });
  });
  afterEach(async () => {
    main.stop();
    await host.stop();
  });

  describe('when the thread dies', () => {
    const deaths: readonly [how: string, message: PuppetMessage, cause: object][] = [
      ['by process.exit()', { do: 'exit', code: 3 }, { message: 'process.exit(3) was called.' }],
      [
        'by an error outside of any actor',
        { do: 'throw later', text: 'uncaught' },
        { name: 'RangeError', message: 'uncaught' },
      ],
      ['by an actor that escalates', { do: 'throw', text: 'escalated' }, { name: 'RangeError', message: 'escalated' }],
    ];

    it.each(deaths)('%s, settles whatever waits for it, with the cause', async (_how, message, cause) => {
      const asked = puppet.ask({ do: 'keep' }, LONG);
      const reasons = watch(main, puppet);
      await puppet.ask({ do: 'answer', value: 'the watch has arrived' }, LONG);

      puppet.tell(message);

      await expect(asked).rejects.toMatchObject({ cause });
      expect(['ERR_THREAD_EXITED', 'ERR_ACTOR_STOPPED']).toContain(
        await asked.catch((error: { code: string }) => error.code),
      );
      const reason = await reasons.next();
      expect([reason, reason?.cause]).toContainEqual(expect.objectContaining(cause));
      await host.exited;
      await expect(puppet.ask({ do: 'keep' }, LONG)).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', cause });
    });

    it.each([
      ['by process.exit()', { do: 'exit', code: 3 }, { message: 'The thread has exited with code 3.' }],
      ...deaths.slice(1),
    ] as const)('%s, tells its host why', async (_how, message, cause) => {
      puppet.tell(message);

      const { error } = await host.exited;

      expect(error).toMatchObject({ code: 'ERR_THREAD_EXITED', data: { system: 'worker' }, cause });
    });

    it('by force, settles whatever waits for it', async () => {
      const stubborn = await startThread('stubborn', { controlTimeoutMs: 300 });
      await linkThread(main, stubborn);
      await stubborn.spawn({ name: 'puppet', module: puppetModule, export: 'puppet' });
      const ref = main.ref<PuppetMessage>({ system: 'stubborn', name: 'puppet' });
      await ref.ask({ do: 'answer', value: 1 }, LONG);
      const asked = ref.ask({ do: 'block', durationMs: 60_000 }, LONG);
      await expect(ref.ask({ do: 'answer', value: 1 }, { timeoutMs: 20 })).rejects.toMatchObject({
        code: 'ERR_TIMEOUT',
      });

      await Promise.all([
        stubborn.stop(),
        expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', cause: FORCE }),
      ]);

      expect((await stubborn.exited).error).toMatchObject({ code: 'ERR_THREAD_EXITED', cause: FORCE });
    });

    it('by running out of memory, settles whatever waits for it', async () => {
      const small = await startThread('small', { resourceLimits: { maxOldGenerationSizeMb: 24 } });
      await linkThread(main, small);
      await small.spawn({ name: 'puppet', module: puppetModule, export: 'puppet' });
      const ref = main.ref<PuppetMessage>({ system: 'small', name: 'puppet' });
      const asked = ref.ask({ do: 'keep' }, LONG);

      ref.tell({ do: 'hoard' });

      const cause = { code: 'ERR_WORKER_OUT_OF_MEMORY' };
      await expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', cause });
      expect((await small.exited).error).toMatchObject({ code: 'ERR_THREAD_EXITED', cause });
    });

    it('lets a fresh thread take its name, which old references then reach', async () => {
      const dead = host;
      puppet.tell({ do: 'exit', code: 1 });
      await dead.exited;

      host = await startPuppetThread();

      expect(await puppet.ask({ do: 'answer', value: 'fresh' }, LONG)).toBe('fresh');
    });

    it('delivers what it had sent before', async () => {
      const heard: unknown[] = [];
      main.spawn<PuppetMessage, undefined>({
        name: 'listener',
        data: undefined,
        factory: () => ({ receive: (message) => void heard.push(message) }),
      });

      puppet.tell({ do: 'pass on', to: { system: 'main', name: 'listener' }, value: 'last words' });
      const last = puppet.ask({ do: 'answer', value: 'last answer' }, LONG);
      puppet.tell({ do: 'throw later', text: 'death' });

      expect(await last).toBe('last answer');
      expect(heard).toEqual([{ do: 'record', value: 'last words' }]);
    });

    it('cannot be linked any more', async () => {
      const other = await startThread('other');
      puppet.tell({ do: 'exit', code: 1 });
      await host.exited;

      await expect(linkThread(main, host)).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED' });
      await expect(linkThreads(host, other)).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED' });

      await other.stop();
    });

    it('rejects control calls that wait, and those that come later', async () => {
      const spawned = host.spawn({
        name: 'other',
        module: 'data:text/javascript,await new Promise(() => {})',
        export: 'any',
      });
      puppet.tell({ do: 'exit', code: 3 });

      await expect(spawned).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED' });
      await expect(host.spawn({ name: 'late', module: puppetModule, export: 'puppet' })).rejects.toMatchObject({
        code: 'ERR_THREAD_EXITED',
      });
    });
  });

  describe('start', () => {
    it('rejects when the thread is not ready in time', async () => {
      const workerUrl = new URL('data:text/javascript,setInterval(() => {}, 1000)');

      const started = startThread('mute', { workerUrl, startTimeoutMs: 300 });

      await expect(started).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    });

    it('rejects when the thread throws before it is ready', async () => {
      const workerUrl = new URL('data:text/javascript,throw new RangeError("no start")');
      const onExit = vi.fn();

      const started = startThread('broken', { workerUrl, onExit });

      await expect(started).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', cause: { message: 'no start' } });
      expect(onExit).toHaveBeenCalledOnce();
    });
  });

  describe('spawn', () => {
    it.each([
      [
        'a module that does not exist',
        { module: new URL('./nowhere.js', puppetModule) },
        { code: 'ERR_MODULE_NOT_FOUND' },
      ],
      [
        'an export that does not exist',
        { export: 'nothing' },
        { code: 'ERR_INVALID_OPTION', data: { option: 'export' } },
      ],
      ['an export that is no function', { export: 'notAFactory' }, { code: 'ERR_INVALID_OPTION' }],
      ['a name that is taken', { name: 'puppet' }, { code: 'ERR_INVALID_OPTION', data: { option: 'name' } }],
      ['data that cannot be cloned', { data: () => {} }, { code: 'ERR_NOT_ENCODABLE' }],
    ])('refuses %s', async (_what, wrong, error) => {
      const spawned = host.spawn({ name: 'other', module: puppetModule, export: 'puppet', ...wrong });

      await expect(spawned).rejects.toMatchObject(error);
    });

    it('moves what it is told to move', async () => {
      const buffer = new ArrayBuffer(8);

      await host.spawn({ name: 'other', module: puppetModule, export: 'puppet', data: { buffer }, transfer: [buffer] });

      expect(buffer.byteLength).toBe(0);
    });

    it('supervises a factory that throws', async () => {
      // It throws in the turn behind the answer, which the end of the thread may overtake.
      const spawning = host.spawn({ name: 'stillborn', module: puppetModule, export: 'stillborn' });
      spawning.catch(() => {});

      const { error } = await host.exited;
      expect(error).toMatchObject({ cause: { name: 'RangeError', message: 'stillborn' } });
    });
  });

  describe('stop', () => {
    it('stops the actors in order, and reports no error', async () => {
      const heard: unknown[] = [];
      main.spawn<PuppetMessage, undefined>({
        name: 'heir',
        data: undefined,
        factory: () => ({ receive: (message) => void heard.push(message) }),
      });
      const data = { heir: { system: 'main', name: 'heir' } };
      await host.spawn({ name: 'testator', module: puppetModule, export: 'puppet', data });

      await Promise.all([host.stop(), host.stop()]);

      expect(await host.exited).toEqual({ error: undefined });
      await vi.waitFor(() => expect(heard).toEqual([{ do: 'record', value: 'stopped' }]));
    });

    it('logs nothing, though the exit of a thread may overtake its answer', async () => {
      const lines: string[] = [];
      const logger = loggerOf((_level, _details, message) => void lines.push(message));

      for (let round = 0; round < 10; round++) {
        const threads = await Promise.all(['a', 'b', 'c', 'd'].map((name) => startThread(name, { logger })));
        await Promise.all(threads.map((thread) => thread.stop()));
      }

      expect(lines).toEqual([]);
    });
  });

  it('moves the buffers of a message: the sender has them no more', async () => {
    const buffer = new Uint8Array([1, 2, 3]).buffer;

    puppet.tell({ do: 'record', value: buffer }, [buffer]);
    const [received] = await puppet.ask<[ArrayBuffer]>({ do: 'answer recorded' }, LONG);

    expect([...new Uint8Array(received)]).toEqual([1, 2, 3]);
    expect(buffer.byteLength).toBe(0);
  });

  it('crashes an actor in the thread that tells what cannot be posted', async () => {
    puppet.tell({ do: 'tell a function', to: { system: 'main', name: 'anyone' } });

    const { error } = await host.exited;

    expect(error).toMatchObject({ cause: { code: 'ERR_NOT_ENCODABLE', data: { system: 'main', name: 'anyone' } } });
  });

  it.each([null, undefined, 'ready', { kind: 'log' }, { kind: 'log', level: 'loud' }, { kind: 'failed' }])(
    'is not bothered by code in the thread that posts %s to it',
    async (value) => {
      const lines: string[] = [];
      const bothered = vi.fn<(error: Error) => void>();
      process.on('uncaughtExceptionMonitor', bothered);
      const logger = loggerOf((_level, _details, message) => void lines.push(message));
      const posting = await startThread('posting', { logger });
      await linkThread(main, posting);
      await posting.spawn({ name: 'puppet', module: puppetModule, export: 'puppet' });

      await main.ref<PuppetMessage>({ system: 'posting', name: 'puppet' }).ask({ do: 'post', value }, LONG);
      // Answered by the way that it has taken, behind it.
      await posting.measure(LONG.timeoutMs);
      await posting.stop();

      process.off('uncaughtExceptionMonitor', bothered);
      expect(bothered).not.toHaveBeenCalled();
      expect(lines).toEqual([]);
      expect(await posting.exited).toEqual({ error: undefined });
    },
  );

  it('gives the log lines of the thread to the logger of the host, errors with class and all', async () => {
    const lines: unknown[] = [];
    const logger = loggerOf((_level, details, message) => void lines.push({ ...details, message }));
    const talkative = await startThread('talkative', { logger });
    await linkThread(main, talkative);
    await talkative.spawn({ name: 'puppet', module: puppetModule, export: 'puppet' });

    main.ref<PuppetMessage>({ system: 'talkative', name: 'puppet' }).tell({ do: 'log', text: 'hello' });
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    await talkative.stop();

    expect(lines).toMatchObject([
      { thread: 'talkative', message: 'hello', error: { name: 'TypeError', message: 'logged' } },
    ]);
  });

  it('links two threads directly to each other', async () => {
    const other = await startPuppetThread('other');
    await linkThreads(host, other);
    const otherPuppet = main.ref<PuppetMessage>({ system: 'other', name: 'puppet' });

    puppet.tell({ do: 'pass on', to: otherPuppet.address, value: 'across' });
    await vi.waitFor(async () => expect(await otherPuppet.ask({ do: 'answer recorded' }, LONG)).toEqual(['across']));

    await other.stop();
  });

  it('closes the port of a link that the thread refuses', async () => {
    const { port1, port2 } = new MessageChannel();
    const closed = new Promise((resolve) => port1.once('close', resolve));

    await expect(host.link('worker', port2)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
    await closed;
  });
});
