/** From a definition to an instance on another thread, and every reason why not. */

import { describe, expect, test } from 'vitest';
import {
  loadObject,
  object,
  resolveDefinition,
  type LoadedObject,
  type ResolvedObject,
} from '../../../../src/actors/replicated/object-definition.js';
import { exportNameOf, importExport } from '../../../../src/actors/replicated/object-module.js';
import { ReplMap } from '../../../../src/actors/replicated/objects/map.js';
import { ReplQueue } from '../../../../src/actors/replicated/objects/queue.js';
import { readState } from '../../../../src/actors/replicated/state/read-state.js';
import { writeState } from '../../../../src/actors/replicated/state/write-state.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { errorOf } from './error-of.js';
import * as accounts from './fixtures/accounts.js';

const codec = new ValueCodec();
const resolve = (definition: unknown, name = 'acct'): Promise<ResolvedObject> =>
  resolveDefinition(name, definition, codec);
const here = (file: string): string => new URL(`./fixtures/${file}`, import.meta.url).href;

/** Brings the one to the state of the other. */
async function throughBytes(from: LoadedObject, to: LoadedObject): Promise<void> {
  const pieces: Uint8Array[] = [];
  const goOn = (): undefined => undefined;
  await writeState(from, (bytes) => pieces.push(bytes.slice()), goOn);
  await readState(to, () => pieces.shift() ?? null, goOn);
}

function classWith(statics: object, name = 'Local'): unknown {
  const Local = {
    [name]: class {
      get(): number {
        return 1;
      }
    },
  }[name]!;
  return Object.assign(Local, statics);
}

describe('resolving', () => {
  test('a class gives plain data that crosses threads', async () => {
    const resolved = await resolve(accounts.Account);

    expect(structuredClone(resolved)).toEqual({
      name: 'acct',
      module: accounts.Account.module,
      exportName: 'Account',
      args: codec.encodeInto([]).slice(),
      methods: new Map([
        ['deposit', 'replicated'],
        ['get', 'query'],
      ]),
      commands: new Map([['deposit', [{ version: 0, method: 'deposit' }]]]),
      since: 0,
      waits: {},
    });
  });

  test('a class says which of its methods can wait, and what for', async () => {
    const { waits } = await resolve(ReplQueue);

    expect(structuredClone(waits)).toMatchObject({ take: { while: undefined, until: ['put'] } });
  });

  test.each([
    ['a method that is none', { give: { while: undefined, until: [] } }],
    ['a query', { get: { while: undefined, until: [] } }],
    ['no result', { deposit: { while: {}, until: [] } }],
    ['no list of changes', { deposit: { while: 0, until: 'put' } }],
    ['nothing at all', 7],
  ])('a class whose waits name %s is refused', async (_what, waits) => {
    class Odd extends accounts.Account {
      static override readonly module = import.meta.url;
      static readonly waits = waits;
    }

    expect((await errorOf(() => resolve(Odd))).message).toContain('waits');
  });

  test('a definition carries the arguments of the constructor', async () => {
    const resolved = await resolve(object(accounts.Account, { limit: 7 }));

    expect(codec.decode(resolved.args)).toEqual([{ limit: 7 }]);
    expect(resolved.args.buffer.byteLength).toBe(resolved.args.length);
  });

  test('a default export', async () => {
    expect((await resolve(accounts.default)).exportName).toBe('default');
  });

  test('a class with type arguments', async () => {
    expect((await resolve(object(ReplMap<string, number>))).exportName).toBe('ReplMap');
  });

  test('private state is accepted with hooks', async () => {
    expect((await resolve(accounts.PrivateStateWithHooks)).exportName).toBe('PrivateStateWithHooks');
  });

  test('the longest name, with letters of any kind', async () => {
    expect((await resolve(accounts.Account, 'ä😀-_/ '.repeat(18))).name).toHaveLength(126);
  });
});

describe('names that are refused', () => {
  for (const name of ['', 'a.b', 'a\nb', 'a\u0000', 'a\u0085', '\uD800', 'x'.repeat(129)]) {
    test(JSON.stringify(name).slice(0, 20), async () => {
      const error = await errorOf(() => resolve(accounts.Account, name));

      expect(error.code).toBe('ERR_INVALID_OPTION');
      expect(error.data).toEqual({ option: 'objects', object: name });
    });
  }
});

describe('classes that are refused', () => {
  const refused: Record<string, [definition: unknown, says: string]> = {
    nothing: [undefined, 'is not a class'],
    null: [null, 'is not a class'],
    'an instance': [new accounts.Account(), 'is not a class'],
    'a function': [() => new accounts.Account(), 'is not a class'],
    "a class of JavaScript's own": [Map, 'is not a class but a function, or a class of the language itself'],
    'an old-style constructor': [function Account() {}, 'is not a class'],
    'a proxy of a class': [new Proxy(accounts.Account, {}), 'is not a class'],
    'no module': [classWith({}), 'write "static readonly module = import.meta.url;" in the class Local'],
    'the module of another class': [accounts.InheritsModule, 'in the class InheritsModule'],
    'a module that is a path': [classWith({ module: '/srv/account.js' }), 'which is no URL of a file'],
    'a module that is relative': [classWith({ module: './account.js' }), 'which is no URL of a file'],
    'a module on the web': [classWith({ module: 'https://example.org/account.js' }), 'which is no URL of a file'],
    'a module that is no string': [classWith({ module: 5 }), 'which is no URL of a file'],
    'no methods': [accounts.NothingMarked, '@replicated or @query, or use defineObject'],
    'not exported': [accounts.hiddenClass(), 'does not export: write "export" before the class Hidden there'],
    'private state': [accounts.PrivateState, 'use a TypeScript private field, or define snapshot() and restore(state)'],
    'private state of a base class': [accounts.InheritsPrivateState, 'which no snapshot can see'],
    'one hook without the other': [accounts.HalfOfTheHooks, 'has snapshot() but no restore(state)'],
    'private state that the hooks of a ready-made object know nothing of': [
      accounts.CountsInPrivate,
      'taken, of which the snapshot() of ReplQueue knows nothing',
    ],
    'state inside of a built-in': [accounts.ExtendsMap, 'extends Map'],
    'an async override': [accounts.OverriddenByAsync, 'cannot have deposit, for this replicated method is async'],
    'an override that is no method': [accounts.OverriddenByGetter, 'is overridden by what is not a method'],
  };

  for (const [name, [definition, says]] of Object.entries(refused)) {
    test(name, async () => {
      const error = await errorOf(() => resolve(definition));

      expect(error.code).toBe('ERR_INVALID_OBJECT');
      expect(error.message).toContain('The object acct ');
      expect(error.message).toContain(says);
      expect(error.data['object']).toBe('acct');
    });
  }

  test('a module that throws', async () => {
    const error = await errorOf(() => exportNameOf('acct', here('throws.ts'), accounts.Account));

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toContain('broken module');
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('a module that is no JavaScript, with advice that helps on the thread that cannot load it', async () => {
    // Imported by Node itself, as it is on the thread of the objects.
    const module = `data:text/javascript,import ${JSON.stringify(here('../../../../../README.md'))}`;

    const onCallers = await errorOf(() => exportNameOf('acct', module, accounts.Account));
    const onObjects = await errorOf(() => importExport('acct', module, 'Account'));

    expect(onCallers.code).toBe('ERR_INVALID_OBJECT');
    expect(onCallers.message).toContain('; Node loads JavaScript only: compile it first');
    expect(onCallers.message).not.toContain('threads: false');
    expect(onObjects.code).toBe('ERR_INVALID_OBJECT');
    expect(onObjects.message).toContain(
      '; the object thread loads JavaScript: compile it first, or use threads: false',
    );
  });

  test('a class of a module that was loaded twice', async () => {
    class Account {
      balance = 0;
    }

    const error = await errorOf(() => exportNameOf('acct', here('accounts.ts'), Account));

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toContain('the module has been loaded twice');
    expect(error.message).not.toContain('write "export"');
  });

  test('a module that does not exist', async () => {
    const error = await errorOf(() => exportNameOf('acct', here('nowhere.ts'), accounts.Account));

    expect(error.message).toContain('cannot be loaded');
  });

  test('a module that never finishes loading', async () => {
    const error = await errorOf(() => exportNameOf('acct', here('never-loaded.ts'), accounts.Account, 10));

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toContain('move the class into a file of its own');
  });
});

test('arguments that cannot be encoded are refused with their path', async () => {
  const definition = object(accounts.Account, { limit: 1, log: () => undefined } as { limit: number });

  const error = await errorOf(() => resolve(definition));

  expect(error.code).toBe('ERR_NOT_ENCODABLE');
  expect(error.message).toContain('The object acct');
  expect(error.data).toEqual({ object: 'acct', path: 'args[0].log', found: 'a function' });
});

describe('loading', () => {
  test('refuses fields that the hooks of a ready-made object know nothing of', async () => {
    const error = await errorOf(async () => loadObject(await resolve(accounts.Counts)));

    expect(error).toMatchObject({ code: 'ERR_STATE_NOT_ENCODABLE', data: { path: 'acct.count' } });
    expect(error.message).toContain('which the snapshot() of ReplQueue knows nothing of');
  });

  test('a class that extends a ready-made object brings back its own state by hooks of its own', async () => {
    const resolved = await resolve(accounts.CountsWithHooks);
    const [from, to] = [await loadObject(resolved), await loadObject(resolved)];
    const queue = from.instance as accounts.CountsWithHooks;
    for (const item of ['a', 'b', 'c']) queue.put(item);
    queue.take();

    await throughBytes(from, to);

    const restored = to.instance as accounts.CountsWithHooks;
    expect([restored.counts(), restored.take(), restored.size()]).toEqual([[3, 1], 'b', 1]);
  });

  test('makes a new instance each time, of the arguments', async () => {
    const resolved = structuredClone(await resolve(object(accounts.Account, { limit: 7 })));

    const first = (await loadObject(resolved)).instance as accounts.Account;
    const second = await loadObject(resolved);

    expect(first.deposit(50)).toBe(7);
    expect((second.instance as accounts.Account).get()).toBe(0);
    expect(second).toMatchObject({ name: 'acct', methods: resolved.methods });
  });

  test('a class from a data: URL', async () => {
    const source =
      'export class Box { get() { return 5; } }\n' +
      'Object.defineProperty(Box.prototype.get, Symbol.for("conclave.method"), { value: "query" });\n' +
      'Box.module = import.meta.url;';
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    const { Box } = (await import(/* @vite-ignore */ module)) as { Box: unknown };

    const { instance } = await loadObject(await resolve(Box));

    expect((instance as { get(): number }).get()).toBe(5);
  });

  const refused: Record<string, [definition: unknown, change: Partial<ResolvedObject>, says: string]> = {
    'a class that is not exported there': [accounts.Account, { exportName: 'Gone' }, 'is not exported as Gone'],
    'a class that is another there': [accounts.Account, { exportName: 'hiddenClass' }, 'is not a class'],
    'a method that is not there': [
      accounts.Account,
      { methods: new Map([['withdraw', 'replicated']]) },
      'has no replicated method withdraw',
    ],
    'a method of another kind there': [
      accounts.Account,
      { methods: new Map([['get', 'replicated']]) },
      'no replicated method get',
    ],
    'a constructor that throws': [accounts.ThrowsWhenMade, {}, 'the constructor of its class throws: not today'],
    'a constructor that was not given what it needs': [
      accounts.ThrowsWhenMade,
      {},
      'it was given no arguments: arguments go in object(Class, …)',
    ],
    'a field that hides a method': [accounts.FieldHidesMethod, {}, 'has a field deposit that hides its method'],
  };

  for (const [name, [definition, change, says]] of Object.entries(refused)) {
    test(`refuses ${name}`, async () => {
      const resolved = { ...(await resolve(definition)), ...change };

      const error = await errorOf(() => loadObject(resolved));

      expect(error.code).toBe('ERR_INVALID_OBJECT');
      expect(error.message).toContain(says);
      expect(error.data['object']).toBe('acct');
    });
  }
});
