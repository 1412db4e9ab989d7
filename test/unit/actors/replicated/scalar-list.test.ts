import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrayWriter } from '../../../../src/actors/replicated/array-writer.js';
import { readNumberedLists } from '../../../../src/actors/replicated/scalar-list.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';

const codec = new ValueCodec();

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -32, -33, -0),
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
  fc.string({ maxLength: 20 }),
);
const anything = fc.oneof({ weight: 3, arbitrary: scalar }, fc.anything({ withBigInt: true }), fc.constant(undefined));
const lists = fc.array(fc.tuple(fc.integer({ min: 0, max: 65_535 }), fc.array(anything, { maxLength: 18 })));

/** How many of the lists were written without the codec. */
function write(writer: ArrayWriter, numbered: readonly (readonly [number, readonly unknown[]])[]): number {
  let scalarLists = 0;
  for (const [number, list] of numbered) {
    writer.addNumber(number);
    if (writer.addScalarList(list)) scalarLists++;
    else writer.add(codec.encodeInto(list));
  }
  return scalarLists;
}

describe('lists of scalars', () => {
  it('are to the codec what it has written itself, whatever is in them', () => {
    fc.assert(
      fc.property(lists, (numbered) => {
        const writer = new ArrayWriter();
        const encodable = numbered.filter(([, list]) => isEncodable(list));

        write(writer, encodable);

        const decoded = codec.decode(writer.finish(2 * encodable.length));
        const expected = encodable.flatMap(([number, list]) => [number, codec.decode(codec.encodeInto(list))]);
        expect(decoded).toStrictEqual(expected);
      }),
    );
  });

  it('are read as the codec reads them, or left to it', () => {
    fc.assert(
      fc.property(lists, (numbered) => {
        const writer = new ArrayWriter();
        const encodable = numbered.filter(([, list]) => isEncodable(list));
        const scalarLists = write(writer, encodable);
        const bytes = writer.finish(2 * encodable.length);

        const read = readNumberedLists(bytes, 0, bytes.length, 2 * encodable.length);

        if (read !== null) expect(read).toStrictEqual(codec.decode(bytes));
        else expect(scalarLists).toBeLessThan(encodable.length);
      }),
    );
  });

  it('that are damaged are read as the codec reads them, or left to it', () => {
    const damage = fc.record({ at: fc.nat(200), byte: fc.integer({ min: 0, max: 255 }), cut: fc.nat(3) });
    const numbered = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.array(scalar, { maxLength: 5 })));
    fc.assert(
      fc.property(numbered, damage, (valid, { at, byte, cut }) => {
        const writer = new ArrayWriter();
        write(writer, valid);
        const whole = writer.finish(2 * valid.length).slice();
        whole[at % whole.length] = byte;
        const bytes = whole.subarray(0, whole.length - cut);

        const read = readNumberedLists(bytes, 0, bytes.length, 2 * valid.length);

        if (read !== null) expect(read).toStrictEqual(codec.decode(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends where it is told to, whatever lies behind', () => {
    const writer = new ArrayWriter();
    write(writer, [[0, ['abc', 1.5, 70_000]]]);
    const bytes = writer.finish(2).slice();
    const behind = new Uint8Array(bytes.length + 20);
    behind.set(bytes, 7);

    expect(readNumberedLists(behind, 7, 7 + bytes.length, 2)).toEqual([0, ['abc', 1.5, 70_000]]);
    for (let cut = 1; cut <= bytes.length; cut++) {
      expect(readNumberedLists(behind, 7, 7 + bytes.length - cut, 2)).toBe(null);
    }
  });
});

function isEncodable(value: unknown): boolean {
  try {
    codec.encodeInto(value);
    return true;
  } catch {
    return false;
  }
}
