/**
 * What `Runtime.start` is given, with every default and every check in one place. Nothing is started before all of it
 * is known to be good.
 */

import { resolve } from 'node:path';
import { ConclaveError } from '../errors.js';
import { nodeId, type NodeId } from '../ids.js';
import type { ObjectDefinitions } from '../actors/replicated/object-definition.js';
import { VOTERS_MAX } from '../actors/raft/quorum.js';
import { parseAddress } from '../net/address.js';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import { silentLogger, type Logger } from '../runtime/logger.js';

/** Bounds on what a node keeps and sends. Past each comes a typed error or back-pressure, never unbounded memory. */
export interface RuntimeLimits {
  /** Commands, and as many queries of each consistency, that may wait at once. Default: 100,000. */
  readonly pendingCommands?: number;
  /** Encoded bytes of the commands, and as many of the queries of each consistency, that may wait at once. Default: 256 MiB. */
  readonly pendingBytes?: number;
  /** Encoded size of one command's arguments in bytes. The same on every node. Default: 8 MiB. */
  readonly commandBytes?: number;
  /** Bytes of this node's own commands that may be on their way to the leader or in its log unapplied. Default: 16 MiB. */
  readonly submissionBytes?: number;
  /** Bytes of entries on their way to one peer and not acknowledged. Default: 16 MiB. */
  readonly inflightBytes?: number;
  /**
   * The size of one file of the log in `dataDir`, written in advance. Default: 64 MiB. The first file of a start has 4 MiB,
   * each next one twice as much, up to this; one more is made ready while the last one fills.
   */
  readonly segmentBytes?: number;
}

/**
 * When a snapshot takes the place of the log before it. All bounds count from the last snapshot on; the first that is
 * reached decides. Nodes are kept apart by where they stand in the list of members, so that never all of them compact at
 * once: with three nodes and 64 MiB, the first snapshots are taken after 64, 85 and 107 MiB, and the later ones follow
 * every 64 MiB.
 */
export interface SnapshotOptions {
  /** Entries of the log: blocks of commands, not commands. Default: 1,000,000. */
  readonly entries?: number;
  /** Bytes of the log, or the size of the last snapshot (at most half the state), whichever is more. Default: 64 MiB. */
  readonly bytes?: number;
  /** Milliseconds, where there is anything new. Default: no such bound. */
  readonly intervalMs?: number;
  /**
   * Compare what the log says with the live objects each time, and report the first object that differs: a command of its
   * is not deterministic. Takes the objects' thread for as long as it takes to hash them. Default: false.
   */
  readonly verify?: boolean;
}

/** How a node is started. */
export interface RuntimeOptions<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /**
   * This node's own address, `host:port` or `[v6]:port`, as the peers write it. Null: an observer, which follows the log,
   * takes calls like any node, and never votes; the members need not know of it.
   */
  readonly self: string | null;
  /**
   * The addresses of all other members, each as that node writes its own: nodes that know different members refuse each
   * other. Empty: a cluster of one. A cluster has at most 15 members.
   */
  readonly peers: readonly string[];
  /** The replicated objects by name, the same on every node: classes, or `object(Class, ...args)`. */
  readonly objects: Definitions;
  /** A name that all nodes of the cluster share; nodes with another one are refused. Default: `conclave`. */
  readonly cluster?: string;
  /** Where to listen, when that is not `self`: `0.0.0.0:4321` in a container, for instance. */
  readonly bind?: string;
  /** Worker threads for consensus and objects (default), or `false`: everything on the caller's event loop. */
  readonly threads?: boolean;
  /**
   * A follower that has not heard from a leader for a time drawn from this range, in milliseconds, asks for votes.
   * Default: [400, 800]. With [400, 800], a cluster has a new leader about 0.5 s after the old one died.
   */
  readonly electionTimeoutMs?: readonly [min: number, max: number];
  /** How often a leader shows that it lives, in milliseconds; at most a third of the shortest election timeout. Default: 50. */
  readonly heartbeatMs?: number;
  /** How long a call waits unless it says otherwise, in milliseconds. Default: 10,000. */
  readonly callTimeoutMs?: number;
  readonly limits?: RuntimeLimits;
  /**
   * Where log and snapshots are kept: a directory of this node's own, created if it is missing. With it, what was
   * acknowledged survives crashes and loss of power. Omitted: they are in memory, and a node that stops has forgotten all.
   */
  readonly dataDir?: string;
  /**
   * Wait for the disk before anything is acknowledged (default). False: the operating system writes when it likes; a
   * process that dies loses nothing, a machine that loses power may lose what was acknowledged.
   */
  readonly fsync?: boolean;
  readonly snapshot?: SnapshotOptions;
  /** Where log lines go; a pino logger fits. Default: nowhere. */
  readonly logger?: Logger;
  /** Called once, when the node has caught up with the leader for the first time. */
  readonly onReady?: () => void;
  /** Where the workers' entry file is, for bundlers that move it: the URL of `conclave`'s `runtime/threads/thread-entry.js`. */
  readonly workerUrl?: URL;
}

/** {@link SnapshotOptions} with all defaults filled in. */
export interface CheckedSnapshotOptions {
  readonly entries: number;
  readonly bytes: number;
  readonly intervalMs: number | null;
  readonly verify: boolean;
}

/** The options with all defaults filled in. */
export interface CheckedOptions<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  readonly self: NodeId | null;
  readonly peers: readonly NodeId[];
  readonly objects: Definitions;
  readonly cluster: string;
  readonly bind: NodeId | null;
  readonly threads: boolean;
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly heartbeatMs: number;
  readonly callTimeoutMs: number;
  readonly limits: Required<RuntimeLimits>;
  readonly dataDir: string | null;
  readonly fsync: boolean;
  readonly snapshot: CheckedSnapshotOptions;
  readonly logger: Logger;
  readonly onReady: (() => void) | null;
  readonly workerUrl: URL | null;
}

const KNOWN: Readonly<Record<keyof RuntimeOptions, true>> = {
  self: true,
  peers: true,
  objects: true,
  cluster: true,
  bind: true,
  threads: true,
  electionTimeoutMs: true,
  heartbeatMs: true,
  callTimeoutMs: true,
  limits: true,
  dataDir: true,
  fsync: true,
  snapshot: true,
  logger: true,
  onReady: true,
  workerUrl: true,
};

/** The names of all options. */
export const OPTION_NAMES: readonly string[] = Object.keys(KNOWN);

const DEFAULT_LIMITS: Required<RuntimeLimits> = {
  pendingCommands: 100_000,
  pendingBytes: 256 * 1024 * 1024,
  commandBytes: 8 * 1024 * 1024,
  submissionBytes: 16 * 1024 * 1024,
  inflightBytes: 16 * 1024 * 1024,
  segmentBytes: 64 * 1024 * 1024,
};

const MIB = 1024 * 1024;

/** The range of each limit. */
const LIMIT_RANGES: Readonly<Record<keyof RuntimeLimits, readonly [min: number, max: number]>> = {
  pendingCommands: [1, 10_000_000],
  pendingBytes: [64 * 1024, 64 * 1024 * MIB],
  commandBytes: [64, 32 * MIB],
  submissionBytes: [64 * 1024, 1024 * MIB],
  inflightBytes: [64 * 1024, 1024 * MIB],
  segmentBytes: [64 * 1024, 1024 * MIB],
};

const CLUSTER_CHARS_MAX = 128;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` naming the option and its value.
 */
export function checkOptions<Definitions extends ObjectDefinitions>(
  options: RuntimeOptions<Definitions>,
): CheckedOptions<Definitions> {
  checkKnown(options, OPTION_NAMES);
  const self = options.self === null ? null : checkAddress('self', options.self);
  const electionTimeoutMs = checkElectionTimeout(options.electionTimeoutMs ?? [400, 800]);
  return {
    self,
    peers: checkPeers(options.peers, self),
    objects: checkObjects(options.objects),
    cluster: checkCluster(options.cluster ?? 'conclave'),
    bind: checkBind(options.bind, self),
    threads: checkBoolean('threads', options.threads ?? true),
    electionTimeoutMs,
    heartbeatMs: checkNumber(
      'heartbeatMs',
      options.heartbeatMs ?? Math.min(50, electionTimeoutMs[0] / 3),
      1,
      electionTimeoutMs[0] / 3,
    ),
    callTimeoutMs: checkNumber('callTimeoutMs', options.callTimeoutMs ?? 10_000, 1, TIMEOUT_MS_MAX),
    limits: checkLimits(options.limits ?? {}),
    dataDir: options.dataDir === undefined ? null : checkDataDir(options.dataDir),
    fsync: checkFsync(options.fsync, options.dataDir),
    snapshot: checkSnapshot(options.snapshot ?? {}),
    logger: checkLogger(options.logger ?? silentLogger),
    onReady: options.onReady === undefined ? null : checkFunction('onReady', options.onReady),
    workerUrl: options.workerUrl === undefined ? null : checkUrl('workerUrl', options.workerUrl),
  };
}

/** Refuses options that are none of these. */
export function checkKnown(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw invalid('options', options, 'must be an object');
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key)) throw invalid(key, value, `is not an option; there are ${known.join(', ')}`);
  }
}

function checkAddress(option: string, value: unknown): NodeId {
  if (typeof value !== 'string') throw invalid(option, value, "must be a string 'host:port'");
  parseAddress(value, option);
  return nodeId(value);
}

function checkBind(bind: unknown, self: NodeId | null): NodeId | null {
  if (bind === undefined) return self;
  if (self === null) throw invalid('bind', bind, 'makes no sense for an observer, which nobody connects to');
  return checkAddress('bind', bind);
}

function checkPeers(peers: unknown, self: NodeId | null): readonly NodeId[] {
  if (!Array.isArray(peers)) throw invalid('peers', peers, "must be an array of 'host:port'");
  const seen = new Set<NodeId>();
  for (const value of peers as unknown[]) {
    const peer = checkAddress('peers', value);
    const shown = describe(peer);
    if (peer === self) throw refused('peers', shown, `lists ${shown}, which is this node; list the others only`);
    if (seen.has(peer)) throw refused('peers', shown, `lists ${shown} twice`);
    seen.add(peer);
  }
  if (self === null && seen.size === 0)
    throw invalid('peers', peers, 'must name the members that an observer is to follow');
  const peersMax = self === null ? VOTERS_MAX : VOTERS_MAX - 1;
  if (seen.size > peersMax) {
    const complaint = `lists ${seen.size} nodes, and may list ${peersMax}: a cluster has at most ${VOTERS_MAX} members`;
    throw refused('peers', String(seen.size), complaint);
  }
  return [...seen];
}

function checkObjects<Definitions extends ObjectDefinitions>(objects: Definitions): Definitions {
  if (typeof objects !== 'object' || objects === null || Array.isArray(objects)) {
    throw invalid('objects', objects, 'must be an object of classes by name');
  }
  return objects;
}

function checkCluster(cluster: unknown): string {
  if (typeof cluster !== 'string' || cluster.length === 0 || cluster.length > CLUSTER_CHARS_MAX) {
    throw invalid('cluster', cluster, `must be a string of 1 to ${CLUSTER_CHARS_MAX} characters`);
  }
  return cluster;
}

function checkElectionTimeout(range: readonly number[]): readonly [number, number] {
  if (!Array.isArray(range) || range.length !== 2) throw invalid('electionTimeoutMs', range, 'must be [min, max]');
  const min = checkNumber('electionTimeoutMs', range[0], 10, TIMEOUT_MS_MAX);
  const max = checkNumber('electionTimeoutMs', range[1], 10, TIMEOUT_MS_MAX);
  if (max <= min)
    throw invalid('electionTimeoutMs', range, 'must have a maximum above its minimum, or votes split for ever');
  return [min, max];
}

function checkLimits(limits: RuntimeLimits): Required<RuntimeLimits> {
  if (typeof limits !== 'object' || limits === null) throw invalid('limits', limits, 'must be an object');
  const checked: Record<string, number> = { ...DEFAULT_LIMITS };
  for (const [key, value] of Object.entries(limits)) {
    if (!Object.hasOwn(LIMIT_RANGES, key)) {
      throw invalid(`limits.${key}`, value, `is not a limit; there are ${Object.keys(LIMIT_RANGES).join(', ')}`);
    }
    const [min, max] = LIMIT_RANGES[key as keyof RuntimeLimits];
    if (value !== undefined) checked[key] = checkInteger(`limits.${key}`, value, min, max);
  }
  return checked as unknown as Required<RuntimeLimits>;
}

function checkDataDir(dataDir: unknown): string {
  if (typeof dataDir !== 'string' || dataDir === '' || dataDir.includes('\0')) {
    throw invalid('dataDir', dataDir, 'must be the path of a directory');
  }
  return resolve(dataDir);
}

function checkFsync(fsync: unknown, dataDir: unknown): boolean {
  if (fsync !== undefined && dataDir === undefined) {
    throw invalid('fsync', fsync, 'makes no sense without dataDir: nothing is written to a disk');
  }
  return checkBoolean('fsync', fsync ?? true);
}

const SNAPSHOT_OPTIONS: readonly string[] = [
  'entries',
  'bytes',
  'intervalMs',
  'verify',
] satisfies (keyof SnapshotOptions)[];

function checkSnapshot(snapshot: SnapshotOptions): CheckedSnapshotOptions {
  if (typeof snapshot !== 'object' || snapshot === null) throw invalid('snapshot', snapshot, 'must be an object');
  for (const [key, value] of Object.entries(snapshot)) {
    if (SNAPSHOT_OPTIONS.includes(key)) continue;
    throw invalid(`snapshot.${key}`, value, `is not an option; there are ${SNAPSHOT_OPTIONS.join(', ')}`);
  }
  const { entries = 1_000_000, bytes = 64 * MIB, intervalMs, verify = false } = snapshot;
  return {
    entries: checkInteger('snapshot.entries', entries, 1, Number.MAX_SAFE_INTEGER),
    bytes: checkInteger('snapshot.bytes', bytes, 1, Number.MAX_SAFE_INTEGER),
    intervalMs: intervalMs === undefined ? null : checkNumber('snapshot.intervalMs', intervalMs, 100, TIMEOUT_MS_MAX),
    verify: checkBoolean('snapshot.verify', verify),
  };
}

function checkLogger(logger: Logger): Logger {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof logger?.[level] !== 'function')
      throw invalid('logger', logger, `must have a method ${level}, as pino's have`);
  }
  return logger;
}

function checkBoolean(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(option, value, 'must be true or false');
  return value;
}

function checkFunction<T>(option: string, value: T): T {
  if (typeof value !== 'function') throw invalid(option, value, 'must be a function');
  return value;
}

function checkUrl(option: string, value: unknown): URL {
  if (!(value instanceof URL)) throw invalid(option, value, 'must be a URL object');
  return value;
}

/** @throws ConclaveError `ERR_INVALID_OPTION`. */
export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  if (!Number.isInteger(value)) throw invalid(option, value, `must be a whole number from ${min} to ${max}`);
  return checkNumber(option, value, min, max);
}

function checkNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    // Rounded down: what is shown is allowed.
    throw invalid(option, value, `must be a number from ${min} to ${Math.floor(max * 100) / 100}`);
  }
  return value;
}

function invalid(option: string, value: unknown, what: string): ConclaveError {
  const shown = describe(value);
  return refused(option, shown, `${what}. It is ${shown}`);
}

function refused(option: string, value: string, complaint: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option} ${complaint}.`, { data: { option, value } });
}

function nameOf(value: Function): string {
  return typeof value.name === 'string' && value.name !== '' ? `the function ${value.name}` : 'a function';
}

function describe(value: unknown): string {
  if (typeof value === 'function') return nameOf(value);
  if (typeof value === 'number') return String(value);
  try {
    return (
      JSON.stringify(value, (_key, part: unknown) => (typeof part === 'function' ? nameOf(part) : part)) ??
      String(value)
    );
  } catch {
    return Object.prototype.toString.call(value);
  }
}
