/**
 * What the code versions of a class mean: which method a command runs at which place in the log, and what is refused.
 */

import { describe, expect, it, test } from 'vitest';
import { codeVersionContent } from '../../../../src/actors/raft/code-version-entry.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { defineObject } from '../../../../src/actors/replicated/define-object.js';
import { replicated } from '../../../../src/actors/replicated/decorators.js';
import { describeClass } from '../../../../src/actors/replicated/describe-class.js';
import { Machine } from '../../../../src/actors/replicated/machine.js';
import {
  loadObject,
  object,
  resolveDefinition,
  since,
  type ObjectDefinitions,
} from '../../../../src/actors/replicated/object-definition.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { errorOf } from './error-of.js';
import { DefinedTill, NewTill, OldTill } from './fixtures/versioned.js';
import { block, blockOf, entriesOf, life, session, type Command, type EntryLike } from './support/blocks.js';
import { throughSnapshot } from './support/through-snapshot.js';

const codec = new ValueCodec();
const unsupported = (data: object): object => expect.objectContaining({ code: 'ERR_VERSION_UNSUPPORTED', data });

const version = (number: number): EntryLike => ({
  kind: EntryKind.codeVersion,
  payload: Uint8Array.from(codeVersionContent(number).payload).buffer,
});
const pay = (amount: number): Command => ['till', 'pay', amount];

/** A machine with the entries that it is fed; the first one opens session 1. */
class Rig {
  readonly machine: Machine;
  #nextSeq = 1;

  private constructor(machine: Machine) {
    this.machine = machine;
    this.apply(session(life('a')));
  }

  static async of(definitions: ObjectDefinitions): Promise<Rig> {
    return new Rig(await machineOf(definitions));
  }

  apply(...entries: EntryLike[]): this {
    this.machine.apply(entriesOf(this.machine.appliedIndex + 1, entries), []);
    return this;
  }

  run(...commands: Command[]): EntryLike {
    const firstSeq = this.#nextSeq;
    this.#nextSeq += commands.length;
    return block(blockOf(1, firstSeq, commands));
  }
}

async function machineOf(definitions: ObjectDefinitions): Promise<Machine> {
  const resolved = await Promise.all(
    Object.entries(definitions).map(([name, each]) => resolveDefinition(name, each, codec)),
  );
  const objects = await Promise.all(resolved.map((each) => loadObject(each)));
  return new Machine({ objects, classes: [], life: life('a'), sessionsMax: 10, codec });
}

function linesOf(machine: Machine, name = 'till'): string[] | undefined {
  return (machine.objects.find((each) => each.name === name)?.instance as OldTill | undefined)?.all();
}

describe('a class', () => {
  it('has a command for each name that callers call, with its methods by version', () => {
    const { methods, commands } = describeClass('till', NewTill);

    expect(Object.fromEntries(methods)).toEqual({
      pay: 'replicated',
      refund: 'replicated',
      last: 'query',
      all: 'query',
    });
    expect(Object.fromEntries(commands)).toEqual({
      pay: [
        { version: 0, method: 'pay' },
        { version: 1, method: 'payInCents' },
        { version: 2, method: 'payWithTax' },
      ],
      refund: [{ version: 1, method: 'refund' }],
    });
  });

  it('has the same without decorators', () => {
    expect(Object.fromEntries(describeClass('till', DefinedTill).commands)).toEqual({
      pay: [
        { version: 0, method: 'pay' },
        { version: 1, method: 'payInCents' },
      ],
    });
  });

  it('of an object that there is from a version on begins with what is newest then', async () => {
    const { commands, since: from } = await resolveDefinition('till', since(1, object(NewTill)), codec);

    expect(from).toBe(1);
    expect(commands.get('pay')).toEqual([
      { version: 1, method: 'payInCents' },
      { version: 2, method: 'payWithTax' },
    ]);
  });

  const refused: Record<string, [make: () => unknown, says: string]> = {
    'a version that is no number': [
      () => replicated({ version: '1' as unknown as number })(one, context),
      'whole number',
    ],
    'a negative version': [() => replicated({ version: -1 })(one, context), 'whole number'],
    'a command with the name of a hook': [() => replicated({ version: 1, of: 'restore' })(one, context), 'rename it'],
    'a command that is no name': [() => replicated({ version: 1, of: 7 as unknown as string })(one, context), 'a name'],
    'an option that there is not': [
      () => replicated({ version: 1, since: 1 } as unknown as { version: number })(one, context),
      'no option since',
    ],
    'two methods for one version': [
      () =>
        describeClass(
          'till',
          class extends NewTill {
            static override readonly module: string = import.meta.url;
            @replicated({ version: 1, of: 'pay' }) payTwice(): void {}
          },
        ),
      'two methods, payTwice and payInCents, for version 1 of pay',
    ],
    'a command and a query of one name': [
      () =>
        describeClass(
          'till',
          class extends OldTill {
            static override readonly module: string = import.meta.url;
            @replicated({ version: 1, of: 'all' }) takeAll(): void {}
          },
        ),
      'all as a command and as a query',
    ],
    'a described method with another option': [
      () =>
        defineObject(class extends OldTill {}, {
          module: import.meta.url,
          replicated: [{ method: 'pay', version: 1, from: 2 } as unknown as { method: 'pay'; version: number }],
        }),
      'there are method, version and of',
    ],
  };
  function one(): void {}
  const context = { kind: 'method', name: 'one', static: false, private: false } as ClassMethodDecoratorContext<
    unknown,
    typeof one
  > & { readonly name: string; readonly static: false; readonly private: false };

  test.each(Object.entries(refused))('is refused with %s', async (_name, [make, says]) => {
    const error = await errorOf(make);

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toContain(says);
  });
});

describe('a command', () => {
  it('runs the newest method of the version that is in force where it stands in the log', async () => {
    const rig = await Rig.of({ till: NewTill });

    rig.apply(rig.run(pay(1)), version(1), rig.run(pay(2), ['till', 'refund', 3]), version(2), rig.run(pay(4)));

    expect(linesOf(rig.machine)).toEqual(['paid 1', 'paid 200 cents', 'refunded 3', 'paid 4 and tax']);
    expect(rig.machine.codeVersion).toBe(2);
  });

  it('runs the newest one of an earlier version where there is none of the one in force', async () => {
    const rig = await Rig.of({ till: NewTill, other: since(9, NewTill) });

    rig.apply(version(7), rig.run(pay(1)));

    expect(linesOf(rig.machine)).toEqual(['paid 1 and tax']);
  });

  it('never runs an earlier one again: a version that is not higher changes nothing', async () => {
    const rig = await Rig.of({ till: NewTill });

    rig.apply(version(2), version(1), rig.run(pay(1)));

    expect(linesOf(rig.machine)).toEqual(['paid 1 and tax']);
  });

  it('does the same on a machine that begins with a snapshot', async () => {
    const rig = await Rig.of({ till: NewTill });
    rig.apply(rig.run(pay(1)), version(1), rig.run(pay(2)));
    const restored = await machineOf({ till: NewTill });

    await throughSnapshot(rig.machine, restored);
    const next = entriesOf(restored.appliedIndex + 1, [rig.run(pay(3))]);
    for (const machine of [rig.machine, restored]) machine.apply(next, []);

    expect(restored.codeVersion).toBe(1);
    expect(linesOf(restored)).toEqual(['paid 1', 'paid 200 cents', 'paid 300 cents']);
    expect(linesOf(restored)).toEqual(linesOf(rig.machine));
  });
});

describe('an object of a later version', () => {
  const definitions = { till: OldTill, extra: since(1, NewTill) };

  it('is none before, also in snapshots, which older code can begin with', async () => {
    const rig = await Rig.of(definitions);
    rig.apply(rig.run(pay(1)));
    const old = await machineOf({ till: OldTill });

    await throughSnapshot(rig.machine, old);

    expect(rig.machine.objects.map(({ name }) => name)).toEqual(['till']);
    expect(linesOf(old)).toEqual(['paid 1']);
  });

  it('is there from then on', async () => {
    const rig = await Rig.of(definitions);

    rig.apply(version(1), rig.run(['extra', 'pay', 1]));

    expect(linesOf(rig.machine, 'extra')).toEqual(['paid 100 cents']);
  });
});

describe('code that is too old', () => {
  it('stops at a version that it does not have, and at no entry before', async () => {
    const rig = await Rig.of({ till: OldTill });

    expect(() => rig.apply(rig.run(pay(1)), version(1))).toThrow(unsupported({ codeVersion: 1, codeVersionMax: 0 }));

    expect(rig.machine.appliedIndex).toBe(2);
    expect(linesOf(rig.machine)).toEqual(['paid 1']);
  });

  it('does not begin with a snapshot of a version that it does not have', async () => {
    const rig = await Rig.of({ till: NewTill });
    rig.apply(version(2));
    const old = await machineOf({ till: OldTill });

    await expect(throughSnapshot(rig.machine, old)).rejects.toEqual(unsupported({ codeVersion: 2, codeVersionMax: 0 }));
  });

  it('stops at a command that is not in force yet: others may have run it', async () => {
    const rig = await Rig.of({ till: NewTill });

    expect(() => rig.apply(rig.run(['till', 'refund', 1]))).toThrow(
      unsupported({ method: 'till.refund', codeVersion: 0, index: 2 }),
    );
  });
});
