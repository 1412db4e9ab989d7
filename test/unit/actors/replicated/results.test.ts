import { describe, expect, it } from 'vitest';
import {
  collectTransfers,
  ResultCollector,
  resultError,
  type ResultBlock,
} from '../../../../src/actors/replicated/results.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { ConclaveError, toPlainError } from '../../../../src/errors.js';
import { sessionId } from '../../../../src/ids.js';

const codec = new ValueCodec();

/** What a collector makes of these results; errors stand for commands that failed. */
function collect(results: readonly unknown[]): ResultBlock {
  const collector = new ResultCollector(codec);
  collector.begin(results.length);
  for (const [position, result] of results.entries()) {
    if (result instanceof Error) collector.fail(position, toPlainError(result), 'list.take');
    else collector.set(position, result, 'list.take');
  }
  return collector.end(sessionId(3), 17);
}

/** What a caller would get. */
function valuesOf({ count, numbers, values }: ResultBlock): unknown[] {
  if (numbers !== null) return [...numbers];
  return values === null ? Array.from({ length: count }) : (codec.decode(values) as unknown[]);
}

describe('ResultCollector', () => {
  it('carries session, id and count', () => {
    expect(collect([1, 2])).toMatchObject({ session: 3, id: 17, count: 2, errors: null });
  });

  it('costs no encoding where all results are numbers, whatever their value', () => {
    const results = [1, -0, NaN, Infinity, 2 ** 53, 0.5];

    const block = collect(results);

    expect(block.values).toBeNull();
    expect(valuesOf(block)).toEqual(results);
  });

  it('carries nothing at all where all results are undefined', () => {
    expect(collect([undefined, undefined])).toMatchObject({ count: 2, numbers: null, values: null, errors: null });
  });

  it.each([
    ['a number, then undefined', [1, undefined]],
    ['undefined, then a number', [undefined, 1]],
    ['numbers, then something else', [1, 2, 'x', 3]],
    ['undefined, then something else', [undefined, undefined, { a: [1n] }]],
    ['something else first', ['x', 1, undefined, null]],
    ['zero, false and the empty string', [0, false, '']],
    ['booleans, and a number among them', [true, false, 7, true]],
  ])('keeps each result as it was: %s', (_what, results) => {
    expect(valuesOf(collect(results))).toEqual(results);
  });

  it('keeps results where they belong around one that failed', () => {
    for (const at of [0, 1, 2]) {
      const results: unknown[] = [10, 11, 12];
      results[at] = new RangeError('no');

      const block = collect(results);

      expect(block.errors).toMatchObject([[at, { name: 'RangeError', message: 'no' }, 'list.take']]);
      expect(valuesOf(block)).toEqual(results.map((result, i) => (i === at ? undefined : result)));
    }
  });

  it('replaces only what cannot be encoded', () => {
    const block = collect(['a', { deep: [() => 1] }, 'b', Symbol('s')]);

    expect(valuesOf(block)).toEqual(['a', undefined, 'b', undefined]);
    const code = 'ERR_RESULT_NOT_ENCODABLE';
    const message = expect.stringContaining('list.take has run');
    expect(block.errors).toMatchObject([
      [1, { code, message, data: { path: 'result.deep[0]', method: 'list.take' } }, 'list.take'],
      [3, { code, message, data: { path: 'result', method: 'list.take' } }, 'list.take'],
    ]);
  });

  it('replaces a result that is nested too deeply for the list that it lies in', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);

    for (let levels = 60; levels < 70; levels++) {
      const block = collect(['a', nested(levels)]);
      const isRefused = block.errors !== null;
      expect(valuesOf(block)[1] === undefined).toBe(isRefused);
    }
  });

  it('begins anew with each block', () => {
    const collector = new ResultCollector(codec);
    collector.begin(1);
    collector.fail(0, toPlainError(new Error('no')), 'list.take');
    collector.end(sessionId(1), 1);

    collector.begin(1);
    collector.set(0, 5, 'list.take');

    expect(collector.end(sessionId(1), 2)).toMatchObject({ errors: null, values: null });
  });

  it('returns what a result was, not what later commands have made of it', () => {
    const collector = new ResultCollector(codec);
    const items: number[] = [];

    collector.begin(2);
    items.push(1);
    collector.set(0, items, 'list.add');
    items.push(2);
    collector.set(1, items, 'list.add');

    expect(valuesOf(collector.end(sessionId(3), 17))).toEqual([[1], [1, 2]]);
  });

  it('returns as much as fits, and says which results did not', () => {
    const large = new Uint8Array(40 * 1024 * 1024);

    const block = collect([large, 'small', large, 'also small']);

    expect(block.errors).toMatchObject([[2, { code: 'ERR_RESULT_TOO_LARGE', mayBeApplied: true }, 'list.take']]);
    expect(valuesOf(block).map((value) => typeof value)).toEqual(['object', 'string', 'undefined', 'string']);
  });

  it('hands over buffers that hold nothing but the results', () => {
    const transfers: ArrayBuffer[] = [];

    collectTransfers(collect([1, 2]), transfers);
    collectTransfers(collect(['x']), transfers);
    collectTransfers(collect([undefined]), transfers);

    expect(transfers.map(({ byteLength }) => byteLength)).toEqual([16, 7]);
  });
});

describe('resultError', () => {
  it('wraps what a command threw', () => {
    const error = resultError(toPlainError(new RangeError('no')), 'list.take', false);

    expect(error).toMatchObject({ code: 'ERR_COMMAND_THREW', message: 'no', mayBeApplied: true, retrySafe: false });
    expect(error.data).toEqual({ method: 'list.take' });
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it('passes on errors of our own', () => {
    const plain = toPlainError(new ConclaveError('ERR_ASYNC_COMMAND', 'a promise', { data: { method: 'm' } }));

    expect(resultError(plain, 'list.take', false)).toMatchObject({
      code: 'ERR_ASYNC_COMMAND',
      data: { method: 'm' },
      mayBeApplied: true,
    });
  });

  it.each([new RangeError('no'), new ConclaveError('ERR_ASYNC_COMMAND', 'a promise')])(
    'says of a query that it has changed nothing: %s',
    (thrown) => {
      expect(resultError(toPlainError(thrown), 'list.take', true)).toMatchObject({
        mayBeApplied: false,
        retrySafe: true,
      });
    },
  );
});
