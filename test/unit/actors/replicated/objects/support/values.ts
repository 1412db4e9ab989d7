/** Values for the tests of ready-made objects: each in all the guises in which it is the same. */

import fc from 'fast-check';

/** Of each kind: values that are the same to each other, and to nothing in another line. */
export const KINDS: readonly (readonly unknown[])[] = [
  [0, -0],
  [1],
  [1n],
  ['1'],
  [''],
  ['\0'],
  ['\0"1"'],
  ['\0[1]'],
  ['[1]'],
  [true],
  ['true'],
  [null],
  ['null'],
  [undefined],
  [Number.NaN],
  ['NaN'],
  [Infinity],
  [[]],
  [[1], [1]],
  [['1']],
  [['1,1']],
  [
    ['1', '1'],
    ['1', '1'],
  ],
  [[1n]],
  [[[1]], [[1]]],
  [
    [0, Number.NaN],
    [-0, Number.NaN],
  ],
  [[undefined]],
  [[null]],
  [{}, Object.create(null)],
  [{ a: 1, b: [2] }, { b: [2], a: 1 }, Object.assign(Object.create(null) as object, { a: 1, b: [2] })],
  [{ a: 1 }],
  [{ a: undefined }],
  [{ b: undefined }],
  [{ a: 1, b: [3] }],
  [JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
  [{ '1': 1 }],
  [new Map()],
  [new Map<unknown, unknown>([['1', 1]])],
  [new Map<unknown, unknown>([[1, 1]])],
  [
    new Map<unknown, unknown>([
      [{ id: 1 }, 2],
      [3, 4],
    ]),
    new Map<unknown, unknown>([
      [3, 4],
      [{ id: 1 }, 2],
    ]),
  ],
  [new Set()],
  [new Set<unknown>([1, [2]]), new Set<unknown>([[2], 1])],
  [new Set<unknown>([1, 2])],
  [new Date(0), new Date(0)],
  [new Date(1)],
  [new Date(Number.NaN), new Date(Number.NaN)],
  [Uint8Array.of(1, 2), Uint8Array.of(9, 1, 2).subarray(1)],
  [Int8Array.of(1, 2)],
  [Uint8Array.of(1)],
  [new DataView(Uint8Array.of(1, 2).buffer)],
  [Uint8Array.of(1, 2).buffer, Uint8Array.of(1, 2).buffer],
];

/** Any of those, in any guise. */
export const anyValue: fc.Arbitrary<unknown> = fc.constantFrom(...KINDS.flat());

/** Of which kind is this very value? */
export function kindOf(value: unknown): number {
  return KINDS.findIndex((guises) => guises.some((guise) => Object.is(guise, value)));
}

/** A list that says how long it is, and takes no memory for it. */
export function ofLength(length: number): string[] {
  const list: string[] = [];
  list.length = length;
  return list;
}
