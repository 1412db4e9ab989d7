import { describe, expect, it } from 'vitest';
import { TOLD } from '../../../src/runtime/delivery.js';
import { Mailbox } from '../../../src/runtime/mailbox.js';
import { randomBelow, SeededRandom } from '../../../src/runtime/random.js';

describe('Mailbox', () => {
  it('gives back what was put in, oldest first, however it grows and wraps', () => {
    const seed = 7;
    const random = new SeededRandom(seed);
    const mailbox = new Mailbox(10_000);
    const model: number[] = [];

    for (let i = 0; i < 20_000; i++) {
      if (mailbox.length === 0 || (randomBelow(random, 100) < 53 && !mailbox.isFull)) {
        mailbox.push(i, TOLD);
        model.push(i);
      } else {
        expect(mailbox.peekDelivery(), `seed ${seed}`).toBe(TOLD);
        expect(mailbox.shift(), `seed ${seed}`).toBe(model.shift());
      }
      expect(mailbox.length, `seed ${seed}`).toBe(model.length);
    }
  });

  it('is full at its limit, and still takes what must get in', () => {
    const mailbox = new Mailbox(2);
    mailbox.push('a', TOLD);
    expect(mailbox.isFull).toBe(false);
    mailbox.push('b', TOLD);
    expect(mailbox.isFull).toBe(true);

    mailbox.push('c', TOLD);

    expect([mailbox.shift(), mailbox.shift(), mailbox.shift()]).toEqual(['a', 'b', 'c']);
    expect(mailbox.peekDelivery()).toBeUndefined();
  });
});
