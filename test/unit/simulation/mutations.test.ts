/**
 * The table of mutations fits the source: quick, so that whoever changes a line that is mutated hears of it at once.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { edited, filesOf, type Mutation } from '../../simulation/mutations/mutation.js';
import { ALL_MUTATIONS } from '../../simulation/mutations/mutations.js';

const SRC = new URL('../../../src/', import.meta.url);

test.each(ALL_MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('%s', (_name, mutation) => {
  const changed = filesOf(mutation).filter((file) => {
    const source = readFileSync(new URL(file, SRC), 'utf8');
    return edited(source, file, mutation) !== source;
  });

  expect(changed).toEqual(filesOf(mutation));
});

test('names tell mutations apart', () => {
  const names = ALL_MUTATIONS.map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
});

test('whoever covers a mutation breaks what that one breaks, and more, and is covered by nobody', () => {
  const covered = ALL_MUTATIONS.filter((mutation) => mutation.covered !== undefined);
  const poor = covered.filter((mutation) => {
    const by = ALL_MUTATIONS.find(({ name }) => name === mutation.covered!.by);
    const isWhole = mutation.edits.every((edit) => by?.edits.includes(edit) === true);
    return !isWhole || by!.edits.length <= mutation.edits.length || by!.covered !== undefined;
  });

  expect(poor.map(({ name }) => name)).toEqual([]);
});

test.each([
  ['none', 'a = 1;'],
  ['two', 'a = 2; a = 2;'],
])('a mutation that finds %s of its text is refused', (_how, source) => {
  const mutation: Mutation = {
    name: 'another value',
    rule: 'a is 2',
    edits: [{ file: 'a.ts', text: 'a = 2;', replacement: 'a = 3;' }],
  };

  expect(() => edited(source, 'a.ts', mutation)).toThrow('not once');
});
