/** Fifo beside an Array, across the seams of its blocks. */

import { expect, test } from 'vitest';
import { Fifo } from '../../../../../src/actors/replicated/objects/fifo.js';

test('does what an Array does, however many come and go', () => {
  const fifo = new Fifo<number>();
  const array: number[] = [];
  let next = 0;
  // Grows, shrinks and becomes empty, at and around multiples of a block.
  for (const change of [1, -1, 1024, -1, 1, -1024, 1, -2, 2050, -1024, 1024, -1500, 500, -1050, 0, 1025, -1025, 3]) {
    for (let count = 0; count < Math.abs(change); count++) {
      if (change > 0) {
        array.push(next);
        fifo.push(next++);
      } else {
        expect([fifo.peek(), fifo.shift()]).toEqual([array[0], array.shift()]);
      }
    }

    expect([...fifo]).toEqual(array);
    expect([fifo.size, fifo.peek()]).toEqual([array.length, array[0]]);
  }
});

test('clear leaves nothing behind', () => {
  const fifo = new Fifo<number>();
  for (let item = 0; item < 3_000; item++) fifo.push(item);
  fifo.shift();

  fifo.clear();
  fifo.push(7);

  expect([[...fifo], fifo.size, fifo.shift(), fifo.shift()]).toEqual([[7], 1, 7, undefined]);
});
