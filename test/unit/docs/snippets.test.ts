import { describe, expect, test } from 'vitest';
import { exportedNames, fileNameOf, moduleOf, snippetsOfMarkdown, snippetsOfSource } from '../../docs/snippets.js';

describe('Markdown', () => {
  test('gives each block of TypeScript with the line where it starts', () => {
    const text = '# Title\n\n```ts\nconst a = 1;\n```\n\n```sh\nnpm test\n```\n\n```ts\nconst b = 2;\n```\n';

    expect(snippetsOfMarkdown('README.md', text)).toEqual([
      { origin: 'README.md:3', code: 'const a = 1;\n' },
      { origin: 'README.md:11', code: 'const b = 2;\n' },
    ]);
  });
});

describe('doc comments', () => {
  test('give each example, without the stars, up to the next tag', () => {
    const text = [
      'const before = 1;',
      '/**',
      ' * Does it.',
      ' *',
      ' * @example',
      ' * class A {',
      ' *   @replicated go() {}',
      ' * }',
      ' *',
      ' * @throws never',
      ' */',
      'export function go() {}',
    ].join('\n');

    const [snippet, ...others] = snippetsOfSource('src/go.ts', text);

    expect(others).toEqual([]);
    expect(snippet?.origin).toBe('src/go.ts:2');
    expect(snippet?.code.trim()).toBe('class A {\n  @replicated go() {}\n}');
  });

  test('give the inside of a fence where there is one', () => {
    const text = '/**\n * @example\n * ```ts\n * go();\n * ```\n */\n';

    expect(snippetsOfSource('src/go.ts', text)).toEqual([{ origin: 'src/go.ts:1', code: 'go();\n' }]);
  });
});

describe('a snippet as a module', () => {
  const names = new Map([['Runtime', 'conclave']]);

  test('imports the public names it uses', () => {
    const module = moduleOf({ origin: 'a.md:1', code: 'await Runtime.start();' }, names);

    expect(module).toContain(`import { Runtime } from 'conclave';`);
  });

  test('is left alone when it has imports of its own', () => {
    const module = moduleOf({ origin: 'a.md:1', code: `import { x } from 'x';\nawait Runtime.start();` }, names);

    expect(module).not.toContain(`from 'conclave'`);
  });

  test('keeps what it declares itself', () => {
    const module = moduleOf({ origin: 'a.md:1', code: 'class Runtime {}' }, names);

    expect(module).not.toContain('import');
  });
});

test.each([
  ['// account.ts\nclass A {}', 'account.ts'],
  ['// counter.ts: one server.\nrun();', 'counter.ts'],
  ['// Deposits.\nrun();', null],
  ['run(); // account.ts', null],
])('the file that a snippet says it is: %j', (code, name) => {
  expect(fileNameOf({ origin: 'a.md:1', code })).toBe(name);
});

test('the exported names of a declaration file are found', () => {
  const declarations = `export { a, type B, c as d } from './x.js';\nexport declare class E {\n}\nexport interface F {\n}\n`;

  expect(exportedNames(declarations)).toEqual(['a', 'B', 'd', 'E', 'F']);
});
