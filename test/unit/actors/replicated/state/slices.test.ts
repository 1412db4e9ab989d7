/** Long work asks now and then whether others should have their turn, whatever it is made of, and waits if so. */

import { describe, expect, test } from 'vitest';
import { readState } from '../../../../../src/actors/replicated/state/read-state.js';
import { writeState } from '../../../../../src/actors/replicated/state/write-state.js';
import { Box, inPieces, loaded, restored, written } from './support/states.js';

const VALUES = 30_000;
/** At least so often; counted in values, or in bytes of long strings and memory. */
const VALUES_PER_PAUSE = 10_000;
const BYTES_PER_PAUSE = 512 * 1024;

const numbers = Array.from({ length: VALUES }, (_, i) => i);
const states: readonly [name: string, value: unknown, pausesMin: number][] = [
  ['an array', numbers, VALUES / VALUES_PER_PAUSE],
  ['a Map', new Map(numbers.map((i) => [i, `v${i}`])), (2 * VALUES) / VALUES_PER_PAUSE],
  ['a Set', new Set(numbers), VALUES / VALUES_PER_PAUSE],
  ['an object', Object.fromEntries(numbers.map((i) => [`k${i}`, i])), VALUES / VALUES_PER_PAUSE],
  ['empty containers', numbers.map(() => []), (2 * VALUES) / VALUES_PER_PAUSE],
  ['closed containers', numbers.map(() => Object.freeze([])), (2 * VALUES) / VALUES_PER_PAUSE],
  ['a long string', 'x'.repeat(8 * BYTES_PER_PAUSE), 8],
  ['a long string of wide characters', 'Ā'.repeat(4 * BYTES_PER_PAUSE), 8],
  ['a typed array', new Float64Array(BYTES_PER_PAUSE).fill(1.5), 8],
  ['strings as keys', new Map([['x'.repeat(4 * BYTES_PER_PAUSE), 'y'.repeat(4 * BYTES_PER_PAUSE)]]), 8],
];

describe('pauses come in time, and are waited for, with', () => {
  for (const [name, value, pausesMin] of states) {
    test(name, async () => {
      const box = new Box(value);
      let isWaiting = false;
      let pauses = 0;
      const pause = async (): Promise<void> => {
        pauses++;
        isWaiting = true;
        await Promise.resolve();
        isWaiting = false;
      };
      const pieces: Uint8Array[] = [];
      await writeState(
        loaded(box),
        (bytes) => {
          expect(isWaiting).toBe(false);
          pieces.push(bytes.slice());
        },
        pause,
      );
      expect(pauses).toBeGreaterThanOrEqual(pausesMin - 1);
      pauses = 0;

      const bytes = Buffer.concat(pieces);
      const next = inPieces(bytes, 100_000);
      const back = new Box();
      await readState(
        loaded(back),
        () => {
          expect(isWaiting).toBe(false);
          return next();
        },
        pause,
      );

      expect(pauses).toBeGreaterThanOrEqual(pausesMin - 1);
      expect((await written(back)).equals(bytes)).toBe(true);
    });
  }

  test('many small chunks', async () => {
    class Chunks {
      snapshot(): unknown {
        return numbers.values();
      }
      restore(): void {}
    }
    let pauses = 0;

    await written(new Chunks(), () => {
      pauses++;
      return undefined;
    });

    expect(pauses).toBeGreaterThanOrEqual(VALUES / VALUES_PER_PAUSE - 1);
  });
});

test('a pause that rejects ends the work', async () => {
  const box = new Box(numbers);
  const abort = (): Promise<void> => Promise.reject(new Error('aborted'));
  const bytes = await written(box);

  await expect(written(box, abort)).rejects.toThrow('aborted');
  await expect(restored(new Box(), bytes, 1000, abort)).rejects.toThrow('aborted');
});

test('all is written before it returns when no pause is taken', async () => {
  const pieces: Uint8Array[] = [];

  const writing = writeState(
    loaded(new Box(numbers)),
    (bytes) => pieces.push(bytes.slice()),
    () => undefined,
  );
  const length = Buffer.concat(pieces).length;
  await writing;

  expect(length).toBe(Buffer.concat(pieces).length);
});

test('long values are handed on in pieces', async () => {
  const sizes: number[] = [];

  await writeState(
    loaded(new Box(['x'.repeat(3_000_000), new Uint8Array(3_000_000)])),
    (bytes) => sizes.push(bytes.length),
    () => undefined,
  );

  expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
});
