/**
 * Makes a broken product: a copy of the compiled one in which a mutation's files are compiled anew, from their changed
 * source. The copy lies in `build/`, where it finds its dependencies; whoever has it made removes it.
 */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformWithEsbuild } from 'vite';
import { edited, filesOf, type Mutation } from './mutation.js';

/** This file runs from build/test/simulation/mutations. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const COPIES = join(ROOT, 'build', 'mutations');
/** Where a product has its simulation. */
const ENTRY = 'testing/index.js';

export interface Product {
  /** The module that exports `runSimulation`. */
  readonly entry: string;
  remove(): Promise<void>;
}

/** The product as it is. Removing it does nothing. */
export const UNBROKEN: Product = {
  entry: pathToFileURL(join(ROOT, 'dist', ENTRY)).href,
  remove: async () => {},
};

/** @throws Error when the mutation does not fit the source any more. */
export async function breakProduct(mutation: Mutation): Promise<Product> {
  await mkdir(COPIES, { recursive: true });
  const directory = await mkdtemp(join(COPIES, 'product-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    await cp(join(ROOT, 'dist'), directory, { recursive: true, filter: (path) => !/\.(d\.ts|map)$/.test(path) });
    for (const file of filesOf(mutation)) {
      const source = edited(await readFile(join(ROOT, 'src', file), 'utf8'), file, mutation);
      await writeFile(join(directory, file.replace(/\.ts$/, '.js')), await compiled(source, file));
    }
    return { entry: pathToFileURL(join(directory, ENTRY)).href, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** As the compiler does it, but for the types, which need not fit. */
async function compiled(source: string, file: string): Promise<string> {
  const tsconfigRaw = { compilerOptions: { verbatimModuleSyntax: true, target: 'ES2022' } } as const;
  const { code } = await transformWithEsbuild(source, file, { target: 'es2022', sourcemap: false, tsconfigRaw });
  return code;
}
