import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_NAMES_MAX, CANCELLED_NAME } from '../../../../src/actors/replicated/block.js';
import { BlockReader } from '../../../../src/actors/replicated/block-reader.js';
import { BlockBuilder } from '../../../../src/actors/replicated/block-builder.js';
import { BlockNames, MethodName } from '../../../../src/actors/replicated/block-names.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { sessionId } from '../../../../src/ids.js';
import { errorOf } from './error-of.js';
import { readBlock } from './support/blocks.js';

const BYTES_MAX = 10_000;

describe('BlockBuilder', () => {
  let builder: BlockBuilder;
  const add = new MethodName('book', 'add');
  const append = new MethodName('book', 'append');

  beforeEach(() => {
    builder = new BlockBuilder(new ValueCodec(), BYTES_MAX, new BlockNames());
  });

  it('writes commands in order, and each name once', () => {
    expect(builder.add(add, [1, 'x'])).toBe(0);
    expect(builder.add(append, [])).toBe(1);
    expect(builder.add(add, [{ a: 2 }])).toBe(2);
    expect(builder.count).toBe(3);

    const { header, commands } = readBlock(builder.seal(sessionId(7), 41));

    expect(header).toMatchObject({ session: 7, firstSeq: 41, count: 3, names: ['book.add', 'book.append'] });
    expect(commands).toEqual([
      [0, [1, 'x']],
      [1, []],
      [0, [{ a: 2 }]],
    ]);
  });

  it('knows the size of the block before it is sealed', () => {
    for (let i = 0; i < 100; i++) builder.add(i % 2 === 0 ? add : append, ['x'.repeat(i)]);
    const { byteLength } = builder;

    expect(builder.seal(0, 1).byteLength).toBe(byteLength);
  });

  it('takes the arguments as they are at the moment of the call', () => {
    const list = [1];

    builder.add(add, [list]);
    list.push(2);

    expect(readBlock(builder.seal(0, 1)).commands).toEqual([[0, [[1]]]]);
  });

  it('is empty again after it was sealed, and names start anew', () => {
    builder.add(add, [1]);
    builder.seal(0, 1);
    expect(builder.count).toBe(0);

    builder.add(append, [2]);

    const { header, commands } = readBlock(builder.seal(0, 2));
    expect(header).toMatchObject({ firstSeq: 2, names: ['book.append'] });
    expect(commands).toEqual([[0, [2]]]);
  });

  it('a name that has moved to another block since is not lost from this one', () => {
    const other = new BlockBuilder(new ValueCodec(), BYTES_MAX, new BlockNames());
    builder.add(add, [1]);
    other.add(append, [2]);
    other.add(add, [3]);
    builder.seal(0, 1);

    const { header, commands } = readBlock(other.seal(0, 2));

    expect(header.names).toEqual(['book.append', 'book.add']);
    expect(commands).toEqual([
      [0, [2]],
      [1, [3]],
    ]);
  });

  it('marks cancelled commands, wherever they are', () => {
    for (let i = 0; i < 50; i++) builder.add(add, [i]);

    builder.cancel(0);
    builder.cancel(49);
    builder.cancel(17);

    const { commands } = readBlock(builder.seal(0, 1));
    const cancelled = commands.flatMap(([name], position) => (name === CANCELLED_NAME ? [position] : []));
    expect(cancelled).toEqual([0, 17, 49]);
    expect(commands[18]).toEqual([0, [18]]);
  });

  it('refuses a command that is too large, and is as it was', async () => {
    builder.add(add, [1]);
    const { byteLength } = builder;

    const error = await errorOf(() => builder.add(append, ['x'.repeat(BYTES_MAX)]));

    expect(error).toMatchObject({ code: 'ERR_COMMAND_TOO_LARGE', mayBeApplied: false });
    expect(error.data).toMatchObject({ method: 'book.append', bytesMax: BYTES_MAX });
    expect(builder).toMatchObject({ count: 1, byteLength });
    expect(readBlock(builder.seal(0, 1)).header.names).toEqual(['book.add']);
  });

  it('refuses what cannot be encoded, and is as it was', async () => {
    builder.add(add, [1]);

    const error = await errorOf(() => builder.add(append, [{ f: () => 1 }]));

    expect(error).toMatchObject({ code: 'ERR_NOT_ENCODABLE', data: { path: 'args[0].f' } });
    expect(readBlock(builder.seal(0, 1)).commands).toEqual([[0, [1]]]);
  });

  it('refuses arguments that are nested too deeply for where they lie in the block', async () => {
    const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);
    let levels = 1;
    for (let isRefused = false; !isRefused; levels++) {
      try {
        builder.add(add, [nested(levels)]);
      } catch {
        isRefused = true;
      }
    }

    expect(levels).toBeGreaterThan(50);
    expect(readBlock(builder.seal(0, 1)).commands).toHaveLength(levels - 2);
  });

  it('accepts as many names as a block may hold, and those it has', () => {
    // One number means that a command was cancelled.
    const names = Array.from({ length: BLOCK_NAMES_MAX - 1 }, (_, i) => new MethodName('book', `method${i}`));
    for (const name of names) {
      expect(builder.accepts(name)).toBe(true);
      builder.add(name, []);
    }

    expect(builder.accepts(add)).toBe(false);
    expect(builder.accepts(names[0]!)).toBe(true);
    builder.cancel(names.length - 1);
    builder.cancel(1);
    const { header, commands } = readBlock(builder.seal(0, 1));
    const called = commands.map(([number]) => (number === CANCELLED_NAME ? null : header.names[number]));
    const expected = names.map(({ text }, i) => (i === 1 || i === names.length - 1 ? null : text));
    expect(called).toEqual(expected);
  });

  it('takes as many arguments as every thread can pass on, and no more', () => {
    builder.add(
      add,
      Array.from({ length: 4_096 }, () => 0),
    );

    expect(() =>
      builder.add(
        add,
        Array.from({ length: 4_097 }, () => 0),
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'ERR_COMMAND_TOO_LARGE',
        data: { method: 'book.add', args: 4_097, argsMax: 4_096 },
      }),
    );
    expect(builder.count).toBe(1);
  });

  it('grows as far as it must, and takes another block afterwards', () => {
    const large = new BlockBuilder(new ValueCodec(), 10_000_000, new BlockNames());
    large.add(add, ['x'.repeat(6_000_000)]);
    expect(large.seal(0, 1).byteLength).toBeGreaterThan(6_000_000);

    large.add(add, [1]);

    expect(readBlock(large.seal(0, 2)).commands).toEqual([[0, [1]]]);
  });
});

describe('BlockReader', () => {
  const read = (bytes: Uint8Array<ArrayBuffer>): unknown =>
    new BlockReader().read(new DataView(bytes.buffer), 0, bytes.byteLength);
  const sealed = (): Uint8Array<ArrayBuffer> => {
    const builder = new BlockBuilder(new ValueCodec(), BYTES_MAX, new BlockNames());
    builder.add(new MethodName('book', 'add'), [1]);
    return new Uint8Array(builder.seal(sessionId(1), 1));
  };

  it('answers null for what is cut off anywhere in the header or the names', () => {
    const bytes = sealed();
    const namesEnd = 24 + 2 + 'book.add'.length;

    for (let length = 0; length < namesEnd; length++) expect(read(bytes.slice(0, length))).toBeNull();
    expect(read(bytes.slice(0, namesEnd))).not.toBeNull();
  });

  it('answers null for more names than a block may hold', () => {
    const bytes = sealed();
    new DataView(bytes.buffer).setUint32(20, BLOCK_NAMES_MAX + 1, true);

    expect(read(bytes)).toBeNull();
  });

  it('reads each block by its own names, whatever the last one had', () => {
    const reader = new BlockReader();
    const namesOf = (...methods: string[]): readonly string[] => {
      const builder = new BlockBuilder(new ValueCodec(), BYTES_MAX, new BlockNames());
      for (const method of methods) builder.add(new MethodName('book', method), []);
      const bytes = builder.seal(sessionId(1), 1);
      return reader.read(new DataView(bytes), 0, bytes.byteLength)!.names;
    };

    const first = namesOf('add', 'put');

    expect(first).toEqual(['book.add', 'book.put']);
    expect(namesOf('add', 'put')).toBe(first);
    expect(namesOf('add', 'pop')).toEqual(['book.add', 'book.pop']);
    expect(namesOf('add')).toEqual(['book.add']);
    expect(namesOf('add', 'put')).toEqual(first);
  });
});
