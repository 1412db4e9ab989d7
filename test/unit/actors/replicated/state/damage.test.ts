/** Bytes that are no state never become one by stealth, and cost no more than they weigh. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConclaveError } from '../../../../../src/errors.js';
import { errorOf } from '../error-of.js';
import { Box, inPieces, loaded, restored, written } from './support/states.js';
import { readState } from '../../../../../src/actors/replicated/state/read-state.js';
import { Tag } from '../../../../../src/actors/replicated/state/state-format.js';

const FLIPS = Number(process.env['STATE_FLIPS'] ?? 1500);
/** A failed property prints its seed; this replays it. */
const SEED = process.env['STATE_SEED'];

class Chunks {
  snapshot(): unknown {
    return [{ a: 1 }, new Map([['x', [1, 2]]]), 'text'].values();
  }
  async restore(state: AsyncIterable<unknown>): Promise<void> {
    for await (const chunk of state) void chunk;
  }
}

function manyKinds(): Box {
  const list = Object.assign([1, -1, 300, 70_000, 1.5, 'x'.repeat(70)], { 7: 'Ā' });
  const bytes = new Uint16Array([1, 2, 3]);
  const object = Object.freeze({ list, bytes, at: new Date(5), big: -(2n ** 70n) });
  return new Box([
    object,
    new Map<unknown, unknown>([
      [list, object],
      ['k', bytes.buffer],
    ]),
    new Set([object, 'é']),
    { list },
  ]);
}

describe('a stream that is cut off is damaged', () => {
  const states: readonly [name: string, instance: object, fresh: () => object][] = [
    ['wherever that is', manyKinds(), () => new Box()],
    ['in chunks too', new Chunks(), () => new Chunks()],
  ];

  for (const [name, instance, fresh] of states) {
    test(name, async () => {
      const bytes = await written(instance);

      for (let length = 0; length < bytes.length; length++) {
        for (const size of [1, 64, 1000]) {
          const error = await errorOf(() => restored(fresh(), bytes.subarray(0, length), size));
          expect(error.code).toBe('ERR_STORAGE_CORRUPT');
        }
      }
    });
  }

  test('and nothing of the instance is changed', async () => {
    const fresh = new Box('before');
    const bytes = await written(new Box([1, 2, 3]));

    await errorOf(() => restored(fresh, bytes.subarray(0, -1)));

    expect(fresh.value).toBe('before');
  });
});

test('so is one that goes on behind its end', async () => {
  for (const instance of [new Box(1), new Chunks()]) {
    const bytes = Buffer.concat([await written(instance), Uint8Array.of(Tag.end)]);

    const error = await errorOf(() => restored(instance, bytes));

    expect(error.code).toBe('ERR_STORAGE_CORRUPT');
    expect(error.data).toEqual({ object: 'jobs', offset: bytes.length - 1 });
  }
});

test('flipped bytes give a state or an error, and soon', async () => {
  const states = [
    { bytes: await written(manyKinds()), fresh: () => new Box() },
    { bytes: await written(new Chunks()), fresh: () => new Chunks() },
  ];
  const flip = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...states),
      fc.array(flip, { minLength: 1, maxLength: 3 }),
      async (state, flips) => {
        const bytes = Buffer.from(state.bytes);
        for (const { at, to } of flips) bytes[at % bytes.length] = to;

        const thrown = await restored(state.fresh(), bytes, 50).then(
          () => null,
          (error: unknown) => error as ConclaveError,
        );

        if (thrown !== null && !/ERR_STORAGE_CORRUPT|ERR_INVALID_OBJECT|ERR_DATA_DIR_MISMATCH/.test(thrown.code))
          throw thrown;
      },
    ),
    { numRuns: FLIPS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
  );
});

describe('refused is', () => {
  const VERSION = 1;
  const FIELDS = 0;
  /** A field named "a" with this for a value. */
  const field = (...bytes: number[]): number[] => [VERSION, FIELDS, 0x81, 0x61, ...bytes];
  const HUGE = [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
  const streams: readonly [name: string, bytes: readonly number[], complaint: RegExp][] = [
    ['a version that there is not', [0, FIELDS, Tag.end], /version 0/],
    ['a form that there is not', [VERSION, 7, Tag.end], /form 7/],
    ['a tag that there is not', field(0xff), /no value starts with 255/],
    ['an end in place of a value', field(Tag.end), /no value starts with/],
    ['a number for a key', [VERSION, FIELDS, Tag.float64], /for a key/],
    ['a key that was not written before', [VERSION, FIELDS, 5, 1, Tag.end], /a key 5/],
    ['a reference to what is not there yet', field(Tag.reference, 1, Tag.end), /a container 1/],
    ['a reference to a view from within it', field(Tag.view, 0, 0, 0, Tag.reference, 1), /a container 1/],
    ['a view of what is no memory', field(Tag.view, 0, 0, 0, Tag.reference, 0, Tag.end), /no view/],
    ['a view of a view', field(Tag.view, 0, 0, 0, Tag.view, 0, 0, 0), /where memory is due/],
    ['a view beyond its memory', field(Tag.view, 0, 0, 5, Tag.arrayBuffer, 1, 1, Tag.end), /damaged/],
    ['half an element', field(Tag.view, 4, 0, 1, Tag.arrayBuffer, 2, 1, 1, Tag.end), /damaged/],
    ['a length that is not backed by bytes', field(Tag.text8, ...HUGE, 1, 2, 3), /cut off/],
    ['memory that is not', field(Tag.arrayBuffer, ...HUGE, 1, 2, 3), /cut off/],
    ['a bigint that is not', field(Tag.bigint, ...HUGE, 1, 2, 3), /cut off/],
    ['an array that is not', field(Tag.array, 0xff, 0xff, 0x7f, Tag.end, 1, 2, 3), /cut off/],
    ['an array that is too long', field(Tag.array, ...HUGE, Tag.end), /an array has/],
    ['a length without an end', field(Tag.text8, ...HUGE.fill(0xff), 0xff, 0xff, 1), /too large/],
    ['a closure that there is not', field(Tag.closed, 4, Tag.object, Tag.end, Tag.end), /no closure 4/],
    ['a closure of what is closed already', field(Tag.closed, 3, Tag.closed, 3, Tag.object), /no value starts/],
    [
      'a hole in what is neither array nor instance',
      field(Tag.object, Tag.end, 0x81, 0x62, Tag.hole, Tag.end),
      /no value starts/,
    ],
  ];

  for (const [name, bytes, complaint] of streams) {
    test(name, async () => {
      const error = await errorOf(() => restored(new Box(), Uint8Array.from(bytes)));

      expect(error.code).toBe('ERR_STORAGE_CORRUPT');
      expect(error.message).toMatch(complaint);
      expect(error.message).toMatch(/^The state of the object jobs is damaged at byte \d+/);
    });
  }
});

test('what a newer version wrote is not taken for damage', async () => {
  const error = await errorOf(() => restored(new Box(), Uint8Array.of(2, 0, Tag.end)));

  expect(error.code).toBe('ERR_DATA_DIR_MISMATCH');
  expect(error.data).toEqual({ version: 2, versionMax: 1 });
});

test('a length that is only claimed reserves no memory', async () => {
  const claims = [1, 0, 0x81, 0x61, Tag.arrayBuffer, 0xff, 0xff, 0xff, 0xff, 0x7f];
  const before = process.memoryUsage().arrayBuffers;

  await errorOf(() => restored(new Box(), Uint8Array.from(claims)));

  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
});

test('what the source of the bytes throws is passed on', async () => {
  const bytes = await written(new Box('x'.repeat(1000)));
  const next = inPieces(bytes, 100);
  let pieces = 0;
  const failing = (): Uint8Array | null => {
    if (++pieces > 5) throw new ConclaveError('ERR_STORAGE', 'the disk');
    return next();
  };

  const error = await errorOf(() => readState(loaded(new Box()), failing, () => undefined));

  expect(error.code).toBe('ERR_STORAGE');
});
