/** Where and of what a result was measured: a number without this means nothing. Runs in the parent. */

import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';

export interface Environment {
  readonly date: string;
  readonly node: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly kernel: string;
  };
  /** The commit that was measured; null outside of a repository, or before its first commit. */
  readonly commit: string | null;
  /** Did the tree hold changes that are in no commit? */
  readonly dirty: boolean;
}

export function environment(): Environment {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    node: process.version,
    machine: {
      cpu: processors[0]?.model.trim() ?? 'unknown',
      cores: processors.length,
      memoryBytes: totalmem(),
      kernel: `${type()} ${release()}`,
    },
    commit: git('rev-parse', '--verify', '--quiet', 'HEAD'),
    dirty: git('status', '--porcelain', '--', ':!bench/results', ':!docs/plots', ':!README.md') !== '',
  };
}

/** What git says, or null where it cannot. */
function git(...command: readonly string[]): string | null {
  try {
    return execFileSync('git', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}
