/** Objects that commands create: what the machine does with what is called on them, and with what cannot be made. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { codeVersionContent } from '../../../../src/actors/raft/code-version-entry.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { BlockBuilder } from '../../../../src/actors/replicated/block-builder.js';
import { BlockNames, MethodName } from '../../../../src/actors/replicated/block-names.js';
import { replicated } from '../../../../src/actors/replicated/decorators.js';
import { hashObjects } from '../../../../src/actors/replicated/hash-objects.js';
import { Machine } from '../../../../src/actors/replicated/machine.js';
import { ReplCounter } from '../../../../src/actors/replicated/objects/counter.js';
import { ReplMap } from '../../../../src/actors/replicated/objects/map.js';
import type { ResultBlock } from '../../../../src/actors/replicated/results.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { sessionId } from '../../../../src/ids.js';
import { block, blockOf, entriesOf, life, session, type Command, type EntryLike } from './support/blocks.js';
import { Doubler, loaded } from './support/loaded-classes.js';
import { throughSnapshot } from './support/through-snapshot.js';

/** Its constructor gives away another object than the one that it makes. */
class Impostor {
  static readonly module = import.meta.url;

  constructor() {
    return { total: 0 } as unknown as Impostor;
  }

  @replicated add(): void {}
}

/** What its constructor throws cannot be made a string. */
class Thrower {
  static readonly module = import.meta.url;

  constructor() {
    throw Object.create(null);
  }

  @replicated add(): void {}
}

/** It holds what no snapshot can. */
class Holder {
  static readonly module = import.meta.url;
  readonly callback = (): void => {};

  @replicated add(): void {}
}

/** It lets callers say which of its fields is set: also one that is called like a method. */
class Bag {
  static readonly module = import.meta.url;
  [name: string]: unknown;

  @replicated put(name: string, value: unknown): void {
    this[name] = value;
  }

  @replicated count(): number {
    return Object.keys(this).length;
  }
}

const CLASSES = [
  loaded('ReplCounter', ReplCounter),
  loaded('ReplMap', ReplMap),
  loaded('Impostor', Impostor),
  loaded('Holder', Holder),
  loaded('Thrower', Thrower),
  loaded('Doubler', Doubler),
  loaded('Bag', Bag),
];

const create = (name: string, className: string): Command => ['', 'create', name, className, []];
const drop = (name: string): Command => ['', 'drop', name];

/** A machine that the entries of one session are fed to. */
class Rig {
  readonly machine: Machine;
  readonly codec = new ValueCodec();
  #nextSeq = 1;

  constructor(owner = 'a', hasBegun = true) {
    this.machine = new Machine({
      objects: [],
      classes: CLASSES,
      life: life(owner),
      sessionsMax: 10,
      codec: this.codec,
    });
    if (hasBegun) this.apply(session(life('a')));
  }

  run(...commands: Command[]): ResultBlock {
    return this.runBlock((firstSeq) => blockOf(1, firstSeq, commands), commands.length);
  }

  runBlock(blockAt: (firstSeq: number) => ArrayBuffer, count: number): ResultBlock {
    const entry = block(blockAt(this.#nextSeq));
    this.#nextSeq += count;
    return this.apply(entry)[0]!;
  }

  /** Brings version 1 of the code into force. */
  raise(): void {
    const payload = Uint8Array.from(codeVersionContent(1).payload).buffer;
    this.apply({ kind: EntryKind.codeVersion, payload });
  }

  /** One that was given a snapshot instead of the log so far. */
  async twin(): Promise<Rig> {
    const twin = new Rig('a', false);
    twin.#nextSeq = this.#nextSeq;
    await throughSnapshot(this.machine, twin.machine);
    return twin;
  }

  apply(...entries: EntryLike[]): ResultBlock[] {
    const results: ResultBlock[] = [];
    this.machine.apply(entriesOf(this.machine.appliedIndex + 1, entries), results);
    return results;
  }
}

/** The codes of the errors, by position. */
function errorsOf({ errors }: ResultBlock): [position: number, code: string | undefined][] {
  return (errors ?? []).map(([position, { code }]) => [position, code]);
}

describe('what is called on a created object', () => {
  it('is refused where that is of another class, and stops nobody', () => {
    const rig = new Rig();

    const results = rig.run(
      create('x', 'ReplCounter'),
      ['.x.ReplMap', 'set', 'a', 1],
      ['.x.ReplMap', 'clear'],
      ['.x.ReplCounter', 'inc'],
    );

    expect(errorsOf(results)).toEqual([
      [1, 'ERR_NO_SUCH_OBJECT'],
      [2, 'ERR_NO_SUCH_OBJECT'],
    ]);
  });

  it('is refused where it was dropped, while others in the same table of names go on', () => {
    const rig = new Rig();
    const objects = Array.from({ length: 20 }, (_, i) => `x${i}`);
    rig.run(...objects.map((name) => create(name, 'ReplCounter')));
    const names = new BlockNames();
    const inc = objects.map((name) => new MethodName(`.${name}.ReplCounter`, 'inc'));
    const call = (called: readonly MethodName[]): ResultBlock => {
      const builder = new BlockBuilder(rig.codec, 1_000, names);
      for (const name of called) builder.add(name, []);
      return rig.runBlock((seq) => builder.seal(sessionId(1), seq), called.length);
    };
    call(inc);
    rig.run(drop('x3'));

    const others = call(inc.slice(4));
    const all = call(inc);

    expect(others).toMatchObject({ errors: null, numbers: Float64Array.from(inc.slice(4), () => 2) });
    expect(errorsOf(all)).toEqual([[3, 'ERR_NO_SUCH_OBJECT']]);
  });

  it('is refused where one of another class has taken its name meanwhile', () => {
    const rig = new Rig();
    rig.run(create('x', 'ReplCounter'), ['.x.ReplCounter', 'inc']);

    const results = rig.run(
      drop('x'),
      create('x', 'ReplMap'),
      ['.x.ReplCounter', 'inc'],
      ['.x.ReplMap', 'set', 'a', 1],
    );

    expect(errorsOf(results)).toEqual([[2, 'ERR_NO_SUCH_OBJECT']]);
  });

  it('is refused as a query, too', () => {
    const rig = new Rig();
    rig.run(create('x', 'ReplCounter'));

    const results = rig.machine.query(
      blockOf(0, 1, [
        ['.x.ReplMap', 'size'],
        ['.x.ReplCounter', 'get'],
      ]),
    );

    expect(errorsOf(results)).toEqual([[0, 'ERR_NO_SUCH_OBJECT']]);
  });

  it.each([7, undefined])(
    'is the method of its class for one that was given a snapshot, too, where a field has taken its name: %s',
    async (value) => {
      const rig = new Rig();
      rig.run(create('x', 'Bag'), ['.x.Bag', 'count'], ['.x.Bag', 'put', 'count', value]);
      const twin = await rig.twin();

      const results = [rig, twin].map((each) => each.run(['.x.Bag', 'count']));

      expect(results.map(({ errors, numbers }) => [errors, numbers?.[0]])).toEqual([
        [null, 1],
        [null, 1],
      ]);
    },
  );

  it('stops a node whose code has the class, and not the command: others have carried it out', () => {
    const rig = new Rig();
    rig.run(create('x', 'ReplCounter'));

    expect(() => rig.run(['.x.ReplCounter', 'halve'])).toThrow(
      expect.objectContaining({ code: 'ERR_VERSION_UNSUPPORTED' }),
    );
  });
});

describe('what cannot be made', () => {
  test.each([
    ['Impostor', 'ERR_INVALID_OBJECT'],
    ['Thrower', 'ERR_INVALID_OBJECT'],
    ['Holder', 'ERR_STATE_NOT_ENCODABLE'],
  ])('is not there, and nobody stops: %s', (className, code) => {
    const rig = new Rig();

    const results = rig.run(create('x', className), [`.x.${className}`, 'add']);

    expect(results.errors![0]![1]).toMatchObject({ code, mayBeApplied: false });
    expect(errorsOf(results)).toEqual([
      [0, code],
      [1, 'ERR_NO_SUCH_OBJECT'],
    ]);
    expect([...rig.machine.created]).toEqual([]);
  });
});

test('replicas that answer nobody come to the same objects, in the same order', async () => {
  const [own, other] = [new Rig('a'), new Rig('b')];
  const commands: Command[] = [
    create('a', 'ReplCounter'),
    create('b', 'ReplMap'),
    ['.a.ReplMap', 'set', 'k', 1],
    ['.b.ReplMap', 'set', 'k', 1],
    drop('a'),
    create('a', 'ReplMap'),
    ['.a.ReplCounter', 'inc'],
    create('c', 'Impostor'),
  ];

  own.run(...commands);
  other.run(...commands);

  expect(await hashObjects(other.machine)).toEqual(await hashObjects(own.machine));
  expect((await hashObjects(own.machine)).map(([name]) => name)).toEqual(['.b', '.a']);
});

type Step =
  | { readonly type: 'run'; readonly commands: readonly Command[] }
  | { readonly type: 'raise' }
  /** From here on, the other one is one that was given a snapshot. */
  | { readonly type: 'snapshot' };

const NAMES = ['x', 'y', '__proto__', 'Stra\u00dfe \u{1f6e3}'];
const CALLS: Readonly<Record<string, readonly [method: string, ...args: unknown[]]>> = {
  ReplCounter: ['add', 3],
  ReplMap: ['set', 'k', 1],
  Doubler: ['grow'],
};
const name = fc.constantFrom(...NAMES);
const className = fc.constantFrom('ReplCounter', 'ReplMap', 'Doubler');
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.tuple(name, className).map(([object, of]): Command => create(object, of)),
  name.map((object): Command => create(object, 'Impostor')),
  name.map((object): Command => drop(object)),
  fc.tuple(name, className).map(([object, of]): Command => [`.${object}.${of}`, ...CALLS[of]!]),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(command, { minLength: 1, maxLength: 6 }).map((commands): Step => ({ type: 'run', commands })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'raise' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ type: 'snapshot' }) },
);

test('a replica that was given snapshots has the same objects as one that has had the log, and answers the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const all = new Rig();
      let other = all;
      for (const each of steps) {
        if (each.type === 'snapshot') {
          other = await all.twin();
        } else if (each.type === 'raise') {
          for (const rig of new Set([all, other])) rig.raise();
        } else {
          const [expected, found = expected] = [...new Set([all, other])].map((rig) => rig.run(...each.commands));
          expect([found!.numbers, found!.values, errorsOf(found!)]).toEqual([
            expected!.numbers,
            expected!.values,
            errorsOf(expected!),
          ]);
        }
      }

      expect(await hashObjects(other.machine)).toEqual(await hashObjects(all.machine));
      expect(other.machine.save()).toEqual(all.machine.save());
    }),
    { numRuns: 60 },
  );
});
