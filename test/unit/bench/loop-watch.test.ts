import { expect, test } from 'vitest';
import { LoopWatch } from '../../../bench/storage/loop-watch.js';

test('the longest stall of a thread is seen once, even when it ends as it is asked for', async () => {
  const watch = new LoopWatch();
  await watch.takeLongestMs();

  const endMs = performance.now() + 50;
  while (performance.now() < endMs);
  const seen = await watch.takeLongestMs();
  const after = await watch.takeLongestMs();

  expect(seen).toBeGreaterThanOrEqual(48);
  expect(after).toBeLessThan(seen);
});
