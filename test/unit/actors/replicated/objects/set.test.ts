/** ReplSet as a plain object. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import { ENTRIES_MAX } from '../../../../../src/actors/replicated/objects/entries-max.js';
import { ReplSet } from '../../../../../src/actors/replicated/objects/set.js';
import { restored, written } from '../state/support/states.js';
import { badCalls, call, mixed, testAgainstModel, testHistories } from './support/histories.js';
import { anyValue, kindOf, ofLength } from './support/values.js';

function newSet(): ReplSet<string> {
  const set = new ReplSet<string>();
  set.reset(['a', 'b']);
  return set;
}

test('can be registered', () => {
  expect(Object.fromEntries(describeClass('present', ReplSet).methods)).toEqual({
    add: 'replicated',
    update: 'replicated',
    reset: 'replicated',
    delete: 'replicated',
    pop: 'replicated',
    clear: 'replicated',
    has: 'query',
    size: 'query',
    values: 'query',
  });
});

test('add and delete tell whether they have changed anything', () => {
  const set = newSet();

  expect([set.add('c'), set.add('a'), set.delete('a'), set.delete('a')]).toEqual([true, false, true, false]);
  expect([set.has('a'), set.has('c'), set.size(), set.values()]).toEqual([false, true, 2, ['b', 'c']]);
});

test('update and reset take lists and Sets, and return the size', () => {
  const set = newSet();

  expect([set.update(['b', 'c']), set.update(new Set(['d']))]).toEqual([3, 4]);
  expect(set.values()).toEqual(['a', 'b', 'c', 'd']);
  expect([set.reset(new Set(['y', 'z'])), set.values()]).toEqual([2, ['y', 'z']]);
});

test('clear removes everything', () => {
  const set = newSet();

  set.clear();

  expect([set.size(), set.values(), set.pop()]).toEqual([0, [], undefined]);
});

test('pop takes the oldest, whatever was removed or added meanwhile', () => {
  const set = newSet();
  set.update(['c', 'd']);

  const popped = [set.pop()];
  set.delete('b');
  set.add('a');
  popped.push(set.pop(), set.pop(), set.pop(), set.pop());
  set.add('e');
  popped.push(set.pop());

  expect(popped).toEqual(['a', 'c', 'd', 'a', undefined, 'e']);
});

test('-0 is 0, and is kept as 0 also when 0 was there', async () => {
  const [one, other] = [new ReplSet<number>(), new ReplSet<number>()];

  expect([one.add(-0), one.add(0), other.add(0), other.add(-0)]).toEqual([true, false, true, false]);

  expect([Object.is(one.values()[0], 0), Object.is(other.values()[0], 0)]).toEqual([true, true]);
  expect(await written(one)).toEqual(await written(other));
});

test('undefined can be a member', () => {
  const set = new ReplSet<undefined>();
  set.add(undefined);

  expect([set.has(undefined), set.size(), set.pop(), set.size()]).toEqual([true, 1, undefined, 0]);
});

test('members that are no primitives are told apart by their content', () => {
  const set = new ReplSet<object>();
  set.add({ a: 1, b: [2] });

  expect(set.add({ b: [2], a: 1 })).toBe(false);
  expect([set.has({ a: 1, b: [2] }), set.has({ a: 1 }), set.delete({ a: 1, b: [2] })]).toEqual([true, false, true]);
});

test('what is returned is not the state', () => {
  const set = newSet();

  set.values().push('x');

  expect(set.values()).toEqual(['a', 'b']);
});

test('pop does not become slow when much has been popped', () => {
  const count = 120_000;
  const set = new ReplSet<number>();
  for (let member = 0; member < count; member++) set.add(member);

  // Passing by all that were removed each time would take longer than a test may.
  for (let member = 0; member < count; member++) {
    if (set.pop() !== member || !set.add(count + member)) expect.fail(`${member} was not the oldest`);
  }

  expect(set.size()).toBe(count);
});

test('a snapshot holds each member once, in order', async () => {
  const set = new ReplSet<number>();
  set.update(Array.from({ length: 3_000 }, (_, index) => index));
  set.pop();

  const bytes = await written(set);

  expect((await restored(new ReplSet<number>(), bytes)).values()).toEqual(set.values());
  expect(bytes.length).toBeLessThan(3 * 3_000 + 100);
});

describe('refused, changing nothing', () => {
  const refused: Record<string, (set: ReplSet<string>) => unknown> = {
    'an update with a string': (set) => set.update('cd' as never),
    'an update with nothing': (set) => set.update(undefined as never),
    'an update with a Map': (set) => set.update(new Map([['c', 1]]) as never),
    'a reset with a number': (set) => set.reset(5 as never),
    'a reset with null': (set) => set.reset(null as never),
  };

  for (const [name, change] of Object.entries(refused)) {
    test(name, () => {
      const set = newSet();

      expect(() => change(set)).toThrow(TypeError);
      expect(set.values()).toEqual(['a', 'b']);
    });
  }

  test('more members than there may be', () => {
    const set = newSet();

    expect(() => set.update(ofLength(ENTRIES_MAX - 1))).toThrow(RangeError);
    expect(() => set.reset(ofLength(ENTRIES_MAX + 1))).toThrow(RangeError);
    expect(set.values()).toEqual(['a', 'b']);
  });
});

const manyMembers = fc.oneof(
  fc.array(anyValue, { maxLength: 4 }),
  fc.array(anyValue, { maxLength: 4 }).map((values) => new Set(values)),
);
const steps = fc.oneof(
  call('add', anyValue),
  call('delete', anyValue),
  call('has', anyValue),
  call('update', manyMembers),
  call('reset', manyMembers),
  ...['pop', 'clear', 'size', 'values'].map((method) => call(method)),
);
const METHODS = ['add', 'delete', 'has', 'update', 'reset', 'pop', 'clear', 'size', 'values'];

testHistories(() => new ReplSet(), mixed(steps, badCalls(METHODS, anyValue)));

/** Members by their kind. */
class SetModel {
  readonly #members = new Map<number, unknown>();

  add(member: unknown): boolean {
    const isNew = !this.has(member);
    if (isNew) this.#members.set(kindOf(member), member === 0 ? 0 : member);
    return isNew;
  }
  update(members: Iterable<unknown>): number {
    for (const member of members) this.add(member);
    return this.size();
  }
  reset(members: Iterable<unknown>): number {
    this.clear();
    return this.update(members);
  }
  delete(member: unknown): boolean {
    return this.#members.delete(kindOf(member));
  }
  pop(): unknown {
    const [oldest] = this.#members;
    if (oldest !== undefined) this.#members.delete(oldest[0]);
    return oldest?.[1];
  }
  clear(): void {
    this.#members.clear();
  }
  has(member: unknown): boolean {
    return this.#members.has(kindOf(member));
  }
  size(): number {
    return this.#members.size;
  }
  values(): unknown[] {
    return [...this.#members.values()];
  }
}

testAgainstModel(
  () => new ReplSet(),
  () => new SetModel(),
  steps,
);
