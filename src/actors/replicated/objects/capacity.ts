/** How many items a queue holds. Pure. */

/** No queue holds more. */
export const CAPACITY_MAX = 0x200_0000;

/** What a queue may be given when it is made. */
export interface QueueOptions {
  /**
   * How many items there may be at once; from then on `put` returns false. Default: 33,554,432, which is also the most.
   */
  readonly capacity?: number;
}

/** @throws RangeError when a queue cannot have this capacity, or TypeError when it is no number. */
export function checkCapacity(capacity: unknown): number {
  if (capacity === undefined) return CAPACITY_MAX;
  if (typeof capacity !== 'number') throw new TypeError(`capacity is a number, not of type ${typeof capacity}.`);
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX) return capacity;
  throw new RangeError(`capacity is a whole number from 1 to ${CAPACITY_MAX}, not ${capacity}.`);
}

/**
 * An empty queue gives undefined, so undefined is no item.
 *
 * @throws TypeError when this is it.
 */
export function checkItem(item: unknown): void {
  if (item === undefined) throw new TypeError('undefined is what an empty queue gives, and cannot be put in one.');
}
