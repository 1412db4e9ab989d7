/** The checker of code versions sees what it watches over, and nothing where all is as it should be. */

import { beforeEach, expect, test } from 'vitest';
import { codeVersionContent } from '../../../../src/actors/raft/code-version-entry.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import type { Machine } from '../../../../src/actors/replicated/machine.js';
import type { EditionTally } from '../../../../src/testing/simulation/objects/simulation-edition.js';
import { CodeVersions } from '../../../../src/testing/simulation/checkers/code-versions.js';

let broken: [promise: string, what: string][];
let had: Map<string, number>;
let versions: CodeVersions;
/** What is committed. */
let index: number;

beforeEach(() => {
  broken = [];
  had = new Map([
    ['a:1', 1],
    ['b:1', 1],
  ]);
  index = 0;
  versions = new CodeVersions({
    object: 'edition',
    hadAtMost: () => had,
    hasAtMost: (node) => had.get(node)!,
    report: (promise, what) => void broken.push([promise, what]),
    count: () => {},
  });
  belong('a:1', 'b:1');
  index = 0;
});

/** From now on, these do. */
function belong(...voters: string[]): void {
  index += 1;
  const payload = new TextEncoder().encode(JSON.stringify({ voters, learners: [], admitted: [] }));
  versions.committed({ index, kind: EntryKind.configuration, payload, commands: [] });
}

function raise(version: number): void {
  index += 1;
  const { payload } = codeVersionContent(version);
  versions.committed({ index, kind: EntryKind.codeVersion, payload, commands: [] });
}

function add(id: string): void {
  index += 1;
  const commands = [{ name: 'edition.add', args: [id] }];
  versions.committed({ index, kind: EntryKind.block, payload: new Uint8Array(), commands });
}

/** What a node has made of all that is committed, and how much of it by versions that have a field for that. */
function machine(entries: readonly string[], codeVersion: number, tally: EditionTally = {}): Machine {
  const objects = [{ name: 'edition', instance: { all: () => entries, tally: () => tally } }];
  return { appliedIndex: index, codeVersion, objects, isHere: () => true } as unknown as Machine;
}

test('commands are run by the version that is in force where they stand', () => {
  add('x');
  raise(1);
  add('y');

  versions.applied('a:1', machine(['x by 0', 'y by 1'], 1));
  versions.restored('b:1', machine(['x by 0', 'y by 1'], 1));

  expect(broken).toEqual([]);
  expect(versions.inForce).toBe(1);
});

test('fields that older code does not know must hold what the log says', () => {
  add('x');
  raise(1);
  add('y');

  versions.applied('a:1', machine(['x by 0', 'y by 1'], 1, { 1: 1 }));
  versions.restored('b:1', machine(['x by 0', 'y by 1'], 1, { 1: 0 }));

  expect(broken).toEqual([
    ['code versions', 'b:1 has counted 0 commands of version 1 at entry 3, and 1 were committed'],
  ]);
});

test('a command must not be run by another version', () => {
  raise(1);
  add('y');

  versions.applied('a:1', machine(['y by 0'], 1));

  expect(broken).toEqual([
    ['code versions', 'a:1 has run 1 commands to "y by 0" at entry 2, and what was committed is 1 to "y by 1"'],
  ]);
});

test('a command must not be skipped', () => {
  add('x');

  versions.applied('a:1', machine([], 0));

  expect(broken[0]![1]).toContain('a:1 has run 0 commands');
});

test('a node must have the version in force that was committed, also after a restart', () => {
  raise(1);

  versions.restored('a:1', machine([], 0));

  expect(broken).toEqual([['code versions', 'a:1 has 0 in force at entry 1, and it is 1']]);
});

test('a node must not go on behind a version that it has no code of', () => {
  raise(1);
  had.set('b:1', 0);

  versions.applied('b:1', machine([], 1));

  expect(broken).toEqual([['code versions', 'b:1 goes on at entry 1, by 1, of which it has no code']]);
});

test('a version must not be raised before all members have had code of it', () => {
  had.set('b:1', 0);

  raise(1);

  expect(broken).toEqual([['code versions', 'entry 1 raises to 1, and b:1 never had code of it']]);
});

test('a version must not be taken back', () => {
  raise(1);

  raise(0);

  expect(broken).toEqual([['code versions', 'entry 2 takes version 1 to 0']]);
});

test('who is a member no more need not have code of a version that is raised behind that', () => {
  belong('a:1', 'b:1', 'c:1');
  belong('a:1', 'b:1');
  raise(1);

  expect(broken).toEqual([]);
});

test('who became a member before a version is raised must have code of it', () => {
  belong('a:1', 'b:1', 'c:1');
  raise(1);
  belong('a:1', 'b:1');

  expect(broken).toEqual([['code versions', 'entry 2 raises to 1, and c:1 never had code of it']]);
});
