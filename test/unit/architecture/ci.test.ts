/** That what is tested is tested in CI: no project of tests is left to whoever remembers it. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import vitest from '../../../vitest.config.js';

const ROOT = new URL('../../../', import.meta.url);

function read(file: string): string {
  return readFileSync(new URL(file, ROOT), 'utf8');
}

/** The scripts of package.json that a text runs, and those that they run. */
function scriptsRunBy(text: string, scripts: Readonly<Record<string, string>>): string[] {
  return [...text.matchAll(/npm (?:run )?([a-z:]+)/g)]
    .map(([, name]) => name!)
    .filter((name) => name in scripts)
    .flatMap((name) => [name, ...scriptsRunBy(scripts[name]!, scripts)]);
}

it('CI runs every project of tests', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const projects = (vitest.test!.projects as { test: { name: string } }[]).map(({ test }) => test.name);

  const commands = scriptsRunBy(read('.ci/run'), scripts).map((name) => scripts[name]!);

  const run = commands.flatMap((command) => [...command.matchAll(/--project (\S+)/g)].map(([, name]) => name!));
  expect(new Set(run)).toEqual(new Set(projects));
});
