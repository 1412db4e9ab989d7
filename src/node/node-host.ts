/**
 * What a node stands on besides its placement: its disk, its classes, names that nobody else has, what machines say.
 * The machine it runs on, or, for `conclave/testing`, a simulation of one.
 */

import { randomBytes } from 'node:crypto';
import type { ClassLoader } from '../actors/replicated/class-loader.js';
import { moduleClasses } from '../actors/replicated/object-module.js';
import type { NodeId } from '../ids.js';
import { isRefusing } from '../net/refusal.js';
import { DataDir } from '../storage/data-dir.js';
import { NodeDisk } from '../storage/node-disk.js';
import type { NodeName } from '../storage/node-identity.js';

export interface NodeHost {
  openDataDir(path: string, name: NodeName): Promise<DataDir>;
  readonly classes: ClassLoader;
  /** Names a life: 32 hex digits. */
  newLife(): string;
  /** Calls `run` once whoever has awaited the node's start has gone on. */
  later(run: () => void): void;
  /** Does the machine of a node say that nobody listens on its address? False: it does not say so. Never rejects. */
  isRefusing(node: NodeId): Promise<boolean>;
  /** Milliseconds on a clock that never runs backwards. */
  nowMs(): number;
  /** Calls `run` once, after so many milliseconds. Returns what prevents that. */
  after(delayMs: number, run: () => void): () => void;
}

/** The machine that this process runs on. */
export function machineHost({ fsync }: { readonly fsync: boolean }): NodeHost {
  return {
    openDataDir: (path, name) => DataDir.open(new NodeDisk({ isSynced: fsync }), path, name),
    classes: moduleClasses,
    newLife: () => randomBytes(16).toString('hex'),
    later: (run) => void setImmediate(run),
    isRefusing,
    nowMs: () => performance.now(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
