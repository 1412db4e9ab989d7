/** What is in the tables of a lane's blocks, one after the other, and what their reader makes of it. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { BLOCK_NAMES_MAX } from '../../../../src/actors/replicated/block.js';
import { BlockReader } from '../../../../src/actors/replicated/block-reader.js';
import { BlockBuilder } from '../../../../src/actors/replicated/block-builder.js';
import { BlockNames, MethodName } from '../../../../src/actors/replicated/block-names.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { sessionId } from '../../../../src/ids.js';
import { readBlock } from './support/blocks.js';

const codec = new ValueCodec();

/** The builders of one lane, and the one reader of its blocks. */
class Lane {
  readonly #names = new BlockNames();
  readonly #reader = new BlockReader();

  /** A block that calls these names, to be sealed. */
  filled(called: readonly MethodName[]): BlockBuilder {
    const builder = new BlockBuilder(codec, 10_000, this.#names);
    for (const name of called) {
      expect(builder.accepts(name)).toBe(true);
      builder.add(name, []);
    }
    return builder;
  }

  /** The table of the sealed block, and what its commands call. */
  seal(builder: BlockBuilder): { readonly names: readonly string[]; readonly called: readonly string[] } {
    const { byteLength } = builder;
    const block = builder.seal(sessionId(1), 1);
    expect(block.byteLength).toBe(byteLength);
    const { names, commandsOffset } = this.#reader.read(new DataView(block), 0, block.byteLength)!;
    const { header, commands } = readBlock(block);
    expect(header).toMatchObject({ names, commandsOffset });
    return { names, called: commands.map(([number]) => names[number]!) };
  }

  read(called: readonly MethodName[]): ReturnType<Lane['seal']> {
    return this.seal(this.filled(called));
  }
}

const namesOf = (count: number): MethodName[] =>
  Array.from({ length: count }, (_, i) => new MethodName(`object${i}`, 'run'));
const textsOf = (names: readonly MethodName[]): string[] => names.map(({ text }) => text);

describe('the table of a block', () => {
  it('is that of the block before it, where that has called many names and most of its own', () => {
    const names = namesOf(200);
    const lane = new Lane();
    const first = lane.read(names);

    const second = lane.read(names.slice(50).toReversed());

    expect(second.names).toBe(first.names);
    expect(second.called).toEqual(textsOf(names.slice(50).toReversed()));
  });

  it('is added to', () => {
    const names = namesOf(40);
    const lane = new Lane();
    lane.read(names.slice(0, 20));

    expect(lane.read(names.slice(10)).names).toEqual(textsOf(names));
  });

  it.each([
    ['few names', 15, 15],
    ['less than half of its own', 100, 49],
  ])('is empty at first where the block before it has called %s', (_, count, called) => {
    const names = namesOf(count);
    const lane = new Lane();
    lane.read(names);
    lane.read(names.slice(0, called));

    expect(lane.read([names[3]!]).names).toEqual([names[3]!.text]);
  });

  it('is empty at first where that of the block before it was large', () => {
    const names = Array.from({ length: 500 }, (_, i) => new MethodName(`${'x'.repeat(128)}${i}`, 'run'));
    const lane = new Lane();
    lane.read(names);

    expect(lane.read([names[3]!]).names).toEqual([names[3]!.text]);
  });

  it('of a block that waits has nothing that later blocks have added, and stays when they begin anew', () => {
    const names = namesOf(60);
    const lane = new Lane();
    const waiting = lane.filled(names.slice(0, 20));
    const next = lane.filled(names.slice(0, 40));
    const few = lane.filled(names.slice(0, 1));
    const anew = lane.filled(names.slice(40));

    expect(lane.seal(waiting).names).toEqual(textsOf(names.slice(0, 20)));
    expect(lane.seal(next).names).toEqual(textsOf(names.slice(0, 40)));
    expect(lane.seal(few).called).toEqual(textsOf(names.slice(0, 1)));
    expect(lane.seal(anew)).toEqual({ names: textsOf(names.slice(40)), called: textsOf(names.slice(40)) });
  });

  it('has room for any name when a block begins', () => {
    const names = Array.from({ length: 2 * BLOCK_NAMES_MAX - 2 }, (_, i) => new MethodName('', i.toString(36)));
    const lane = new Lane();
    const half = names.length / 2;
    lane.read(names.slice(0, half));

    expect(lane.read(names.slice(half)).called).toEqual(textsOf(names.slice(half)));
  });
});

test('blocks call what they were told to, whatever those before them have called and whenever they are sealed', () => {
  const sizes = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 200 }), fc.boolean()), { maxLength: 12 });
  fc.assert(
    fc.property(sizes, (blocks) => {
      const names = namesOf(400);
      const lane = new Lane();
      let waiting: { readonly builder: BlockBuilder; readonly called: readonly string[] }[] = [];
      for (const [from, count, isSealed] of blocks) {
        const called = names.slice(from, from + count);
        waiting.push({ builder: lane.filled(called), called: textsOf(called) });
        if (!isSealed) continue;
        for (const each of waiting) expect(lane.seal(each.builder).called).toEqual(each.called);
        waiting = [];
      }
      for (const each of waiting) expect(lane.seal(each.builder).called).toEqual(each.called);
    }),
    { numRuns: 50 },
  );
});
