import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/runtime/random.js';
import { Backoff } from '../../../src/net/backoff.js';

const noJitter = { uint32: () => 0 };
const fullJitter = { uint32: () => 0xffff_ffff };

function take(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.nextMs());
}

describe('Backoff', () => {
  it('doubles from the least delay to the greatest', () => {
    const backoff = new Backoff({ minMs: 50, maxMs: 1_000 }, noJitter);

    expect(take(backoff, 7)).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
  });

  it('takes away half of each delay at most', () => {
    const backoff = new Backoff({ minMs: 50, maxMs: 1_000 }, fullJitter);

    expect(take(backoff, 7)).toEqual([25, 50, 100, 200, 400, 500, 500]);
  });

  it('draws from the whole upper half', () => {
    const backoff = new Backoff({ minMs: 8, maxMs: 8 }, new SeededRandom(3));

    expect(new Set(take(backoff, 200))).toEqual(new Set([4, 5, 6, 7, 8]));
  });

  it('begins anew when reset', () => {
    const backoff = new Backoff({ minMs: 50, maxMs: 1_000 }, noJitter);
    take(backoff, 5);

    backoff.reset();

    expect(backoff.nextMs()).toBe(50);
  });

  it('never waits for nothing, not even with the smallest delays', () => {
    const backoff = new Backoff({ minMs: 1, maxMs: 1 }, fullJitter);

    expect(take(backoff, 3)).toEqual([1, 1, 1]);
  });
});
