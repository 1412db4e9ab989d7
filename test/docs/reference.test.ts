/** The reference of the API is made from the comments of the source, and is what they say today. */

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GENERATE_TIMEOUT_MS = 60_000;

test(
  'the reference says what the source does; if not, `npm run docs:api` writes it anew',
  { timeout: GENERATE_TIMEOUT_MS },
  async () => {
    const made = await mkdtemp(join(tmpdir(), 'reference-'));
    onTestFinished(() => rm(made, { recursive: true, force: true }));

    await promisify(execFile)('npm', ['run', 'api', '-w', 'docs/reference', '--', '--out', made], { cwd: ROOT });

    expect(await contentOf(made)).toEqual(await contentOf(join(ROOT, 'docs/api')));
  },
);

async function contentOf(folder: string): Promise<Record<string, string>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const contents = await Promise.all(
    paths.toSorted().map(async (path) => [path.slice(folder.length), await readFile(path, 'utf8')] as const),
  );
  return Object.fromEntries(contents);
}
