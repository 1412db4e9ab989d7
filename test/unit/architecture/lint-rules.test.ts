import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/**
 * Runs the project's own lint configuration over snippets that break one rule each, in a folder of their own: a rule
 * that is removed from the configuration, or that no longer applies to the folder it guards, fails here.
 */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const IMPURE = [
  ['a timer', `setTimeout(() => undefined, 1);`, 'no-restricted-globals'],
  ['an interval', `setInterval(() => undefined, 1);`, 'no-restricted-globals'],
  ['an immediate', `setImmediate(() => undefined);`, 'no-restricted-globals'],
  ['a microtask', `queueMicrotask(() => undefined);`, 'no-restricted-globals'],
  ['the wall clock', `export const now = Date.now();`, 'no-restricted-globals'],
  ['a new date', `export const now = new Date();`, 'no-restricted-globals'],
  ['the monotonic clock', `export const now = performance.now();`, 'no-restricted-globals'],
  ['chance', `export const chance = Math.random();`, 'no-restricted-properties'],
  ['the process', `export const id = process.pid;`, 'no-restricted-globals'],
  ['the global object', `export const now = globalThis.performance;`, 'no-restricted-globals'],
  ['the console', `console.log(1);`, 'no-restricted-globals'],
  ['the network', `export const got = fetch('http://localhost');`, 'no-restricted-globals'],
  ['a promise', `export const later = Promise.resolve();`, 'no-restricted-globals'],
  ['a module of Node', `import fs from 'node:fs';\nexport const x = fs;`, 'no-restricted-imports'],
  ['a package', `import { Encoder } from '@msgpack/msgpack';\nexport const x = Encoder;`, 'no-restricted-imports'],
] as const;

const CARELESS = [
  [
    'a promise that nobody waits for',
    `const work = async () => 1;\nexport const go = () => { work(); };`,
    'no-floating-promises',
  ],
  [
    'a promise where a condition is meant',
    `const ok = async () => true;\nexport const go = () => { if (ok()) return 1; return 2; };`,
    'no-misused-promises',
  ],
  ['an await of no promise', `export const go = async () => { await 1; };`, 'await-thenable'],
  [
    'a union that is not handled whole',
    `export function go(x: 'a' | 'b') { switch (x) { case 'a': return 1; } return 0; }`,
    'switch-exhaustiveness-check',
  ],
  [
    'an assertion that changes nothing',
    `export const go = (x: string) => (x as string).length;`,
    'no-unnecessary-type-assertion',
  ],
  [
    'a type imported as code',
    `import { T } from './types.js';\nexport const go = (x: T) => x;`,
    'consistent-type-imports',
  ],
  ['an any', `export const go = (x: any) => String(x);`, 'no-explicit-any'],
  ['a thrown text', `export const go = () => { throw 'no'; };`, 'only-throw-error'],
  ['a module of Node by its old name', `import fs from 'fs';\nexport const go = fs;`, 'prefer-node-protocol'],
  ['a barrel', `export * from './types.js';`, 'no-barrel-file'],
  ['a default export', `export default 1;`, 'no-default-export'],
  ['a message for the console', `console.log(1);`, 'no-console'],
  ['a directive that suppresses nothing', `// oxlint-disable-next-line no-console\nexport const go = 1;`, ''],
] as const;

interface Diagnostic {
  readonly code?: string;
  readonly message: string;
  readonly filename: string;
}

let folder: string;
let diagnostics: readonly Diagnostic[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-lint-'));
  await copyFile(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  await copyFile(join(ROOT, 'tsconfig.base.json'), join(folder, 'tsconfig.base.json'));
  await write('tsconfig.json', '{ "extends": "./tsconfig.base.json", "compilerOptions": { "types": [] } }');
  await write('src/net/types.ts', 'export type T = string;');
  for (const [index, [, snippet]] of IMPURE.entries()) {
    await write(`src/actors/raft/roles/impure-${index}.ts`, snippet);
    await write(`src/net/impure-${index}.ts`, snippet);
  }
  for (const [index, [, snippet]] of CARELESS.entries()) await write(`src/net/careless-${index}.ts`, snippet);
  await write('src/actors/raft/raft-actor.ts', IMPURE.map(([, snippet]) => snippet).join('\n'));
  diagnostics = await lint();
}, 30_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the Raft core is refused', () => {
  test.each(IMPURE.map((row, index) => [row[0], index, row[2]] as const))('%s', (_, index, rule) => {
    expect(rulesBrokenBy(`src/actors/raft/roles/impure-${index}.ts`)).toContain(rule);
  });
});

describe('other code is refused', () => {
  test.each(CARELESS.map((row, index) => [row[0], index, row[2]] as const))('%s', (_, index, rule) => {
    expect(rulesBrokenBy(`src/net/careless-${index}.ts`)).toContain(rule);
  });
});

describe('purity is asked of the core only', () => {
  test("the core's shell may do what a shell is for", () => {
    expect(rulesBrokenBy('src/actors/raft/raft-actor.ts').filter((rule) => rule.includes('restricted'))).toEqual([]);
  });

  test.each(IMPURE.map((row, index) => [row[0], index] as const))('%s elsewhere', (_, index) => {
    expect(rulesBrokenBy(`src/net/impure-${index}.ts`).filter((rule) => rule.includes('restricted'))).toEqual([]);
  });
});

function rulesBrokenBy(file: string): string[] {
  return diagnostics
    .filter((each) => each.filename === file)
    .map((each) => /\((.+)\)/.exec(each.code ?? '')?.[1] ?? '');
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text + '\n');
}

/** Resolves with what the linter found: it exits with 1 when that is anything. */
function lint(): Promise<readonly Diagnostic[]> {
  return new Promise((resolve, reject) => {
    const oxlint = join(ROOT, 'node_modules/oxlint/bin/oxlint');
    execFile(process.execPath, [oxlint, '-f', 'json'], { cwd: folder, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      try {
        resolve((JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics);
      } catch (cause) {
        reject(new Error(`oxlint did not answer with JSON: ${stderr}`, { cause: error ?? cause }));
      }
    });
  });
}
