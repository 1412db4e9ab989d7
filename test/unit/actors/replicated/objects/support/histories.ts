/**
 * What must hold of every ready-made object, whatever it is told and in whichever order; and how one is compared with a
 * plain model of it. Arguments and results travel as bytes, as they do between nodes.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ValueCodec } from '../../../../../../src/actors/replicated/value-codec.js';
import { restored, written } from '../../state/support/states.js';

/** One call of a method. */
export type Step = readonly [method: string, ...args: readonly unknown[]];

/** What came of it. */
type Outcome = { readonly returned: unknown } | { readonly threw: string };

/** How many random histories are looked at. */
const RUNS = Number(process.env['OBJECTS_RUNS'] ?? 100);
/** A failed property prints its seed; this replays it. */
const SEED = process.env['OBJECTS_SEED'];
const PARAMETERS = { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) };
/** What the engine says when it is given what was not looked at. */
const ENGINES_OWN_WORDS = /Cannot (read|convert|mix|set)|is not (a function|iterable)|call stack|Invalid array/;

const codec = new ValueCodec();

export function copyOf<Value>(value: Value): Value {
  return codec.decode(codec.encodeInto(value).slice()) as Value;
}

/** Calls a method as a machine does. */
export function tell(instance: object, [method, ...args]: Step): Outcome {
  try {
    const implementation = (instance as Record<string, (...args: unknown[]) => unknown>)[method]!;
    return { returned: copyOf(Reflect.apply(implementation, instance, copyOf(args))) };
  } catch (error) {
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect(String(error)).not.toMatch(ENGINES_OWN_WORDS);
    return { threw: String(error) };
  }
}

/** Tells an instance all of it. */
export function tellAll(instance: object, steps: readonly Step[]): readonly Outcome[] {
  return steps.map((step) => tell(instance, step));
}

/** Tests that hold of each object. `steps` are good and bad ones. */
export function testHistories(make: () => object, steps: fc.Arbitrary<Step>): void {
  const histories = fc.array(steps, { maxLength: 40 });

  describe('in every history', () => {
    test('two instances that are told the same answer the same and are in the same state', async () => {
      await fc.assert(
        fc.asyncProperty(histories, async (history) => {
          const [one, other] = [make(), make()];

          expect(tellAll(one, history)).toEqual(tellAll(other, history));

          expect(await written(one)).toEqual(await written(other));
        }),
        PARAMETERS,
      );
    });

    test('a command that throws leaves the state as it was', async () => {
      await fc.assert(
        fc.asyncProperty(histories, async (history) => {
          const instance = make();
          for (const step of history) {
            const before = await written(instance);
            if ('threw' in tell(instance, step)) expect(await written(instance)).toEqual(before);
          }
        }),
        PARAMETERS,
      );
    });

    test('a snapshot in the middle makes no difference to what follows', async () => {
      await fc.assert(
        fc.asyncProperty(histories, histories, async (before, after) => {
          const lived = make();
          tellAll(lived, before);
          const returned = await restored(make(), await written(lived));

          expect(await written(returned)).toEqual(await written(lived));

          expect(tellAll(returned, after)).toEqual(tellAll(lived, after));
          expect(await written(returned)).toEqual(await written(lived));
        }),
        PARAMETERS,
      );
    });
  });
}

/** A test that the object does what a plain model of it does, whose methods have the same names. */
export function testAgainstModel(make: () => object, model: () => object, steps: fc.Arbitrary<Step>): void {
  test('does what a plain model of it does', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (history) => {
        const instance = make();
        const plain = model() as Record<string, (...args: unknown[]) => unknown>;

        for (const [method, ...args] of history) {
          const expected = copyOf(plain[method]!(...args));
          expect({ method, ...tell(instance, [method, ...args]) }).toEqual({ method, returned: expected });
        }
      }),
      PARAMETERS,
    );
  });
}

/** An arbitrary of the calls of one method. */
export function call(method: string, ...args: readonly fc.Arbitrary<unknown>[]): fc.Arbitrary<Step> {
  return fc.tuple(...args).map((values) => [method, ...values]);
}

/** Calls of any of these methods with any number of any arguments. */
export function badCalls(methods: readonly string[], values: fc.Arbitrary<unknown>): fc.Arbitrary<Step> {
  return fc
    .tuple(fc.constantFrom(...methods), fc.array(values, { maxLength: 3 }))
    .map(([method, args]) => [method, ...args]);
}

/** Both kinds of steps, mostly the first. */
export function mixed(good: fc.Arbitrary<Step>, bad: fc.Arbitrary<Step>): fc.Arbitrary<Step> {
  return fc.oneof({ arbitrary: good, weight: 4 }, { arbitrary: bad, weight: 1 });
}
