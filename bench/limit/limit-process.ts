/**
 * One process of the limit: the same three threads as a node's, with nothing between them but messages. This file is
 * the caller's thread. Commands go through the product's own BlockLane, so that they are encoded, gathered and answered
 * exactly as there. Started by measure-limit.ts, never by hand.
 */

import { once } from 'node:events';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { MethodName } from '../../src/actors/replicated/block-names.js';
import { BlockLane } from '../../src/actors/replicated/block-lane.js';
import { ORDINARY_CALL } from '../../src/actors/replicated/call.js';
import { sessionContent } from '../../src/actors/replicated/session-entry.js';
import { ValueCodec } from '../../src/actors/replicated/value-codec.js';
import { crc32 } from '../../src/checksum.js';
import { life, sessionId } from '../../src/ids.js';
import { runClosedLoop, type LoadResult, type LoadSettings } from '../load/closed-loop.js';
import { serveParent } from '../processes/calls.js';
import { payloadsOf, type SinkState } from '../sink.js';
import type { NetworkAnswer, NetworkMessage } from './network-thread.js';
import type { ObjectAnswer } from './object-thread.js';

export type LimitOperations = {
  /** Answers with the port that the caller's process is to connect to. */
  readonly listen: (argument: null) => Promise<number>;
  readonly connect: (ports: readonly number[]) => Promise<void>;
  readonly load: (request: LoadSettings & { readonly commandBytes: number }) => Promise<LoadResult>;
  readonly state: (argument: null) => Promise<SinkState>;
};

/** The first entry opens the session, so this is its name. */
const SESSION = sessionId(1);
const CALLER = life('ca'.repeat(16));
const OTHER = life('00'.repeat(16));
const TIMEOUT_MS = 10_000;
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

let threads: readonly Worker[] = [];
let network: Worker;
let object: MessagePort;

serveParent(
  {
    listen: async () => {
      startThreads(false);
      network.postMessage({ type: 'listen' } satisfies NetworkMessage);
      const [answer] = (await once(network, 'message')) as [NetworkAnswer];
      if (answer.type !== 'listening') throw new Error(`The network thread answered ${answer.type}.`);
      return answer.port;
    },
    connect: async (ports) => {
      startThreads(true);
      network.postMessage({
        type: 'connect',
        ports,
        session: sessionContent(CALLER),
      } satisfies NetworkMessage);
      await once(network, 'message');
    },
    load: ({ commandBytes, ...settings }) => runClosedLoop(callOf(commandBytes), settings),
    state: () =>
      new Promise((resolve) => {
        const onMessage = (answer: ObjectAnswer): void => {
          if (answer.type !== 'state') return;
          object.off('message', onMessage);
          resolve({ commands: answer.commands, hash: answer.hash });
        };
        object.on('message', onMessage);
        object.postMessage(null);
      }),
  } satisfies LimitOperations,
  async () => {
    await Promise.all(threads.map((thread) => thread.terminate()));
    object?.close();
  },
);

function startThreads(isCaller: boolean): void {
  const between = new MessageChannel();
  const toCaller = new MessageChannel();
  object = toCaller.port1;
  network = new Worker(new URL('./network-thread.js', import.meta.url), {
    workerData: { object: between.port1 },
    transferList: [between.port1],
  });
  const objectThread = new Worker(new URL('./object-thread.js', import.meta.url), {
    workerData: { network: between.port2, caller: toCaller.port2, life: isCaller ? CALLER : OTHER },
    transferList: [between.port2, toCaller.port2],
  });
  threads = [network, objectThread];
}

function callOf(commandBytes: number): () => Promise<unknown> {
  let nextSeq = 1;
  const lane = new BlockLane({
    codec: new ValueCodec(),
    nowMs: () => performance.now(),
    defaultTimeoutMs: TIMEOUT_MS,
    commandBytesMax: UNBOUNDED,
    pendingMax: UNBOUNDED,
    pendingBytesMax: UNBOUNDED,
    isQuery: false,
    maySend: () => true,
    whyTimedOut: () => 'ERR_TIMEOUT',
    whyNoLeader: () => '',
    send: (builder, pending) => {
      pending.id = nextSeq;
      nextSeq += pending.count;
      const block = builder.seal(SESSION, pending.id);
      const crc = crc32(new Uint8Array(block));
      network.postMessage({ type: 'block', block, crc } satisfies NetworkMessage, [block]);
      return true;
    },
  });
  object.on('message', (answer: ObjectAnswer) => {
    if (answer.type === 'results') for (const block of answer.blocks) lane.settle(block);
  });
  const name = new MethodName('sink', 'put');
  const payloads = payloadsOf(commandBytes);
  let next = 0;
  return () => lane.call(name, [payloads[next++ % payloads.length]], ORDINARY_CALL);
}
