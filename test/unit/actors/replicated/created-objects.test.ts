/** Objects that commands create: what the machine does with what is called on them, and with what cannot be made. */

import { describe, expect, it, test } from 'vitest';
import { replicated } from '../../../../src/actors/replicated/decorators.js';
import { describeClass } from '../../../../src/actors/replicated/describe-class.js';
import { hashObjects } from '../../../../src/actors/replicated/hash-objects.js';
import type { LoadedClass } from '../../../../src/actors/replicated/loaded-class.js';
import { Machine } from '../../../../src/actors/replicated/machine.js';
import { ReplCounter } from '../../../../src/actors/replicated/objects/counter.js';
import { ReplMap } from '../../../../src/actors/replicated/objects/map.js';
import type { ResultBlock } from '../../../../src/actors/replicated/results.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { block, blockOf, entriesOf, life, session, type Command } from './support/blocks.js';

/** Its constructor gives away another object than the one that it makes. */
class Impostor {
  static readonly module = import.meta.url;

  constructor() {
    return { total: 0 } as unknown as Impostor;
  }

  @replicated add(): void {}
}

/** It holds what no snapshot can. */
class Holder {
  static readonly module = import.meta.url;
  readonly callback = (): void => {};

  @replicated add(): void {}
}

function loaded(name: string, target: LoadedClass['target']): LoadedClass {
  const { methods, commands } = describeClass(name, target);
  return { name, target, methods, commands, since: 0 };
}

const CLASSES = [
  loaded('ReplCounter', ReplCounter),
  loaded('ReplMap', ReplMap),
  loaded('Impostor', Impostor),
  loaded('Holder', Holder),
];

const create = (name: string, className: string): Command => ['', 'create', name, className, []];
const drop = (name: string): Command => ['', 'drop', name];

/** A machine that the entries of one session are fed to. */
class Rig {
  readonly machine: Machine;
  readonly codec = new ValueCodec();
  #nextSeq = 1;

  constructor(owner = 'a') {
    this.machine = new Machine({
      objects: [],
      classes: CLASSES,
      life: life(owner),
      sessionsMax: 10,
      codec: this.codec,
    });
    this.machine.apply(entriesOf(1, [session(life('a'))]), []);
  }

  run(...commands: Command[]): ResultBlock {
    const results: ResultBlock[] = [];
    const entry = block(blockOf(1, this.#nextSeq, commands));
    this.machine.apply(entriesOf(this.machine.appliedIndex + 1, [entry]), results);
    this.#nextSeq += commands.length;
    return results[0]!;
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
