import { expect, test } from 'vitest';
import { Runtime } from '../../../src/node/runtime.js';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import type { NodeParts } from '../../../src/node/placement.js';
import { optionsOfOne } from './support/options-of-one.js';
import { setTimeout as sleep } from 'node:timers/promises';

/** Its objects are there only when the node has led for long. */
class Slow extends InlinePlacement {
  override async start(parts: NodeParts): Promise<void> {
    await super.start(parts);
    await sleep(150);
  }
}

test('a cluster of one that leads before its objects are there becomes ready all the same', async () => {
  const options = await optionsOfOne();
  const node = await Runtime.startOn(options, (events) => new Slow(options, events));
  try {
    await node.ready({ signal: AbortSignal.timeout(1_000) });
    expect(node.status().health).toBe('ok');
  } finally {
    await node.stop();
  }
});
