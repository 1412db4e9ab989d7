/** Objects that say themselves what their state is, in one value or in chunks, at once or by and by. */

import { describe, expect, test } from 'vitest';
import { errorOf } from '../error-of.js';
import { restored, written } from './support/states.js';

const later = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

class Hooked {
  #seen: unknown[] = [];
  #state: unknown;

  constructor(state?: unknown) {
    this.#state = state;
  }

  get seen(): unknown[] {
    return this.#seen;
  }

  snapshot(): unknown {
    return typeof this.#state === 'function' ? (this.#state as () => unknown)() : this.#state;
  }

  restore(state: unknown): unknown {
    if (typeof state !== 'object' || state === null || !(Symbol.asyncIterator in state)) {
      this.#seen.push(state);
      return undefined;
    }
    return this.#collect(state as AsyncIterable<unknown>);
  }

  async #collect(chunks: AsyncIterable<unknown>): Promise<void> {
    for await (const chunk of chunks) {
      await later();
      this.#seen.push(chunk);
    }
  }
}

async function seenFor(state: unknown): Promise<unknown[]> {
  return (await restored(new Hooked(), await written(new Hooked(state)), 7)).seen;
}

describe('what snapshot() returns comes to restore(state):', () => {
  test('a value', async () => {
    expect(await seenFor(new Map([['a', [1]]]))).toEqual([new Map([['a', [1]]])]);
  });

  test('a primitive', async () => {
    expect(await seenFor(undefined)).toEqual([undefined]);
  });

  test('the promise of a value, as the value', async () => {
    expect(await seenFor(async () => later().then(() => ({ a: 1 })))).toEqual([{ a: 1 }]);
  });

  test('a generator, as its chunks', async () => {
    const chunks = await seenFor(function* () {
      yield new Map([[1, 'one']]);
      yield undefined;
      yield 'x'.repeat(100_000);
    });

    expect(chunks).toEqual([new Map([[1, 'one']]), undefined, 'x'.repeat(100_000)]);
  });

  test('an async generator, as its chunks', async () => {
    const chunks = await seenFor(async function* () {
      yield 1;
      await later();
      yield [2];
    });

    expect(chunks).toEqual([1, [2]]);
  });

  test('a promise of an iterator, as its chunks', async () => {
    expect(await seenFor(async () => new Map([['a', 1]]).entries())).toEqual([['a', 1]]);
  });

  test('a stream of no chunks', async () => {
    expect(await seenFor(() => [].values())).toEqual([]);
  });

  test('hundreds of chunks', async () => {
    const chunks = await seenFor(() => Array.from({ length: 500 }, (_, i) => ({ i })).values());

    expect(chunks).toHaveLength(500);
    expect(chunks.at(-1)).toEqual({ i: 499 });
  });
});

describe('sharing holds', () => {
  test('within a chunk', async () => {
    const list = [1];

    const [[a, b]] = (await seenFor(() => [[list, list]].values())) as [[number[], number[]]];

    expect(a).toBe(b);
  });

  test('not from one chunk to another', async () => {
    const list = [1];

    const [a, b] = await seenFor(() => [list, list].values());

    expect(a).toEqual(b);
    expect(a).not.toBe(b);
  });
});

test('a chunk may be changed once the next one is asked for', async () => {
  const chunks = await seenFor(function* () {
    const chunk = { i: 0 };
    for (; chunk.i < 3; chunk.i++) yield chunk;
  });

  expect(chunks).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
});

test('a snapshot that waits for nothing is written without giving up the turn', async () => {
  let isDone = false;
  const state = function* () {
    yield [1];
    yield [2];
    isDone = true;
  };

  const writing = written(new Hooked(state));

  expect(isDone).toBe(true);
  await writing;
});

describe('fails with the name of the object when', () => {
  const failures: readonly [name: string, state: unknown, code: string, message: RegExp][] = [
    [
      'snapshot throws',
      () => {
        throw new Error('no!');
      },
      'ERR_INVALID_OBJECT',
      /jobs has a snapshot that throws: no!/,
    ],
    [
      'snapshot rejects',
      async () => Promise.reject(new Error('no!')),
      'ERR_INVALID_OBJECT',
      /snapshot that throws: no!/,
    ],
    [
      'a generator throws',
      function* () {
        yield 1;
        throw new Error('no!');
      },
      'ERR_INVALID_OBJECT',
      /snapshot that throws: no!/,
    ],
    [
      'an async generator throws',
      async function* () {
        yield 1;
        throw new Error('no!');
      },
      'ERR_INVALID_OBJECT',
      /snapshot that throws: no!/,
    ],
    [
      'a value cannot be written',
      { a: [() => 1] },
      'ERR_STATE_NOT_ENCODABLE',
      /jobs\.snapshot\(\)\.a\[0\]: it is a function/,
    ],
    [
      'a chunk cannot be written',
      () => [1, [Symbol('x')]].values(),
      'ERR_STATE_NOT_ENCODABLE',
      /jobs\.snapshot\(\)\[1\]\[0\]: it is a symbol/,
    ],
    [
      'a chunk is a promise',
      () => [Promise.resolve(1)].values(),
      'ERR_STATE_NOT_ENCODABLE',
      /snapshot\(\)\[0\]: it is a promise/,
    ],
    [
      'a subclass of Map is returned',
      new (class Index extends Map {})(),
      'ERR_STATE_NOT_ENCODABLE',
      /an instance of Index/,
    ],
  ];

  for (const [name, state, code, message] of failures) {
    test(name, async () => {
      const error = await errorOf(() => written(new Hooked(state)));

      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.data['object']).toBe('jobs');
    });
  }

  test('restore throws', async () => {
    class Failing extends Hooked {
      override restore(): unknown {
        throw new Error('no!');
      }
    }
    const bytes = await written(new Hooked(1));

    const error = await errorOf(() => restored(new Failing(), bytes));

    expect(error).toMatchObject({
      code: 'ERR_INVALID_OBJECT',
      message: expect.stringMatching(/restore that throws: no!/),
    });
  });

  test('restore is done before it has read its chunks', async () => {
    class Careless extends Hooked {
      override restore(): unknown {
        return undefined;
      }
    }
    const bytes = await written(new Hooked(() => [1, 2].values()));

    const error = await errorOf(() => restored(new Careless(), bytes));

    expect(error).toMatchObject({ code: 'ERR_INVALID_OBJECT', message: expect.stringMatching(/await all of it/) });
  });

  test('the hooks were not there when the snapshot was taken, or are no longer', async () => {
    class Plain {
      a = 1;
    }

    const added = await errorOf(async () => restored(new Hooked(), await written(new Plain())));
    const removed = await errorOf(async () => restored(new Plain(), await written(new Hooked(1))));

    expect(added.code).toBe('ERR_INVALID_OBJECT');
    expect(removed.code).toBe('ERR_INVALID_OBJECT');
  });
});

describe('a restore that breaks off', () => {
  class Brief extends Hooked {
    override async restore(state: unknown): Promise<void> {
      for await (const chunk of state as AsyncIterable<unknown>) {
        this.seen.push(chunk);
        break;
      }
    }
  }

  test('is done', async () => {
    const bytes = await written(new Hooked(() => [1, 2, 3].values()));

    expect((await restored(new Brief(), bytes)).seen).toEqual([1]);
  });

  test('hides no damage in what it has not read', async () => {
    const bytes = await written(new Hooked(() => [1, 2, 3].values()));

    const error = await errorOf(() => restored(new Brief(), bytes.subarray(0, -1)));

    expect(error.code).toBe('ERR_STORAGE_CORRUPT');
  });
});

test('damage comes out as what it is, though restore hides it', async () => {
  class Calm extends Hooked {
    override async restore(state: unknown): Promise<void> {
      try {
        for await (const chunk of state as AsyncIterable<unknown>) this.seen.push(chunk);
      } catch {
        // What it does not know does not hurt it.
      }
    }
  }
  const bytes = await written(new Hooked(() => [1, 2, 3].values()));

  const error = await errorOf(() => restored(new Calm(), bytes.subarray(0, -2)));

  expect(error.code).toBe('ERR_STORAGE_CORRUPT');
});
