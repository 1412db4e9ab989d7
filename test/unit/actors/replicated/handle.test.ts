import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import type { MethodName } from '../../../../src/actors/replicated/block-names.js';
import type { Call, Consistency } from '../../../../src/actors/replicated/call.js';
import type { Caller } from '../../../../src/actors/replicated/caller.js';
import { FIRST_PLACE } from '../../../../src/actors/replicated/changes/change-place.js';
import type { Changes, WatchOptions } from '../../../../src/actors/replicated/changes/changes.js';
import type { WatchRequest } from '../../../../src/actors/replicated/changes/watch-desk.js';
import { Watch } from '../../../../src/actors/replicated/changes/watch.js';
import { HandleFactory } from '../../../../src/actors/replicated/handle.js';
import type { RemoteOf } from '../../../../src/actors/replicated/remote-of.js';
import { errorOf } from './error-of.js';
import type { Journal } from './fixtures/journal.js';

/** Takes the calls of handles and writes them down. */
class RecordingCaller implements Pick<Caller, 'command' | 'query' | 'tellCommand' | 'watch'> {
  readonly calls: unknown[] = [];
  readonly watches: WatchRequest[] = [];
  readonly names = new Set<MethodName>();

  command(name: MethodName, args: readonly unknown[], call: Call): Promise<unknown> {
    return this.#record('command', name, args, call);
  }

  query(name: MethodName, args: readonly unknown[], consistency: Consistency, call: Call): Promise<unknown> {
    return this.#record(consistency, name, args, call);
  }

  tellCommand(name: MethodName, args: readonly unknown[]): void {
    void this.#record('tell', name, args, undefined);
  }

  watch(request: WatchRequest): Watch {
    this.watches.push(request);
    return new Watch({ name: request.object, upTo: FIRST_PLACE }, request.key, () => {});
  }

  #record(how: string, name: MethodName, args: readonly unknown[], call: Call | undefined): Promise<unknown> {
    this.names.add(name);
    this.calls.push([how, name.text, args, call]);
    return Promise.resolve('result');
  }
}

const ORDINARY = { timeoutMs: null, signal: null };

describe('a handle', () => {
  let caller: RecordingCaller;
  let handle: RemoteOf<Journal>;

  beforeEach(() => {
    caller = new RecordingCaller();
    const methods = new Map([
      ['write', 'replicated'],
      ['read', 'query'],
    ] as const);
    handle = new HandleFactory(caller as unknown as Caller, {
      name: 'journal',
      methods,
      commands: new Map(),
    }).handle() as RemoteOf<Journal>;
  });

  it('hands commands and queries to the caller', async () => {
    await expect(handle.write('a')).resolves.toBe('result');
    await handle.read();

    expect(caller.calls).toEqual([
      ['command', 'journal.write', ['a'], ORDINARY],
      ['linearizable', 'journal.read', [], ORDINARY],
    ]);
  });

  it('makes handles with other options, each adding to those before', async () => {
    const { signal } = new AbortController();
    const local = handle.with({ consistency: 'local', timeoutMs: 50 });

    await local.read();
    await local.with({ signal }).read();
    await local.with({ timeoutMs: 70 }).write('a');
    await handle.read();

    expect(caller.calls).toEqual([
      ['local', 'journal.read', [], { timeoutMs: 50, signal: null }],
      ['local', 'journal.read', [], { timeoutMs: 50, signal }],
      ['command', 'journal.write', ['a'], { timeoutMs: 70, signal: null }],
      ['linearizable', 'journal.read', [], ORDINARY],
    ]);
  });

  it('shares the names of methods among all its variants, one for each lane', async () => {
    for (let i = 0; i < 3; i++) {
      await handle.with({ timeoutMs: 10 }).write('a');
      await handle.with({ consistency: 'local' }).read();
      await handle.read();
      handle.tell.write('a');
    }

    expect(caller.names.size).toBe(3);
  });

  it('tells commands, and only those', async () => {
    expect(handle.tell.write('a')).toBeUndefined();

    expect(caller.calls).toEqual([['tell', 'journal.write', ['a'], undefined]]);
    expect(handle.tell).toBe(handle.tell);
    expect(await errorOf(() => handle.tell.read())).toMatchObject({
      code: 'ERR_UNKNOWN_METHOD',
      data: { method: 'read' },
      message: 'journal.read is a query; tell is for replicated methods.',
    });
  });

  it('says which methods there are when asked for one that is not', async () => {
    const error = await errorOf(() => handle.writeContext());

    expect(error).toMatchObject({ code: 'ERR_UNKNOWN_METHOD', mayBeApplied: false });
    expect(error.data).toEqual({ object: 'journal', method: 'writeContext' });
    expect(error.message).toContain('write, read');
  });

  it('takes of a place what it says and no more: it goes to another thread, where not everything can go', () => {
    const place = { index: 7, command: 0, change: 1 };

    const watchable = handle as unknown as { watch(options: WatchOptions): Changes };
    watchable.watch({ from: new Proxy(place, {}) });
    watchable.watch({ from: Object.assign({ note: () => {} }, place) });
    place.index = 99;

    const expected = { index: 7, command: 0, change: 1 };
    expect(caller.watches.map(({ from }) => structuredClone(from))).toEqual([expected, expected]);
  });

  it('can be returned from an async function, printed and turned into JSON', async () => {
    const giveBack = async (): Promise<RemoteOf<Journal>> => handle;

    expect((await giveBack()) === handle).toBe(true);
    expect(inspect({ handle, tell: handle.tell })).toContain('[handle to journal: write, read]');
    expect(() => JSON.stringify(handle)).not.toThrow();
  });

  it.each([
    [{ consistency: 'eventual' }, 'consistency', 'eventual'],
    [{ timeoutMs: 0 }, 'timeoutMs', '0'],
    [{ timeoutMs: -5 }, 'timeoutMs', '-5'],
    [{ timeoutMs: NaN }, 'timeoutMs', 'NaN'],
    [{ timeoutMs: Infinity }, 'timeoutMs', 'Infinity'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs', '2147483648'],
    [{ timeoutMs: '50' }, 'timeoutMs', 'must be a number above 0 and at most 2147483647, not the string "50"'],
    [{ signal: {} }, 'signal', 'AbortSignal'],
    [{ timeout: 5 }, 'timeout', 'timeout'],
    [AbortSignal.timeout(1), 'options', 'must be an object, of consistency, timeoutMs and signal, not an AbortSignal'],
    [null, 'options', 'object'],
    [undefined, 'options', 'undefined'],
  ])('refuses %j', async (options, option, shown) => {
    const error = await errorOf(() => handle.with(options as never));

    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option } });
    expect(error.message).toContain(shown);
    expect(caller.calls).toEqual([]);
  });

  it('takes options that are undefined for left out', async () => {
    await handle
      .with({ timeoutMs: 50 })
      .with({ timeoutMs: undefined, signal: undefined } as never)
      .write('a');

    expect(caller.calls).toEqual([['command', 'journal.write', ['a'], { timeoutMs: 50, signal: null }]]);
  });
});
