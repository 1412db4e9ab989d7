/**
 * A fresh directory that is gone when its work is done, however that ends: by itself, by an error or by Ctrl-C. Runs in
 * the parent. Only a parent that is killed outright leaves it behind.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process that has just been killed may still be writing. */
const REMOVE = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 } as const;

/** Runs `use` with the path of a directory of its own, in the system's directory for temporary files (`TMPDIR`). */
export async function withTemporaryDirectory<Result>(use: (path: string) => Promise<Result>): Promise<Result> {
  const path = mkdtempSync(join(tmpdir(), 'conclave-'));
  const onExit = (): void => rmSync(path, REMOVE);
  process.once('exit', onExit);
  try {
    return await use(path);
  } finally {
    process.off('exit', onExit);
    await rm(path, REMOVE);
  }
}
