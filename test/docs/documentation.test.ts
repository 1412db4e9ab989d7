import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CONTEXT, exportedNames, fileNameOf, moduleOf, snippetsOfMarkdown, snippetsOfSource } from './snippets.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, 'build/docs-check');
const COMPILE_TIMEOUT_MS = 60_000;
/** Packages of others; and the reference, whose snippets are those of the source. */
const OTHERS = /(?:^|\/)node_modules\/|^docs\/api\//;

const CONFIG = {
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    noEmit: true,
    // A snippet shows one thing: what it makes need not be used, and names are imported without regard to their kind.
    noUnusedLocals: false,
    noUnusedParameters: false,
    verbatimModuleSyntax: false,
    isolatedModules: false,
  },
  include: ['.'],
};

test(
  'every snippet of the documentation compiles against the built package',
  { timeout: COMPILE_TIMEOUT_MS },
  async () => {
    const publicNames = namesOf({
      conclave: 'index',
      'conclave/metrics': 'metrics/index',
      'conclave/testing': 'testing/index',
    });
    const others = { 'conclave/objects': 'actors/replicated/objects/index', 'conclave/sync': 'sync/index' };
    for (const name of namesOf(others)) publicNames.set(...name);
    const markdown = filesOf('.md').flatMap((file) =>
      snippetsOfMarkdown(file, read(file)).map((snippet) => ({ snippet, names: publicNames })),
    );
    const examples = filesOf('.ts', 'src').flatMap((file) => {
      const own = file.replace(/^src\//, '').replace(/\.ts$/, '');
      return snippetsOfSource(file, read(file)).map((snippet) => ({
        snippet,
        names: new Map([...namesOf({ [`../../../dist/${own}.js`]: own }), ...publicNames]),
      }));
    });
    await rm(OUT, { recursive: true, force: true });
    await mkdir(OUT, { recursive: true });
    await writeFile(join(OUT, 'tsconfig.json'), JSON.stringify(CONFIG));
    await writeFile(join(OUT, 'context.ts'), CONTEXT);
    for (const { snippet, names } of [...markdown, ...examples]) {
      const [file, line] = snippet.origin.replaceAll('/', '-').split(':') as [string, string];
      await mkdir(join(OUT, file), { recursive: true });
      await writeFile(join(OUT, file, fileNameOf(snippet) ?? `line-${line}.ts`), moduleOf(snippet, names));
    }

    const complaints = await compile();

    expect(complaints).toBe('');
    expect(markdown.length).toBeGreaterThan(0);
    expect(examples.length).toBeGreaterThan(0);
  },
);

/** Languages of what is no code of ours, or none that a compiler of TypeScript reads. */
const OTHER_LANGUAGES = ['json', 'python', 'sh', 'text', 'yaml'];

test('every block of code says what it is, so that none of TypeScript is left out', () => {
  for (const file of filesOf('.md')) {
    const text = read(file);
    const fences = text.match(/^[ \t>]*(?:```|~~~).*$/gm) ?? [];
    const opening = fences.filter((_, i) => i % 2 === 0);
    const snippets = opening.filter((fence) => /^```ts\b/.test(fence));
    const strange = opening.filter((fence) => !snippets.includes(fence) && !OTHER_LANGUAGES.includes(fence.slice(3)));

    expect({ file, strange }).toEqual({ file, strange: [] });
    expect(snippetsOfMarkdown(file, text)).toHaveLength(snippets.length);
  }
});

/** Name → where a snippet may import it from, for these modules of `dist/`. */
function namesOf(modules: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(
    Object.entries(modules).flatMap(([specifier, module]) =>
      exportedNames(read(`dist/${module}.d.ts`)).map((name) => [name, specifier] as const),
    ),
  );
}

function filesOf(ending: string, ...folders: readonly string[]): string[] {
  const roots = folders.length > 0 ? folders : ['docs', 'bench', 'examples', 'deploy'];
  const below = roots
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
    );
  const top = folders.length > 0 ? [] : readdirSync(ROOT);
  return [...top, ...below].filter((file) => file.endsWith(ending) && !OTHERS.test(file));
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** What the compiler has to say; nothing when all is well. */
function compile(): Promise<string> {
  return new Promise((resolve) => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    execFile(process.execPath, [tsc, '-p', OUT, '--pretty', 'false'], { cwd: ROOT }, (error, stdout, stderr) => {
      resolve(error === null ? '' : `${stdout}${stderr}`);
    });
  });
}
