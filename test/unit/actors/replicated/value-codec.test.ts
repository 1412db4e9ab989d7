/** What can be encoded comes back equal, what cannot is refused with its path, and garbage never gets through. */

import vm from 'node:vm';
import { decode as decodePlainly, encode as encodePlainly } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { ConclaveError } from '../../../../src/errors.js';
import { errorOf } from './error-of.js';

const codec = new ValueCodec();

function roundTrip(value: unknown): unknown {
  return codec.decode(codec.encodeInto(value).slice());
}

function nested(levels: number): unknown {
  let value: unknown = 'leaf';
  for (let i = 0; i < levels; i++) value = i % 3 === 0 ? new Map([['k', value]]) : i % 3 === 1 ? [value] : { k: value };
  return value;
}

describe('values that come back equal', () => {
  const long = 'x'.repeat(1000);
  const values: Record<string, unknown> = {
    null: null,
    true: true,
    false: false,
    zero: 0,
    'negative zero': -0,
    'small integers': [1, 127, 128, 255, 256, 65_535, 65_536, -1, -32, -33, -128, -129, -32_769],
    'large integers': [2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 60, -(2 ** 31) - 1, -(2 ** 53 - 1), -(2 ** 60)],
    floats: [0.1, -0.1, Number.MIN_VALUE, Number.MAX_VALUE, Number.EPSILON, 1e300],
    'not a number': Number.NaN,
    infinities: [Infinity, -Infinity],
    'empty string': '',
    strings: ['a', 'ä', '漢字', '😀', long, '😀'.repeat(100), '\0'],
    'strings that start with a byte-order mark': ['\uFEFF', `\uFEFF${long}`, `a\uFEFF${long}`],
    undefined: undefined,
    'undefined in an array': [undefined, 1, undefined],
    'undefined as a property': { a: undefined, b: 1 },
    'negative zero as a property': { a: -0, b: [-0] },
    'empty containers': [[], {}, new Map(), new Set()],
    'an object': { a: 1, 'b c': [true, { d: null }], '': 2, 1: 'one', constructor: 3, toString: 4 },
    'a key with a byte-order mark': { a: 1, [`\uFEFF${long}`]: 2 },
    'an array of 100,000': Array.from({ length: 100_000 }, (_, i) => i),
    'an object of 70,000': Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i])),
    'a map': new Map<unknown, unknown>([
      ['a', 1],
      [1, 'a'],
      [Number.NaN, undefined],
      [null, { x: new Map([[1, 2]]) }],
    ]),
    'a map with an object as key': new Map([[{ id: 1 }, new Set([1])]]),
    'a set': new Set<unknown>([1, 'a', undefined, null, [1, 2]]),
    'a date': new Date(1_700_000_000_123),
    'a date before 1970': new Date(-1.5e12),
    'an invalid date': new Date(Number.NaN),
    bigints: [
      0n,
      1n,
      -1n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      2n ** 63n,
      -(2n ** 63n) - 1n,
      2n ** 64n,
      10n ** 1000n,
      -(10n ** 999n),
    ],
    'a Uint8Array': Uint8Array.of(0, 1, 255),
    'an empty Uint8Array': new Uint8Array(0),
    'typed arrays': [
      Int8Array.of(-1, 1),
      Uint8ClampedArray.of(0, 255),
      Int16Array.of(-300, 300),
      Uint16Array.of(65_535),
      Int32Array.of(-70_000),
      Uint32Array.of(2 ** 32 - 1),
      Float32Array.of(0.5, Number.NaN),
      Float64Array.of(0.1, -0),
      BigInt64Array.of(-1n),
      BigUint64Array.of(2n ** 64n - 1n),
    ],
    'an ArrayBuffer': Uint8Array.of(1, 2, 3).buffer,
    'a DataView': new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2),
  };

  for (const [name, value] of Object.entries(values)) {
    test(name, () => {
      expect(roundTrip(value)).toStrictEqual(value);
    });
  }

  test('at the 64th level of nesting', () => {
    expect(roundTrip(nested(64))).toStrictEqual(nested(64));
  });

  test('an object without a prototype keeps having none', () => {
    const value = Object.assign(Object.create(null) as object, { a: 1, b: Object.create(null) as object });

    const decoded = roundTrip(value) as { a: number; b: object };

    expect(Object.getPrototypeOf(decoded)).toBeNull();
    expect(Object.getPrototypeOf(decoded.b)).toBeNull();
    expect(decoded.a).toBe(1);
  });

  test('a property named __proto__ stays a property', () => {
    const decoded = roundTrip(JSON.parse('{"a":1,"__proto__":{"polluted":true}}')) as Record<string, unknown>;

    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.keys(decoded)).toEqual(['a', '__proto__']);
    expect(Object.getOwnPropertyDescriptor(decoded, '__proto__')?.value).toEqual({ polluted: true });
  });

  test('any value that can be encoded at all', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 12 });
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5, depthSize: 'small' },
        fc.constantFrom(null, undefined, true, false, -0, Number.NaN),
        fc.double(),
        fc.maxSafeInteger(),
        fc.bigInt(),
        fc.string({ unit: 'grapheme', size: 'medium' }),
        fc.date({ noInvalidDate: false }),
        fc.uint8Array(),
        fc.float64Array(),
        fc.array(tie('tree')),
        fc.dictionary(key, tie('tree'), { noNullPrototype: false }),
        fc.array(tie('tree')).map((items) => new Set(items)),
        fc.array(fc.tuple(tie('tree'), tie('tree'))).map((entries) => new Map(entries)),
      ),
    }));

    const property = fc.property(tree, (value) => {
      expect(roundTrip(value)).toStrictEqual(value);
    });

    fc.assert(property, { numRuns: 300 });
  });
});

describe('values that come back as their nearest equal', () => {
  test('holes become undefined', () => {
    // eslint-disable-next-line no-sparse-arrays
    expect(roundTrip([1, , 3])).toStrictEqual([1, undefined, 3]);
  });

  test('a Buffer becomes a Uint8Array of exactly its bytes', () => {
    const decoded = roundTrip(Buffer.from('abc')) as Uint8Array;

    expect(Object.getPrototypeOf(decoded)).toBe(Uint8Array.prototype);
    expect([decoded.byteOffset, decoded.buffer.byteLength, ...decoded]).toEqual([0, 3, 97, 98, 99]);
  });

  test('a getter becomes what it returns, and symbols and hidden properties are left out', () => {
    const value = {
      get a() {
        return 1;
      },
      [Symbol('s')]: 2,
    };
    Object.defineProperty(value, 'hidden', { value: 3, enumerable: false });

    expect(Object.getOwnPropertyDescriptors(roundTrip(value))).toEqual(Object.getOwnPropertyDescriptors({ a: 1 }));
  });

  test.each([Uint8Array.of(1), new Map([[1, 2]]), new Set([1]), new Date(0)])(
    'a getter that returns something plain first and then %s is refused, and not written as something else',
    (second) => {
      let reads = 0;
      const changing = {
        get a() {
          return reads++ === 0 ? null : second;
        },
      };

      expect(() => new ValueCodec().encodeInto([changing])).toThrow(
        expect.objectContaining({
          code: 'ERR_NOT_ENCODABLE',
          data: { path: 'args', found: 'a value that changes or throws while it is read' },
        }),
      );
    },
  );

  test('built-ins of another realm become those of this one', () => {
    const foreign: unknown = vm.runInNewContext(
      `({ list: [1, undefined], map: new Map([[1, { a: 1 }]]), set: new Set([1]), date: new Date(5),
          bytes: Uint8Array.of(7), buffer: Uint8Array.of(8).buffer })`,
    );

    expect(roundTrip(foreign)).toStrictEqual({
      list: [1, undefined],
      map: new Map([[1, { a: 1 }]]),
      set: new Set([1]),
      date: new Date(5),
      bytes: Uint8Array.of(7),
      buffer: Uint8Array.of(8).buffer,
    });
  });

  test('a typed array over a part of a buffer becomes that part', () => {
    expect(roundTrip(new Uint16Array(new Uint16Array([1, 2, 3]).buffer, 2, 1))).toStrictEqual(Uint16Array.of(2));
  });
});

describe('memory', () => {
  test('what is decoded shares nothing with the bytes it came from', () => {
    const value = [Uint8Array.of(1, 2), 'text', Float64Array.of(1), Uint8Array.of(3).buffer, 5n, new Date(1)];
    const bytes = Buffer.from(codec.encodeInto(value));

    const decoded = codec.decode(bytes);
    bytes.fill(0xff);

    expect(decoded).toStrictEqual(value);
  });

  test('encoding does not change the value', () => {
    const value = Object.freeze([Object.freeze({ a: undefined, b: -0 }), new Map([[1, undefined]])]);

    expect(() => codec.encodeInto(value)).not.toThrow();
    expect(value).toStrictEqual([{ a: undefined, b: -0 }, new Map([[1, undefined]])]);
  });

  test('a buffer that one large value has needed is given back', () => {
    const large = codec.encodeInto('x'.repeat(2_000_000));
    const small = codec.encodeInto(1);

    expect(large.buffer.byteLength).toBeGreaterThan(2_000_000);
    expect(small.buffer.byteLength).toBeLessThan(10_000);
    expect(codec.decode(large)).toHaveLength(2_000_000);
  });
});

describe('values that are refused', () => {
  class Point {
    x = 1;
  }
  class Registry extends Map<string, number> {}
  class Names extends Array<string> {}
  const cycle: Record<string, unknown> = { list: [] };
  (cycle['list'] as unknown[]).push({ back: cycle });
  const cyclicMap = new Map<string, unknown>();
  cyclicMap.set('self', cyclicMap);

  const refused: Record<string, [value: unknown, path: string, found: string]> = {
    'a function deep inside': [[{ items: [0, 1, 2, { onClick: () => 1 }] }], 'args[0].items[3].onClick', 'a function'],
    'a function at the top': [() => 1, 'args', 'a function'],
    'a class': [[Point], 'args[0]', 'a function'],
    'a symbol': [[1, Symbol('s')], 'args[1]', 'a symbol'],
    'an instance of a class': [[new Point()], 'args[0]', 'an instance of Point'],
    'an instance of a subclass of Map': [[new Registry()], 'args[0]', 'an instance of Registry'],
    'an instance of a subclass of Array': [[new Names()], 'args[0]', 'an instance of Names'],
    'a promise': [[Promise.resolve(1)], 'args[0]', 'a promise'],
    'an error': [[new TypeError('no')], 'args[0]', 'an error (TypeError)'],
    'a regular expression': [[/a/], 'args[0]', 'an instance of RegExp'],
    'a WeakMap': [[new WeakMap()], 'args[0]', 'an instance of WeakMap'],
    'a boxed number': [[new Number(1)], 'args[0]', 'an instance of Number'],
    'shared memory': [[new SharedArrayBuffer(1)], 'args[0]', 'an instance of SharedArrayBuffer'],
    'a cycle': [[cycle], 'args[0].list[0].back', 'a cycle, for it refers back to what contains it'],
    'a cycle through a map': [[cyclicMap], 'args[0].values()[0]', 'a cycle, for it refers back to what contains it'],
    'a key of a map': [[new Map([[() => 1, 1]])], 'args[0].keys()[0]', 'a function'],
    'a value of a map': [[new Map([['a', 1], ['b', Symbol('s')] as never])], 'args[0].values()[1]', 'a symbol'],
    'an item of a set': [[new Set([1, Symbol('s')])], 'args[0].values()[1]', 'a symbol'],
    'a property with an odd name': [[{ 'on-click': () => 1 }], 'args[0]["on-click"]', 'a function'],
    'a lone surrogate': [['ok', `${'x'.repeat(100)}\uD800`], 'args[1]', 'a string with half a surrogate pair'],
    'a lone surrogate in a property name': [
      [{ '\uDC00': 1 }],
      'args[0]["\\udc00"]',
      'a property name with half a surrogate pair',
    ],
    'a proxy of a function': [[new Proxy(() => 1, {})], 'args[0]', 'a proxy of a function'],
    'a proxy of a map': [[new Proxy(new Map(), {})], 'args[0]', 'a proxy of something that is not plain'],
    'what only has the prototype of a map': [[Object.create(Map.prototype)], 'args[0]', 'an instance of Map'],
    'an array with a length beyond all memory': [
      [new Array(2 ** 32 - 1)],
      'args[0]',
      `an array of ${2 ** 32 - 1} items`,
    ],
    'a getter that throws': [
      [
        {
          a: {
            get b(): never {
              throw new Error('boom');
            },
          },
        },
      ],
      'args[0].a',
      'an object that throws while it is read (boom)',
    ],
  };

  for (const [name, [value, path, found]] of Object.entries(refused)) {
    test(name, async () => {
      const error = await errorOf(() => codec.encodeInto(value));

      expect(error.code).toBe('ERR_NOT_ENCODABLE');
      expect(error.data).toEqual({ path, found });
      expect(error.message).toContain(path);
      expect(error.message).toContain(found);
      expect([error.mayBeApplied, error.retrySafe]).toEqual([false, false]);
    });
  }

  test('a 65th level of nesting', async () => {
    const error = await errorOf(() => codec.encodeInto(nested(65)));

    expect(error.data['found']).toBe('nested deeper than 64 levels');
  });

  test('a value that will stand in a list has one level less', async () => {
    expect(() => codec.encodeInto(nested(63), 'result', 2)).not.toThrow();
    expect((await errorOf(() => codec.encodeInto(nested(64), 'result', 2))).data['path']).toMatch(/^result/);
  });

  test('the codec works as before after a refusal', () => {
    const before = codec.encodeInto(['a', 1]).slice();

    expect(() => codec.encodeInto(['b'.repeat(5000), () => 1])).toThrow(ConclaveError);

    expect(codec.encodeInto(['a', 1])).toEqual(before);
  });
});

describe('bytes', () => {
  test('are plain MessagePack where the value is', () => {
    const value = ['a', 1, -70_000, 2 ** 40, 1.5, null, true, { b: ['c'] }];

    expect(decodePlainly(codec.encodeInto(value))).toEqual(value);
    expect(codec.decode(encodePlainly(value))).toEqual(value);
  });

  test('stay the same from version to version, for logs are kept', () => {
    const value = [
      undefined,
      -0,
      5n,
      2n ** 64n,
      new Date(1),
      '\uFEFF',
      new Map([[1, 2]]),
      new Set([1]),
      Uint8Array.of(9),
    ];

    expect(Buffer.from(codec.encodeInto(value)).toString('hex')).toBe(
      '99c70000c70001d7020000000000000005c70a0300010000000000000000d7043ff0000000000000c70305efbbbf93c70006010292c7000701' +
        'd41009',
    );
    expect(Buffer.from(codec.encodeInto('x'.repeat(48))).toString('hex')).toBe(`c73005${'78'.repeat(48)}`);
  });

  test('of lists of arguments can be put together into one list', () => {
    const first = codec.encodeInto(['a', nested(63)]).slice();
    const second = codec.encodeInto([undefined]).slice();

    const list = codec.decode(Uint8Array.of(0x92, ...first, ...second));

    expect(list).toStrictEqual([['a', nested(63)], [undefined]]);
  });

  test('are decoded from the middle of others', () => {
    const bytes = codec.encodeInto(['a', new Map([[1, 2]])]).slice();
    const among = new Uint8Array(bytes.length + 20).fill(0xc1);
    among.set(bytes, 7);

    expect(codec.decodeRange(among, 7, 7 + bytes.length)).toStrictEqual(['a', new Map([[1, 2]])]);
  });

  const garbage: Record<string, number[]> = {
    'nothing at all': [],
    'a byte that starts no value': [0xc1],
    'a binary, which is never written': [0xc4, 1, 7],
    'a float32, which is never written': [0xca, 0, 0, 0, 0],
    'a second value after the first': [1, 2],
    'a string cut off': [0xa5, 97, 98],
    'a string cut off in its length': [0xda, 1],
    'a number cut off': [0xcb, 0, 0],
    'an array cut off': [0x92, 1],
    'an array that claims four billion items': [0xdd, 255, 255, 255, 255],
    'a map that claims four billion entries': [0xdf, 255, 255, 255, 255, 0xa1, 97],
    'arrays of arrays that claim much': Array.from({ length: 60 }, () => [0xdd, 0, 255, 255, 255]).flat(),
    'a string that claims four billion bytes': [0xdb, 255, 255, 255, 255],
    'an extension cut off': [0xd7, 4, 0, 0],
    'an extension that nobody has': [0xd4, 99, 0],
    'an extension with too little data': [0xd4, 4, 0],
    'a typed array with half an element': [0xc7, 3, 22, 0, 0, 0],
    'a key that is a number': [0x81, 1, 1],
    'a key that is an array': [0x81, 0x90, 1],
    'a key named __proto__': [0x81, 0xa9, ...Buffer.from('__proto__'), 0x80],
    'a container mark on its own': [0xc7, 0, 6],
    'a container mark in the middle': [0x92, 1, 0xc7, 0, 6],
    'a container mark as a property': [0x81, 0xa1, 97, 0xc7, 0, 6],
    'a map with a key and no value': [0x92, 0xc7, 0, 6, 1],
    'an object with a key that is no string': [0x93, 0xc7, 0, 8, 1, 1],
    'nesting without end': Array.from({ length: 100_000 }, () => 0x91),
  };

  for (const [name, bytes] of Object.entries(garbage)) {
    test(`are refused: ${name}`, async () => {
      const error = await errorOf(() => codec.decode(Uint8Array.from(bytes)));

      expect(error.code).toBe('ERR_PROTOCOL');
      expect(codec.decode(codec.encodeInto([1, 'a']))).toEqual([1, 'a']);
    });
  }

  test('of any kind are decoded or refused, and nothing else', () => {
    const outcomeOf = (bytes: Uint8Array): string => {
      try {
        codec.decode(bytes);
        return 'decoded';
      } catch (error) {
        return error instanceof ConclaveError ? error.code : 'a raw error';
      }
    };
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(outcomeOf(bytes)).toMatch(/^(decoded|ERR_PROTOCOL)$/);
    });

    fc.assert(property, { numRuns: 5000 });
  });

  test('of a value are never decoded when they are cut off', async () => {
    const bytes = codec
      .encodeInto([{ a: [1.5, 'text', 70_000], b: new Map([[1n, new Date(1)]]) }, 'x'.repeat(300)])
      .slice();

    for (let end = 0; end < bytes.length; end++) {
      expect((await errorOf(() => codec.decodeRange(bytes, 0, end))).code).toBe('ERR_PROTOCOL');
    }
  });
});
