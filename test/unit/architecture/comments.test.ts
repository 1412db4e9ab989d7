/** That comments are no wider than code, which the formatter sees to: it leaves them as they are. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const FOLDERS = ['src', 'test', 'bench', 'examples'];
/** `printWidth` of the formatter. */
const COLUMNS_MAX = 120;
/** A line of a comment that has been given lines of its own, and can be broken. */
const COMMENT = /^\s*(\/\/|\/?\*).* .* /;

test('comments are no wider than code', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
      .map((file) => `${folder}/${file}`),
  );

  const wide = files.flatMap((file) =>
    readFileSync(new URL(file, ROOT), 'utf8')
      .split('\n')
      .flatMap((line, at) => (line.length > COLUMNS_MAX && COMMENT.test(line) ? [`${file}:${at + 1}`] : [])),
  );

  expect(files.length).toBeGreaterThan(100);
  expect(wide).toEqual([]);
});
