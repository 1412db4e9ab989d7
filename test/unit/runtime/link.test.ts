import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import type { ActorRef } from '../../../src/runtime/actor.js';
import type { ActorSystem } from '../../../src/runtime/actor-system.js';
import { watch } from '../../threads/fixtures/placement-contract.js';
import { puppet, type PuppetMessage } from '../../threads/fixtures/puppet.js';
import { inlineSystem, simulatedSystem } from './inline-system.js';

const LONG = { timeoutMs: 20_000 };

describe('a link', () => {
  let caller: ActorSystem;
  let callee: ActorSystem;
  let callerPort: MessagePort;
  let calleePort: MessagePort;
  let ref: ActorRef<PuppetMessage>;
  const failures: Error[] = [];

  beforeEach(() => {
    failures.length = 0;
    caller = inlineSystem('caller', (error) => failures.push(error));
    callee = inlineSystem('callee', (error) => failures.push(error));
    ({ port1: callerPort, port2: calleePort } = new MessageChannel());
    caller.link('callee', callerPort);
    callee.link('caller', calleePort);
    callee.spawn({ name: 'puppet', data: undefined, supervision: { strategy: 'stop' }, factory: puppet });
    ref = caller.ref({ system: 'callee', name: 'puppet' });
  });
  afterEach(() => {
    caller.stop();
    callee.stop();
  });

  it('posts what is told in one turn as one message with one transfer list', async () => {
    const post = vi.spyOn(callerPort, 'postMessage');
    const buffers = [1, 2, 3].map((size) => new ArrayBuffer(size));

    for (const value of buffers) ref.tell({ do: 'record', value }, [value]);
    const recorded = await ref.ask<ArrayBuffer[]>({ do: 'answer recorded' }, LONG);

    expect(post).toHaveBeenCalledOnce();
    expect(recorded.map(({ byteLength }) => byteLength)).toEqual([1, 2, 3]);
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0]);
  });

  it('rejects an ask that cannot be posted, and posts everything else of that turn in order', async () => {
    const buffer = new ArrayBuffer(8);
    ref.tell({ do: 'record', value: 1 });
    const asked = ref.ask({ do: 'record', value: () => {} }, LONG);
    ref.tell({ do: 'record', value: buffer }, [buffer]);
    ref.tell({ do: 'record', value: 3 });

    await expect(asked).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE', cause: { name: 'DataCloneError' } });
    expect(await ref.ask({ do: 'answer recorded' }, LONG)).toEqual([1, expect.any(ArrayBuffer), 3]);
    expect(buffer.byteLength).toBe(0);
  });

  it('rejects an ask whose answer cannot be posted', async () => {
    const asked = ref.ask({ do: 'answer a function' }, LONG);

    await expect(asked).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE' });
  });

  it('crashes an actor that has told what cannot be posted', async () => {
    const sender = caller.spawn({
      name: 'sender',
      data: undefined,
      supervision: { strategy: 'stop' },
      factory: puppet,
    });
    const reasons = watch(caller, sender);

    sender.tell({ do: 'tell a function', to: ref.address });

    expect(await reasons.next()).toMatchObject({
      code: 'ERR_NOT_ENCODABLE',
      data: { system: 'callee', name: 'puppet' },
    });
    expect(failures).toEqual([]);
  });

  it('fails the system when someone outside of any actor has told what cannot be posted', async () => {
    ref.tell({ do: 'record', value: () => {} });

    await vi.waitFor(() => expect(failures).toMatchObject([{ code: 'ERR_NOT_ENCODABLE' }]));
  });

  it('does not bring back an actor that has told what cannot be posted, and stopped its system in the same turn', async () => {
    const { system, simulation } = simulatedSystem();
    const refusing = { postMessage: (value: unknown) => void structuredClone(value), on: () => {}, close: () => {} };
    system.link('elsewhere', refusing);
    let lives = 0;
    const sender = system.spawn<'go', void>({
      name: 'sender',
      data: undefined,
      supervision: { strategy: 'restart', delayMinMs: 1, delayMaxMs: 1, restartsMax: 3, windowMs: 1_000 },
      factory: (context) => {
        lives++;
        return {
          receive: () => {
            context.ref<() => void>({ system: 'elsewhere', name: 'any' }).tell(() => {});
            system.stop();
          },
        };
      },
    });

    sender.tell('go');
    await simulation.runFor(100);

    expect(lives).toBe(1);
    expect(system.mailboxes()).toEqual([]);
  });

  it('refuses the second of two messages that transfer the same buffer', async () => {
    const buffer = new ArrayBuffer(8);
    ref.tell({ do: 'record', value: buffer }, [buffer]);
    const second = ref.ask({ do: 'record', value: buffer }, { ...LONG, transfer: [buffer] });

    await expect(second).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE' });
    const recorded = await ref.ask<ArrayBuffer[]>({ do: 'answer recorded' }, LONG);
    expect(recorded.map(({ byteLength }) => byteLength)).toEqual([8]);
  });

  it('carries errors whose data cannot be cloned without that data', async () => {
    callee.spawn<string, undefined>({
      name: 'careless',
      data: undefined,
      factory: () => ({
        receive: (_message, reply) =>
          reply.fail(
            new ConclaveError('ERR_ASSERTION', 'careless', { data: { callback: () => {} }, cause: new Error('why') }),
          ),
      }),
    });

    const asked = caller.ref<string>({ system: 'callee', name: 'careless' }).ask('question', LONG);

    await expect(asked).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
      message: 'careless',
      cause: { message: 'why' },
    });
  });

  it('does not return credit for each message, yet never runs dry', async () => {
    const post = vi.spyOn(calleePort, 'postMessage');
    callee.spawn({ name: 'narrow', data: undefined, mailboxMax: 800, factory: puppet });
    const narrow = caller.ref<PuppetMessage>({ system: 'callee', name: 'narrow' });
    await narrow.ask({ do: 'answer', value: 'known' }, LONG);
    const before = post.mock.calls.length;

    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 50; i++) narrow.tell({ do: 'record', value: i });
      await immediate();
      await immediate();
    }

    const recorded = await narrow.ask<unknown[]>({ do: 'answer recorded' }, LONG);
    expect(recorded).toHaveLength(1000);
    expect(post.mock.calls.length - before).toBeLessThanOrEqual(12);
  });

  describe('when the other system stops', () => {
    it('settles whatever waits for it', async () => {
      const asked = ref.ask({ do: 'keep' }, LONG);
      const reasons = watch(caller, caller.ref({ system: 'callee', name: 'puppet' }));
      await ref.ask({ do: 'answer', value: 1 }, LONG);

      callee.stop();

      await expect(asked).rejects.toMatchObject({ code: 'ERR_ACTOR_STOPPED' });
      expect(await reasons.next()).toBeUndefined();
      await vi.waitFor(() =>
        expect(ref.ask({ do: 'keep' }, LONG)).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED' }),
      );
      expect(() => ref.tell({ do: 'keep' })).not.toThrow();
    });

    it('says why, if it has failed', async () => {
      callee.fail(new RangeError('broken'));

      await vi.waitFor(() =>
        expect(ref.ask({ do: 'keep' }, LONG)).rejects.toMatchObject({
          code: 'ERR_THREAD_EXITED',
          cause: { name: 'RangeError', message: 'broken' },
        }),
      );
    });
  });

  describe('whose port closes without a word', () => {
    it('rejects asks and tells watchers that the thread has exited', async () => {
      const asked = ref.ask({ do: 'keep' }, LONG);
      const reasons = watch(caller, ref);
      await ref.ask({ do: 'answer', value: 1 }, LONG);

      calleePort.close();

      await expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', mayBeApplied: true });
      expect(await reasons.next()).toMatchObject({ code: 'ERR_THREAD_EXITED' });
    });

    it('waits for the reason where one is promised', async () => {
      const { port1, port2 } = new MessageChannel();
      let exit!: (value: { error: Error }) => void;
      caller.link('mute', port1, { exited: new Promise((resolve) => (exit = resolve)) });
      const asked = caller.ref({ system: 'mute', name: 'anyone' }).ask('question', LONG);

      port2.close();
      await delay(5);
      exit({ error: new Error('out of memory') });

      await expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', cause: { message: 'out of memory' } });
    });

    it('releases what the other end had watched and asked', async () => {
      const asked = ref.ask({ do: 'keep' }, LONG);
      const reasons = watch(caller, ref);
      await ref.ask({ do: 'answer', value: 1 }, LONG);
      callerPort.close();
      await expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED' });
      await reasons.next();

      callee.ref<PuppetMessage>(ref.address).tell({ do: 'stop' });
      await immediate();

      expect(failures).toEqual([]);
    });
  });

  it('is replaced by a new link of the same name, which old references then use', async () => {
    const asked = ref.ask({ do: 'keep' }, LONG);
    const fresh = inlineSystem('callee');
    fresh.spawn({ name: 'puppet', data: undefined, factory: puppet });
    const { port1, port2 } = new MessageChannel();

    caller.link('callee', port1);
    fresh.link('caller', port2);

    await expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED' });
    expect(await ref.ask({ do: 'answer', value: 'fresh' }, LONG)).toBe('fresh');
    fresh.stop();
  });

  it('ends by unlink with the cause that is given', async () => {
    const asked = ref.ask({ do: 'keep' }, LONG);

    caller.unlink('callee', new Error('found dead'));

    await expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', cause: { message: 'found dead' } });
  });

  it('rejects asks to a system that has never been linked, and drops what it is told', async () => {
    const stranger = caller.ref({ system: 'stranger', name: 'anyone' });

    stranger.tell('message');
    const asked = stranger.ask('question', LONG);
    const reasons = watch(caller, stranger);

    await expect(asked).rejects.toMatchObject({ code: 'ERR_THREAD_EXITED', mayBeApplied: false, retrySafe: true });
    expect(await reasons.next()).toMatchObject({ code: 'ERR_THREAD_EXITED' });
  });

  it('rejects what a system still waits for when it is stopped itself', async () => {
    const asked = ref.ask({ do: 'keep' }, LONG);

    caller.stop();

    await expect(asked).rejects.toMatchObject({ code: 'ERR_ACTOR_STOPPED' });
  });

  it('posts what was told right before the system stops', async () => {
    ref.tell({ do: 'record', value: 'last words' });
    caller.stop();

    const local = callee.ref<PuppetMessage>({ system: 'callee', name: 'puppet' });
    await vi.waitFor(async () => expect(await local.ask({ do: 'answer recorded' }, LONG)).toEqual(['last words']));
  });

  it('does not link a system to itself', () => {
    const { port1 } = new MessageChannel();

    expect(() => caller.link('caller', port1)).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    port1.close();
  });
});
