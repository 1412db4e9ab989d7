import { describe, expect, it } from 'vitest';
import { PendingBlock } from '../../../../src/actors/replicated/pending-block.js';
import { ConclaveError } from '../../../../src/errors.js';

const tooLate = (): ConclaveError => new ConclaveError('ERR_TIMEOUT', 'too late');

/** A block with one call for each deadline; `told` adds a command that nobody waits for. */
function blockOf(defaultDeadlineMs: number, calls: readonly (number | null | 'told')[]) {
  const block = new PendingBlock(0, defaultDeadlineMs, () => {});
  const settled: [position: number, how: string, what: unknown][] = [];
  for (const [position, call] of calls.entries()) {
    if (call === 'told') block.add(null, null, null);
    else {
      block.add(
        (value) => settled.push([position, 'resolved', value]),
        (error) => settled.push([position, 'rejected', (error as ConclaveError).code]),
        call,
      );
    }
  }
  return { block, settled };
}

describe('PendingBlock', () => {
  it('settles each call once', () => {
    const { block, settled } = blockOf(100, [null, null]);

    block.resolve(0, 'a');
    block.resolve(0, 'b');
    expect(block.reject(0, tooLate())).toBe(false);
    expect(block.reject(1, tooLate())).toBe(true);
    block.resolve(1, 'c');

    expect(settled).toEqual([
      [0, 'resolved', 'a'],
      [1, 'rejected', 'ERR_TIMEOUT'],
    ]);
  });

  it('ignores positions that it does not have', () => {
    const { block, settled } = blockOf(100, [null]);

    block.resolve(7, 'a');

    expect(block.reject(7, tooLate())).toBe(false);
    expect(settled).toEqual([]);
  });

  it('lets all calls without a deadline of their own expire at the deadline of the block', () => {
    const { block, settled } = blockOf(100, [null, null]);

    block.expire(99, tooLate);
    expect(settled).toEqual([]);
    block.expire(100, tooLate);

    expect(settled.map(([position]) => position)).toEqual([0, 1]);
  });

  it('lets each call expire at its own deadline, whatever the order', () => {
    const { block, settled } = blockOf(100, [null, 30, 500, 'told', 10, null]);
    const expired: number[] = [];

    for (const nowMs of [9, 10, 29, 30, 99, 100, 499, 500]) block.expire(nowMs, tooLate, (at) => expired.push(at));

    expect(expired).toEqual([4, 1, 0, 5, 2]);
    expect(settled.map(([position]) => position)).toEqual(expired);
    expect(block.latestDeadlineMs).toBe(500);
  });

  it('has settled when every call has, but not while a told command is in it', () => {
    const { block } = blockOf(100, [null, null]);
    const withTold = blockOf(100, [null, 'told']).block;

    block.resolve(0, 1);
    expect(block.isSettled).toBe(false);
    block.resolve(1, 1);
    withTold.resolve(0, 1);

    expect(block.isSettled).toBe(true);
    expect(withTold.isSettled).toBe(false);
  });

  it('rejects all that still wait', () => {
    const { block, settled } = blockOf(100, [null, 'told', null]);
    block.resolve(0, 1);

    block.rejectAll(tooLate);

    expect(settled).toEqual([
      [0, 'resolved', 1],
      [2, 'rejected', 'ERR_TIMEOUT'],
    ]);
  });
});
