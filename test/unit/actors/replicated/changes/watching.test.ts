/**
 * Random histories of one object and those who watch it, with messages that take their time: each reader, however often
 * it leaves and goes on, gets exactly what lies between where it has begun and where it stands.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CallerMessage } from '../../../../../src/actors/replicated/caller-messages.js';
import { ChangeFeeds, KEPT_UNWATCHED_MS } from '../../../../../src/actors/replicated/changes/change-feeds.js';
import { comparePlaces, type ChangePlace } from '../../../../../src/actors/replicated/changes/change-place.js';
import { WatchDesk } from '../../../../../src/actors/replicated/changes/watch-desk.js';
import type { Watch } from '../../../../../src/actors/replicated/changes/watch.js';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import { Machine } from '../../../../../src/actors/replicated/machine.js';
import type { MachineMessage } from '../../../../../src/actors/replicated/machine-messages.js';
import { ReplMap } from '../../../../../src/actors/replicated/objects/map.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';
import { ConclaveError } from '../../../../../src/errors.js';
import { logIndex } from '../../../../../src/ids.js';
import type { ActorRef } from '../../../../../src/runtime/actor.js';
import { block, blockOf, entriesOf, life, session, type Command } from '../support/blocks.js';

const codec = new ValueCodec();
const { methods } = describeClass('prices', ReplMap);
const KEYS = ['tea', 'milk', 'jam'];

type Step =
  | {
      readonly type: 'apply';
      readonly commands: readonly (readonly ['set' | 'delete' | 'clear' | 'refused', number])[];
    }
  | { readonly type: 'deliver'; readonly to: 'machine' | 'caller'; readonly count: number }
  | { readonly type: 'drain' }
  | { readonly type: 'begin'; readonly reader: number; readonly key: number | null }
  | { readonly type: 'read'; readonly reader: number; readonly count: number }
  | { readonly type: 'leave'; readonly reader: number }
  | { readonly type: 'pause'; readonly ms: number };

interface Seen {
  readonly place: ChangePlace;
  readonly key: string | undefined;
  readonly change: unknown;
}

/** One that reads, leaves and goes on. */
interface Reader {
  readonly key: string | undefined;
  watch: Watch;
  begunAt: ChangePlace | null;
  at: ChangePlace | null;
  readonly seen: unknown[];
  readonly readings: Promise<void>[];
  error: string | null;
  isOpen: boolean;
}

function refTo<Message>(into: Message[]): ActorRef<Message> {
  return {
    address: { system: 'test', name: 'test' },
    tell: (message) => void into.push(message),
    ask: () => Promise.reject(new Error('nobody is asked')),
  };
}

class Rig {
  readonly toMachine: MachineMessage[] = [];
  readonly toCaller: CallerMessage[] = [];
  readonly readers: Reader[] = [];
  /** What has changed by what a Map says. */
  readonly changes: Seen[] = [];
  readonly #map = new Map<string, number>();
  readonly #machine = new Machine({
    objects: [
      {
        name: 'prices',
        instance: new ReplMap(),
        prototype: ReplMap.prototype,
        madeFields: [],
        commands: new Map(),
        since: 0,
        methods,
      },
    ],
    classes: [],
    life: life('a'),
    sessionsMax: 10,
    codec,
  });
  #nowMs = 0;
  #forgetAtMs = Infinity;
  #nextSeq = 1;
  #nextValue = 1;
  readonly #feeds = new ChangeFeeds({
    clock: { nowMs: () => this.#nowMs, wallMs: () => 0 },
    caller: refTo(this.toCaller),
    machine: 0,
    forgetLater: (delayMs) => void (this.#forgetAtMs = this.#nowMs + delayMs),
  });
  readonly #desk = new WatchDesk({
    codec: new ValueCodec(),
    commandBytesMax: 1_000_000,
    seenIndex: () => logIndex(0),
    machine: refTo(this.toMachine),
    onUntold: () => {},
  });

  constructor() {
    this.#machine.apply(entriesOf(1, [session(life('a'))]), []);
  }

  take(step: Step): void {
    switch (step.type) {
      case 'apply':
        return this.#apply(step.commands);
      case 'deliver':
        for (let i = 0; i < step.count; i++) this.#deliver(step.to);
        return;
      case 'drain':
        return this.#feeds.drained(this.#machine);
      case 'begin':
        return this.#begin(step.reader, step.key === null ? undefined : KEYS[step.key]);
      case 'read':
        for (let i = 0; i < step.count; i++) this.#read(step.reader);
        return;
      case 'leave':
        return this.#leave(step.reader);
      case 'pause':
        this.#nowMs += step.ms;
        if (this.#nowMs < this.#forgetAtMs) return;
        this.#forgetAtMs = Infinity;
        this.#feeds.forgetIdle();
    }
  }

  /** Delivers everything, lets everybody read to the end, and leave. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      while (this.toMachine.length > 0) this.#deliver('machine');
      this.#feeds.drained(this.#machine);
      while (this.toCaller.length > 0) this.#deliver('caller');
    }
    for (const [i, reader] of this.readers.entries()) {
      const wanted = this.changes.length + 1;
      if (reader.isOpen) for (let n = 0; n < wanted; n++) this.#read(i);
      await new Promise(setImmediate);
      this.#leave(i);
      await Promise.all(reader.readings);
    }
  }

  #apply(commands: readonly (readonly ['set' | 'delete' | 'clear' | 'refused', number])[]): void {
    const index = this.#machine.appliedIndex + 1;
    const calls = commands.map(([method, keyNumber], command): Command => {
      const key = KEYS[keyNumber % KEYS.length]!;
      const value = this.#nextValue++;
      const previous = this.#map.get(key);
      const tell = (change: object): void => {
        const changed = 'key' in change ? (change.key as string) : undefined;
        this.changes.push({ place: { index, command, change: 0 }, key: changed, change });
      };
      if (method === 'set') {
        tell({ type: 'set', key, value, ...(previous === undefined ? {} : { previous }) });
        this.#map.set(key, value);
        return ['prices', 'set', key, value];
      }
      // A key that is none: the command throws.
      if (method === 'refused') return ['prices', 'set', null, value];
      if (method === 'clear') {
        if (this.#map.size > 0) tell({ type: 'clear' });
        this.#map.clear();
        return ['prices', 'clear'];
      }
      if (previous !== undefined) tell({ type: 'delete', key, previous });
      this.#map.delete(key);
      return ['prices', 'delete', key];
    });
    this.#machine.apply(entriesOf(index, [block(blockOf(1, this.#nextSeq, calls))]), []);
    this.#nextSeq += calls.length;
  }

  #deliver(to: 'machine' | 'caller'): void {
    if (to === 'machine') {
      const message = this.toMachine.shift();
      if (message?.type === 'watchChanges') this.#feeds.watch(message);
      else if (message?.type === 'unwatchChanges') this.#feeds.unwatch(message);
      else if (message?.type === 'changesTaken') this.#feeds.taken(message.bytes);
      return;
    }
    const message = this.toCaller.shift();
    if (message?.type === 'watchBegun') this.#desk.onBegun(message);
    else if (message?.type === 'watchRefused') this.#desk.onRefused(message);
    else if (message?.type === 'watchedChanges') this.#desk.onChanges(message);
  }

  /** A new reader, or one that goes on where it has left. */
  #begin(number: number, key: string | undefined): void {
    const known = this.readers[number];
    if (known?.isOpen === true || (known?.error !== undefined && known.error !== null)) return;
    const from = known?.at ?? null;
    const watch = this.#desk.watch({
      object: 'prices',
      key: known === undefined ? key : known.key,
      from,
      read: null,
      signal: null,
    });
    if (known === undefined) {
      const reader: Reader = { key, watch, begunAt: null, at: null, seen: [], readings: [], error: null, isOpen: true };
      this.readers.push(reader);
      reader.readings.push(
        watch.begun().then(
          (place) => void (reader.begunAt = place),
          () => undefined,
        ),
      );
    } else {
      known.watch = watch;
      known.isOpen = true;
      known.readings.push(
        watch.begun().then(
          (place) => void (known.begunAt ??= place),
          () => undefined,
        ),
      );
    }
  }

  #read(number: number): void {
    const reader = this.readers[number];
    if (reader === undefined || !reader.isOpen) return;
    const reading = reader.watch.next().then(
      ({ done, value }) => void (done === true || reader.seen.push(value)),
      (error: unknown) => {
        if (!(error instanceof ConclaveError)) throw error;
        reader.error = error.code;
      },
    );
    reader.readings.push(reading);
  }

  #leave(number: number): void {
    const reader = this.readers[number];
    if (reader === undefined || !reader.isOpen) return;
    const { watch } = reader;
    void watch.return();
    reader.isOpen = false;
    if (watch.at === null) return;
    reader.at = watch.at;
  }
}

const READERS = 4;
const reader = fc.nat({ max: READERS - 1 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('apply' as const),
    commands: fc.array(
      fc.tuple(
        fc.constantFrom('set' as const, 'set' as const, 'delete' as const, 'clear' as const, 'refused' as const),
        fc.nat({ max: 2 }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({
    type: fc.constant('deliver' as const),
    to: fc.constantFrom('machine' as const, 'caller' as const),
    count: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ type: fc.constant('drain' as const) }),
  fc.record({ type: fc.constant('begin' as const), reader, key: fc.option(fc.nat({ max: 2 })) }),
  fc.record({ type: fc.constant('read' as const), reader, count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('leave' as const), reader }),
  fc.record({ type: fc.constant('pause' as const), ms: fc.constantFrom(1, KEPT_UNWATCHED_MS / 2) }),
);

it('each reader gets what lies between where it has begun and where it stands', async () => {
  let seenInAll = 0;
  let resumed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 30, maxLength: 120, size: 'max' }), async (history) => {
      const rig = new Rig();
      for (const step of history) rig.take(step);
      await rig.settle();

      for (const { key, begunAt, at, seen, error } of rig.readers) {
        if (error !== null) expect(error).toBe('ERR_CHANGES_LOST');
        if (begunAt === null || at === null) continue;
        const expected = rig.changes.filter(
          (each) =>
            comparePlaces(each.place, begunAt) >= 0 &&
            comparePlaces(each.place, at) < 0 &&
            (key === undefined || each.key === undefined || each.key === key),
        );
        expect(seen).toEqual(expected.map(({ change }) => change));
        seenInAll += seen.length;
        resumed++;
      }
    }),
    { numRuns: 300 },
  );
  // The histories are worth something.
  expect(seenInAll).toBeGreaterThan(500);
  expect(resumed).toBeGreaterThan(100);
});
