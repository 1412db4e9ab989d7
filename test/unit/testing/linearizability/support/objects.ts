/**
 * The objects that the models speak of, written as one would write them: what is called changes and returns something.
 * Histories are made by calling these, so that the models are judged by something else than themselves.
 */

import type { CounterInput } from '../../../../../src/testing/linearizability/models/counter-model.js';
import type { JournalInput, JournalOutput } from '../../../../../src/testing/linearizability/models/journal-model.js';
import type { LockInput, LockOutput } from '../../../../../src/testing/linearizability/models/lock-model.js';
import type { MapInput, MapOutput } from '../../../../../src/testing/linearizability/models/map-model.js';
import type { QueueInput } from '../../../../../src/testing/linearizability/models/queue-model.js';
import type {
  RegisterInput,
  RegisterOutput,
} from '../../../../../src/testing/linearizability/models/register-model.js';

/** An object at its beginning: what is to be called with each input, and returns the output. */
export type LiveObject<Input, Output> = (input: Input) => Output;

export function liveRegister(initial: number): LiveObject<RegisterInput<number>, RegisterOutput<number>> {
  let held = initial;
  return (input) => {
    if (input[0] === 'read') return held;
    if (input[0] === 'write') {
      held = input[1];
      return undefined;
    }
    if (held !== input[1]) return false;
    held = input[2];
    return true;
  };
}

export function liveCounter(): LiveObject<CounterInput, number> {
  let value = 0;
  return (input) => (value += input[0] === 'add' ? input[1] : 0);
}

export function liveMap(): LiveObject<MapInput<number>, MapOutput<number>> {
  const map = new Map<string, number>();
  return (input) => {
    switch (input[0]) {
      case 'set':
        map.set(input[1], input[2]);
        return undefined;
      case 'get':
        return map.get(input[1]);
      case 'delete':
        return map.delete(input[1]);
      case 'has':
        return map.has(input[1]);
    }
  };
}

export function liveLock(): LiveObject<LockInput, LockOutput> {
  let holder: string | null = null;
  return ([method, owner = null]) => {
    if (method === 'holder') return holder;
    if (method === 'tryAcquire' ? holder !== null : holder !== owner) return false;
    holder = method === 'tryAcquire' ? owner : null;
    return true;
  };
}

export function liveQueue(): LiveObject<QueueInput<number>, number | undefined> {
  const values: number[] = [];
  return (input) => {
    if (input[0] === 'dequeue') return values.shift();
    values.push(input[1]);
    return undefined;
  };
}

export function liveJournal(): LiveObject<JournalInput<number>, JournalOutput<number>> {
  const entries: number[] = [];
  return (input) => (input[0] === 'append' ? entries.push(input[1]) : [...entries]);
}
