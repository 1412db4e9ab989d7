/** A directory for one test, gone with everything in it when the test is over. */

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Called in a test. Its path is a real one, without symbolic links. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'conclave-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
