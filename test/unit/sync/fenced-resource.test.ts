/** What refuses those who hold no longer. */

import { expect, test } from 'vitest';
import { FencedResource } from '../../../src/sync/fenced-resource.js';

test('tokens pass that are as new as the newest, and none that are older', () => {
  const fence = new FencedResource();
  for (const token of [1n, 1n, 7n, 7n]) fence.check(token);

  expect(() => fence.check(6n)).toThrow(expect.objectContaining({ code: 'ERR_STALE_TOKEN' }));
  expect(fence.newest).toBe(7n);
});

test('the newest token can be kept over a restart', () => {
  expect(() => new FencedResource(5n).check(4n)).toThrow(expect.objectContaining({ code: 'ERR_STALE_TOKEN' }));
});

test.each([1, '1', null, undefined])('%j is no token', (token) => {
  expect(() => new FencedResource().check(token as never)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
  );
});
