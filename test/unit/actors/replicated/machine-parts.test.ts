/**
 * Objects of one node on several machines: together they are what one machine with all objects is, whatever they are
 * fed, and each call of the node's own is answered by the machine that its object is on.
 */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { codeVersionContent } from '../../../../src/actors/raft/code-version-entry.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { replicated } from '../../../../src/actors/replicated/decorators.js';
import { hashObjects } from '../../../../src/actors/replicated/hash-objects.js';
import { makeObject } from '../../../../src/actors/replicated/loaded-class.js';
import { Machine } from '../../../../src/actors/replicated/machine.js';
import { machineOf, machineOfCommand, type ObjectPlaces } from '../../../../src/actors/replicated/object-places.js';
import { ReplCounter } from '../../../../src/actors/replicated/objects/counter.js';
import type { ResultBlock } from '../../../../src/actors/replicated/results.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { block, blockOf, entriesOf, life, session, type Command, type EntryLike } from './support/blocks.js';
import { Doubler, loaded } from './support/loaded-classes.js';
import { throughSnapshot } from './support/through-snapshot.js';

/** None can be made. */
class Unmakeable {
  static readonly module = import.meta.url;

  constructor() {
    throw new Error('never');
  }

  @replicated add(): void {}
}

const COUNTER = loaded('ReplCounter', ReplCounter);
const CLASSES = [COUNTER, loaded('Doubler', Doubler), loaded('Unmakeable', Unmakeable)];
const codec = new ValueCodec();
const PLACES: ObjectPlaces = new Map([
  ['a', 1],
  ['x', 1],
  ['b', 2],
]);
const MACHINES = [0, 1, 2];
const OBJECTS = ['a', 'b', 'c'];

function newMachine(machine = 0, places: ObjectPlaces = new Map()): Machine {
  const names = OBJECTS.filter((name) => machineOf(name, places) === machine);
  const objects = names.map((name) => makeObject(name, COUNTER, codec.encodeInto([]).slice()));
  const part = { machine, places };
  return new Machine({ objects, classes: CLASSES, part, life: life('a'), sessionsMax: 3, codec: new ValueCodec() });
}

/** One machine with all objects, and three with some each, that are fed the same. */
class Rig {
  readonly whole = newMachine();
  readonly parts = MACHINES.map((machine) => newMachine(machine, PLACES));
  #session = 1;
  #nextSeq = 1;

  constructor() {
    this.feed(session(life('a')));
  }

  /** The node has another session opened. Returns which. */
  reopen(): number {
    this.feed(session(life('a')));
    this.#session = this.whole.appliedIndex;
    this.#nextSeq = 1;
    return this.#session;
  }

  /** A block of this node's own: its commands are those of objects on one machine. Skips so many sequence numbers. */
  own(commands: readonly Command[], cancelled: readonly number[] = [], skipped = 0): Outcome {
    const entry = block(blockOf(this.#session, this.#nextSeq + skipped, commands, cancelled));
    if (skipped === 0) this.#nextSeq += commands.length;
    return this.feed(entry);
  }

  feed(entry: EntryLike): Outcome {
    const entries = entriesOf(this.whole.appliedIndex + 1, [entry]);
    const apply = (machine: Machine): ResultBlock[] => {
      const results: ResultBlock[] = [];
      machine.apply(entries, results);
      return results;
    };
    return { whole: apply(this.whole), parts: this.parts.map(apply) };
  }

  /** A machine takes the place of another one, and begins with a snapshot of everything. */
  async replace(machine: number): Promise<void> {
    const next = newMachine(machine, PLACES);
    await throughSnapshot(this.whole, next);
    this.parts[machine] = next;
  }
}

interface Outcome {
  readonly whole: readonly ResultBlock[];
  readonly parts: readonly (readonly ResultBlock[])[];
}

/** Without the stacks of errors, which are of the machine's own. */
function said(results: readonly ResultBlock[]): object[] {
  return results.map(({ errors, ...rest }) => ({ ...rest, errors: errors?.map(([at, { code }]) => [at, code]) ?? [] }));
}

const inc = (object: string): Command => [object, 'inc'];
const create = (name: string, of = 'ReplCounter'): Command => ['', 'create', name, of, []];

describe('machines that share the objects of a node', () => {
  it('each answer what is called on their objects', () => {
    const rig = new Rig();

    const { parts } = rig.own([inc('a'), inc('a')]);

    expect(parts.map((results) => results.length)).toEqual([0, 1, 0]);
    expect(parts[1]![0]).toMatchObject({ session: 1, id: 1, count: 2, numbers: Float64Array.of(1, 2) });
  });

  it('have one answer what nobody waits for any more: the lane that it came from has to know', () => {
    const rig = new Rig();

    const { parts } = rig.own([inc('a')], [0]);

    expect(parts[1]).toMatchObject([{ count: 1, errors: null }]);
  });

  it('answer creating and dropping where the object is to be, and all know which objects there are', () => {
    const rig = new Rig();

    const created = rig.own([create('x'), ['.x.ReplCounter', 'inc'], create('x')]);
    const elsewhere = rig.own([create('y')]);

    expect(created.parts.map((results) => results.length)).toEqual([0, 1, 0]);
    expect(said(created.parts[1]!)).toMatchObject([{ errors: [[2, 'ERR_OBJECT_EXISTS']] }]);
    expect(elsewhere.parts.map((results) => results.length)).toEqual([1, 0, 0]);
    expect(rig.parts.map((machine) => machine.created.map(({ name }) => name))).toEqual([['y'], ['x'], []]);
    expect(rig.parts.map((machine) => machine.saveCreated())).toEqual(MACHINES.map(() => rig.whole.saveCreated()));
  });

  it('skip what others are called, and stop at what is unknown only where its object would be', () => {
    const rig = new Rig();
    const entries = entriesOf(2, [block(blockOf(1, 1, [['a', 'reset']]))]);

    expect(() => rig.parts[1]!.apply(entries, [])).toThrow(
      expect.objectContaining({ code: 'ERR_VERSION_UNSUPPORTED' }),
    );
    rig.parts[2]!.apply(entries, []);

    expect(rig.parts[2]!.appliedIndex).toBe(2);
  });

  it('come to the end of the session at the same entry, and to the next one', () => {
    const rig = new Rig();
    for (const other of ['b', 'c', 'd']) rig.feed(session(life(other)));

    rig.own([inc('a')]);
    expect(rig.parts.map(({ own }) => own)).toEqual(MACHINES.map(() => rig.whole.own));
    expect(rig.whole.own).toMatchObject({ session: null, expired: 1 });

    rig.feed(session(life('a')));
    expect(rig.parts.map(({ own }) => own.session)).toEqual([6, 6, 6]);
  });

  it('all come to the next session where only one of them knew that the last one was forgotten', async () => {
    const rig = new Rig();
    for (const other of ['b', 'c', 'd']) rig.feed(session(life(other)));
    // Its thread has ended, and the snapshot knows nothing of the session: no block of it was refused.
    await rig.replace(1);
    expect(rig.parts.map(({ own }) => own.session)).toEqual([1, null, 1]);

    expect(rig.reopen()).toBe(5);

    expect(rig.parts.map(({ own: { session: id, expired } }) => [id, expired])).toEqual([
      [5, 1],
      [5, null],
      [5, 1],
    ]);
    const { parts } = rig.own([inc('b')]);
    expect(parts.map((results) => results.length)).toEqual([0, 0, 1]);
  });

  it('stay in their session when the request for it comes twice', () => {
    const rig = new Rig();

    rig.feed(session(life('a')));

    expect(rig.parts.map(({ own: { session: id, expired } }) => [id, expired])).toEqual(MACHINES.map(() => [1, null]));
  });
});

type Step =
  | {
      readonly type: 'own';
      readonly commands: readonly Command[];
      readonly cancelled: boolean;
      readonly skipped: number;
    }
  | { readonly type: 'foreign'; readonly commands: readonly Command[]; readonly firstSeq: number }
  | { readonly type: 'session'; readonly of: string }
  | { readonly type: 'raise' }
  | { readonly type: 'replace'; readonly machine: number };

const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom(...OBJECTS).map(inc),
  fc
    .tuple(fc.constantFrom('x', 'y'), fc.constantFrom('ReplCounter', 'Doubler', 'Unmakeable'))
    .map(([name, of]) => create(name, of)),
  fc.constantFrom('x', 'y').map((name): Command => ['', 'drop', name]),
  fc.constantFrom('x', 'y').map((name): Command => [`.${name}.ReplCounter`, 'inc']),
  fc.constantFrom('x', 'y').map((name): Command => [`.${name}.Doubler`, 'grow']),
);
const machineOfCall = ([object, method, ...args]: Command): number =>
  machineOfCommand(`${object}.${method}`, args, PLACES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        commands: fc.array(anyCommand, { minLength: 1, maxLength: 6 }),
        cancelled: fc.boolean(),
        skipped: fc.constantFrom(0, 0, 0, 1),
      })
      .map(({ commands, cancelled, skipped }): Step => {
        const machine = machineOfCall(commands[0]!);
        const together = commands.filter((each) => machineOfCall(each) === machine);
        return { type: 'own', commands: together, cancelled, skipped };
      }),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.array(anyCommand, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 20 }))
      .map(([commands, firstSeq]): Step => ({ type: 'foreign', commands, firstSeq })),
  },
  { weight: 1, arbitrary: fc.constantFrom('b', 'c', 'd').map((of): Step => ({ type: 'session', of })) },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'raise' }) },
  { weight: 2, arbitrary: fc.constantFrom(...MACHINES).map((machine): Step => ({ type: 'replace', machine })) },
);

test('machines that share the objects are together what one machine is, whatever they are fed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const rig = new Rig();
      let foreign = 0;
      for (const each of steps) {
        if (each.type === 'replace') {
          await rig.replace(each.machine);
          if (rig.parts[each.machine]!.own.session === null) rig.reopen();
        } else if (each.type === 'session') {
          foreign = rig.whole.appliedIndex + 1;
          rig.feed(session(life(each.of)));
        } else if (each.type === 'raise') {
          const payload = Uint8Array.from(codeVersionContent(1).payload).buffer;
          rig.feed({ kind: EntryKind.codeVersion, payload });
        } else if (each.type === 'foreign') {
          const { parts } = rig.feed(block(blockOf(foreign, each.firstSeq, each.commands)));
          expect(parts.flat()).toEqual([]);
        } else {
          const { whole, parts } = rig.own(each.commands, each.cancelled ? [0] : [], each.skipped);
          const machine = machineOfCall(each.commands[0]!);
          // Where all has been cancelled, nobody reads who else has answered.
          expect(said(parts[machine]!)).toEqual(said(whole));
          if (!each.cancelled) expect(said(parts.flat())).toEqual(said(whole));
        }
      }

      const hashes = await Promise.all(rig.parts.map((machine) => hashObjects(machine)));
      expect(new Map(hashes.flat())).toEqual(new Map(await hashObjects(rig.whole)));
      for (const machine of rig.parts) {
        expect(machine.save()).toEqual(rig.whole.save());
        expect(machine.saveCreated()).toEqual(rig.whole.saveCreated());
        const { session: ownSession, nextSeq } = rig.whole.own;
        expect(machine.own).toMatchObject({ session: ownSession, nextSeq });
      }
    }),
    { numRuns: 60 },
  );
});

test('what machines that share the objects have counted is, in sum, what one machine has', () => {
  const rig = new Rig();

  rig.own([inc('a'), inc('a')]);
  rig.own([create('x'), create('x'), create('x', 'Unmakeable')]);
  rig.own([inc('c'), create('y')], [0]);

  const sum = (of: (machine: Machine) => number): number => rig.parts.map(of).reduce((total, each) => total + each, 0);
  expect(sum((machine) => machine.commandsApplied)).toBe(rig.whole.commandsApplied);
  expect(sum((machine) => machine.commandsThrew)).toBe(rig.whole.commandsThrew);
});
