/**
 * The object thread of one process of the limit: the product's own Machine around the benchmark's object, applying
 * whatever comes in the order in which it comes.
 */

import { workerData, type MessagePort } from 'node:worker_threads';
import { Machine } from '../../src/actors/replicated/machine.js';
import { collectTransfers, type ResultBlock } from '../../src/actors/replicated/results.js';
import { ValueCodec } from '../../src/actors/replicated/value-codec.js';
import type { Life } from '../../src/ids.js';
import { Sink } from '../sink.js';

/** Entries come from `network`, which is told the index of the last one applied; results and state go to `caller`. */
const { network, caller, life } = workerData as {
  readonly network: MessagePort;
  readonly caller: MessagePort;
  readonly life: Life;
};

export type ObjectAnswer =
  | { readonly type: 'results'; readonly blocks: readonly ResultBlock[] }
  | { readonly type: 'state'; readonly commands: number; readonly hash: number };

const sink = new Sink();
const machine = new Machine({
  objects: [
    {
      name: 'sink',
      instance: sink,
      prototype: Sink.prototype,
      madeFields: [],
      methods: new Map([['put', 'replicated']]),
      commands: new Map(),
      since: 0,
    },
  ],
  classes: [],
  life,
  sessionsMax: 1,
  codec: new ValueCodec(),
});

network.on('message', (entries: ArrayBuffer) => {
  const blocks: ResultBlock[] = [];
  machine.apply(new Uint8Array(entries), blocks);
  network.postMessage(machine.appliedIndex);
  if (blocks.length === 0) return;
  const transfer: ArrayBuffer[] = [];
  for (const block of blocks) collectTransfers(block, transfer);
  caller.postMessage({ type: 'results', blocks } satisfies ObjectAnswer, transfer);
});

caller.on('message', () => {
  caller.postMessage({ type: 'state', ...sink.state() } satisfies ObjectAnswer);
});
