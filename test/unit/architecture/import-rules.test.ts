import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { importsOf, loadedWith, violationsOf } from './import-rules.js';

const SRC = new URL('../../../src/', import.meta.url);

describe('src', () => {
  test('imports in the directions that the architecture allows, and in no other', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

    const violations = files.flatMap((file) => violationsOf(file, readFileSync(new URL(file, SRC), 'utf8')));

    expect(files.length).toBeGreaterThan(10);
    expect(violations).toEqual([]);
  });

  test('loads the parser of the command in the command only', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

    const users = files.filter((file) =>
      importsOf(readFileSync(new URL(file, SRC), 'utf8')).some(({ specifier }) => specifier === 'commander'),
    );

    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((file) => !file.startsWith('cli/'))).toEqual([]);
  });
});

test('a program loads nothing at its start that only the threads of its node run', () => {
  const loaded = [...loadedWith('index.ts', (file) => readFileSync(new URL(file, SRC), 'utf8'))];

  expect(loaded).toContain('node/runtime.ts');
  const ofThreads =
    /^actors\/(raft\/(step|raft-actor|roles\/)|log-store|snapshotter|replicated\/machine\.ts)|^net\/tcp-/;
  expect(loaded.filter((file) => ofThreads.test(file))).toEqual([]);
});

describe('the rules of the sidecar', () => {
  test('load its HTTP server there only', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

    const users = files.filter((file) =>
      importsOf(readFileSync(new URL(file, SRC), 'utf8')).some(
        ({ specifier, typeOnly }) => specifier === 'fastify' && !typeOnly,
      ),
    );

    expect(users).toEqual(['sidecar/load-fastify.ts']);
  });
});

describe('the rules refuse', () => {
  test.each([
    ['runtime that knows an actor', 'runtime/mailbox.ts', '../actors/raft/messages.js'],
    ['runtime that knows the network', 'runtime/threads/host.ts', '../../net/transport.js'],
    ['runtime that knows the tests', 'runtime/clock.ts', '../testing/simulator.js'],
    ['runtime that knows the command', 'runtime/clock.ts', '../cli/status.js'],
    ['runtime that knows the public door', 'runtime/clock.ts', '../index.js'],
    ['a core that knows the runtime', 'actors/raft/step.ts', '../../runtime/clock.js'],
    ['a core that knows the network', 'actors/raft/roles/leader.ts', '../../../net/transport.js'],
    ['a core that knows its shell', 'actors/raft/roles/leader.ts', '../raft-actor.js'],
    ['a core that knows another actor', 'actors/raft/step.ts', '../replicated/machine.js'],
    ['an actor that runs code of the core', 'actors/replicated/machine.ts', '../raft/step.js'],
    ['an actor that knows its neighbour', 'actors/replicated/machine.ts', '../snapshotter/fold.js'],
    ['an actor that knows the network', 'actors/log-store/wal.ts', '../../net/frame.js'],
    ['a network that runs code of the core', 'net/codec.ts', '../actors/raft/step.js'],
    ['a network that runs code of an actor', 'net/admin/server.ts', '../../actors/replicated/machine.js'],
    ['a network that knows the tests', 'net/tcp.ts', '../testing/simulator.js'],
    ['a network that knows the node', 'net/tcp.ts', '../node/runtime.js'],
    ['an actor that knows the node', 'actors/replicated/caller.ts', '../../node/runtime.js'],
    ['a node that knows the tests', 'node/runtime.ts', '../testing/local-cluster.js'],
    ['a node that knows the command', 'node/runtime.ts', '../cli/status.js'],
    ['a node that knows the public door', 'node/runtime.ts', '../index.js'],
    ['a command that goes behind the door for administrators', 'cli/status.ts', '../net/tcp-transport.js'],
    ['a command that loads a node', 'cli/status.ts', '../node/runtime.js'],
    ['a command that loads a sidecar and is none', 'cli/status.ts', '../sidecar/sidecar.js'],
    ['locks that know the sidecar', 'sync/sync.ts', '../sidecar/sidecar.js'],
    ['tests that know the command', 'testing/cluster.ts', '../cli/status.js'],
    ['ground that stands on something', 'errors.ts', './runtime/clock.js'],
  ])('%s', (_, file, specifier) => {
    const violations = violationsOf(file, `import { x } from '${specifier}';\n`);

    expect(violations).toHaveLength(1);
  });

  test('a file in a folder that the table does not know', () => {
    expect(violationsOf('helpers/strings.ts', '')).toEqual(['helpers/strings.ts belongs to no layer']);
  });
});

describe('the rules accept', () => {
  test.each([
    ['ground everywhere', 'actors/raft/roles/leader.ts', `import { assert } from '../../../assert.js';`],
    ['an actor that uses the runtime', 'actors/log-store/wal.ts', `import { x } from '../../runtime/actor.js';`],
    [
      'an actor that names messages of the core',
      'actors/log-store/wal.ts',
      `import type { x } from '../raft/effects.js';`,
    ],
    [
      'an actor that names messages of its neighbour',
      'actors/raft/raft-actor.ts',
      `import type { x } from '../replicated/caller-messages.js';`,
    ],
    ['an actor that reads entries', 'actors/log-store/wal.ts', `import { x } from '../raft/entry.js';`],
    ['a network that names messages', 'net/codec.ts', `import type { x } from '../actors/raft/messages.js';`],
    ["the core's shell on the runtime", 'actors/raft/raft-actor.ts', `import { x } from '../../runtime/actor.js';`],
    ['a node on all that it is made of', 'node/runtime.ts', `import { x } from '../actors/raft/raft-actor.js';`],
    ['the public door on all of the product', 'index.ts', `export { x } from './actors/replicated/handle.js';`],
    ['tests on all of the product', 'testing/simulator.ts', `import { x } from '../net/memory.js';`],
  ])('%s', (_, file, source) => {
    expect(violationsOf(file, source)).toEqual([]);
  });
});

test('an import at run time is none at the start', () => {
  const files: Readonly<Record<string, string>> = {
    'a.ts': "import './b.js';\nimport type { C } from './c.js';\nawait import('./d.js');",
    'b.ts': "export * from './a.js';",
  };

  expect([...loadedWith('a.ts', (file) => files[file]!)]).toEqual(['a.ts', 'b.ts']);
});

describe('imports are found', () => {
  test.each([
    ['a statement over several lines', `import {\n  a,\n  type B,\n} from './x.js';`, false],
    ['a statement of types', `import type { B } from './x.js';`, true],
    ['a re-export', `export { a } from './x.js';`, false],
    ['a re-export of everything', `export * from './x.js';`, false],
    ['a re-export of types', `export type { B } from './x.js';`, true],
    ['an import for its effect', `import './x.js';`, false],
    ['an import at run time', `const x = await import('./x.js');`, false],
  ])('%s', (_, source, typeOnly) => {
    expect(importsOf(source)).toMatchObject([{ specifier: './x.js', typeOnly }]);
  });

  test('but not in comments', () => {
    expect(importsOf(`/**\n * @example\n * import { Runtime } from './x.js';\n */\n`)).toEqual([]);
  });
});
