import { expect, test } from 'vitest';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import type { NodeParts, PlacementEvents } from '../../../src/node/placement.js';
import { Runtime } from '../../../src/node/runtime.js';
import { optionsOfOne } from './support/options-of-one.js';

test('queries wait for objects whose thread has ended before the runtime was there to hear of it', async () => {
  const options = await optionsOfOne();
  let placed: PlacementEvents | undefined;
  const node = await Runtime.startOn(options, (events) => {
    placed = events;
    return new (class extends InlinePlacement {
      override async start(parts: NodeParts): Promise<void> {
        await super.start(parts);
        events.onMachineLost(0, new Error('gone'));
      }
    })(options, events);
  });
  try {
    const told: string[] = [];
    node.on('objects', ({ type }) => told.push(type));
    let isAnswered = false;
    const sum = node.objects.book.with({ consistency: 'local' }).sum();
    void sum.then(() => (isAnswered = true));

    await node.objects.book.add(2);
    expect(isAnswered).toBe(false);
    expect(node.status().health).toBe('object failed');
    placed!.onMachineBack(0);

    expect(await sum).toBe(2);
    expect(told).toEqual(['failed', 'restored']);
  } finally {
    await node.stop();
  }
});
