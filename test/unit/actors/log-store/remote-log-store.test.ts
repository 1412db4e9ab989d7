import { beforeEach, expect, test } from 'vitest';
import type { LogStoreMessage, StoreLog } from '../../../../src/actors/log-store/log-store-messages.js';
import { RemoteLogStore } from '../../../../src/actors/log-store/remote-log-store.js';
import type { Store } from '../../../../src/actors/raft/effects.js';
import { groupId, logIndex, term } from '../../../../src/ids.js';
import type { ActorRef, Transferable } from '../../../../src/runtime/actor.js';
import { modelSnapshot } from '../../../../src/testing/log-store-model.js';

const GROUP = groupId(4);
const HARD_STATE = { term: term(2), votedFor: null };

let told: { message: StoreLog; transfer: readonly Transferable[] | undefined }[];
let isFull: boolean;
let store: RemoteLogStore;
let written: Store[];

beforeEach(() => {
  told = [];
  isFull = false;
  written = [];
  const actor: ActorRef<LogStoreMessage> = {
    address: { system: 'storage', name: 'log' },
    tell: (message, transfer) => {
      if (isFull) throw new Error('full');
      told.push({ message: message as StoreLog, transfer });
    },
    ask: () => expect.unreachable('nothing is asked'),
  };
  store = new RemoteLogStore(actor, GROUP);
});

function request(bytes: Uint8Array | null): Store {
  const append = bytes === null ? null : { firstIndex: logIndex(1), lastIndex: logIndex(1), entries: bytes };
  return { type: 'store', hardState: null, reset: null, append, then: [] };
}

const make = (made: Store): void => store.store(made, (each) => void written.push(each));

test('hands a request on as it is, under the number that follows', () => {
  const snapshot = modelSnapshot(7, 1);

  make(request(null));
  make({ ...request(null), hardState: HARD_STATE, reset: snapshot });

  expect(told).toEqual([
    { message: { type: 'storeLog', group: 4, request: 1, hardState: null, reset: null, append: null }, transfer: [] },
    {
      message: { type: 'storeLog', group: 4, request: 2, hardState: HARD_STATE, reset: snapshot, append: null },
      transfer: [],
    },
  ]);
});

test('copies the entries into a buffer of their size, and transfers it', () => {
  const memory = new Uint8Array(100).fill(1);

  make(request(memory.subarray(10, 14)));
  memory.fill(2);

  const { message, transfer } = told[0]!;
  const { entries } = message.append!;
  expect([...new Uint8Array(entries)]).toEqual([1, 1, 1, 1]);
  expect(transfer).toEqual([entries]);
});

test('says what is durable, in order, once each', () => {
  const requests = [request(null), request(new Uint8Array(5)), request(new Uint8Array(7)), request(null)];
  for (const each of requests) make(each);
  expect(written).toEqual([]);

  store.onStored(2);
  expect(written).toEqual(requests.slice(0, 2));
  store.onStored(2);
  expect(written).toHaveLength(2);
  store.onStored(4);
  expect(written).toEqual(requests);
});

test('counts the bytes that are not durable', () => {
  make(request(new Uint8Array(5)));
  make(request(new Uint8Array(7)));
  expect(store.unstoredBytes).toBe(12);

  store.onStored(1);
  expect(store.unstoredBytes).toBe(7);
  store.onStored(2);
  expect(store.unstoredBytes).toBe(0);
});

test('takes new requests while it says what is durable', () => {
  const [first, second, third] = [request(null), request(null), request(null)];
  store.store(first, (each) => {
    written.push(each);
    make(third);
  });
  make(second);

  store.onStored(2);
  store.onStored(3);

  expect(written).toEqual([first, second, third]);
  expect(told.map(({ message }) => message.request)).toEqual([1, 2, 3]);
});

test('a request that could not be handed on was not made', () => {
  isFull = true;
  expect(() => make(request(new Uint8Array(9)))).toThrow('full');
  isFull = false;

  make(request(null));

  expect(told[0]!.message.request).toBe(1);
  expect(store.unstoredBytes).toBe(0);
});

test('what was never asked for is not stored', () => {
  expect(() => store.onStored(1)).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
});
