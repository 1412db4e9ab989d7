/**
 * What a sidecar can stand on, by the name that `--backend` gives it: the one place where a back end is plugged in.
 * Loads a node, so it is loaded by the one subcommand that needs it.
 */

import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import { openKubernetesBackend } from '../sidecar/kubernetes-backend.js';
import { openMemoryBackend } from '../sidecar/memory-backend.js';
import type { OpenedBackend } from '../sidecar/opened-backend.js';
import { openRaftBackend } from '../sidecar/raft-backend.js';

export type BackendName = 'raft' | 'kubernetes' | 'memory';

/** The flags of `conclave sidecar`. */
export interface SidecarFlags {
  readonly backend: BackendName;
  readonly self?: string;
  readonly peers?: readonly string[];
  readonly bind?: string;
  readonly join?: true;
  readonly cluster?: string;
  readonly dataDir?: string;
  readonly listen?: readonly string[];
  readonly identity?: string;
  /** In milliseconds. */
  readonly ttl?: number;
  readonly namespace?: string;
  readonly election?: string;
  readonly electionListen?: readonly string[];
}

type Open = (flags: SidecarFlags, say: (message: string) => void) => Promise<OpenedBackend>;

const BACKENDS: Readonly<Record<BackendName, Open>> = {
  raft: openRaft,
  kubernetes: openKubernetes,
  memory: async () => openMemoryBackend(),
};

/** @throws ConclaveError as the back end, when it cannot be started. */
export function openBackend(flags: SidecarFlags, say: (message: string) => void): Promise<OpenedBackend> {
  return BACKENDS[flags.backend](flags, say);
}

function openRaft(flags: SidecarFlags, say: (message: string) => void): Promise<OpenedBackend> {
  const { self, peers = [], bind, join, cluster, dataDir } = flags;
  assert(self !== undefined, 'whoever reads the flags has looked for it');
  const line =
    (level: string) =>
    (details: object, message: string): void =>
      say(logLine(level, details, message));
  return openRaftBackend({
    self,
    peers,
    ...(bind === undefined ? {} : { bind }),
    ...(join === undefined ? {} : { join }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(dataDir === undefined ? {} : { dataDir }),
    logger: { debug: () => {}, info: line('info'), warn: line('warn'), error: line('error') },
  });
}

/** What a node logs, as a line of text. */
export function logLine(level: string, details: object, message: string): string {
  return `${level}: ${message} ${JSON.stringify(details, (_key, value: unknown) => shown(value))}`;
}

/** Of an error, JSON has all but what it says. */
function shown(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const said = value instanceof ConclaveError ? `${value.code}: ${value.message}` : String(value);
  return value.cause instanceof Error ? { said, cause: value.cause } : said;
}

function openKubernetes({ namespace, identity }: SidecarFlags): Promise<OpenedBackend> {
  return openKubernetesBackend({
    ...(namespace === undefined ? {} : { namespace }),
    ...(identity === undefined ? {} : { identity }),
  });
}
