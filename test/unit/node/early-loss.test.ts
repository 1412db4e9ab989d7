import { expect, test } from 'vitest';
import { checkOptions } from '../../../src/node/check-options.js';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import type { NodeParts, PlacementEvents } from '../../../src/node/placement.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts } from '../../../src/testing/free-ports.js';
import { Ledger } from './fixtures/ledger.js';

test('queries wait for objects whose thread has ended before the runtime was there to hear of it', async () => {
  const options = checkOptions({
    self: `127.0.0.1:${(await freePorts(1))[0]}`,
    peers: [],
    objects: { book: Ledger },
    threads: false,
    electionTimeoutMs: [30, 60],
    heartbeatMs: 10,
  });
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
