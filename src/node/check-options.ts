/**
 * Every default and every check of what `Runtime.start` is given, in one place. Nothing is started before all of it is
 * known to be good.
 */

import { resolve } from 'node:path';
import { nodeId, type NodeId } from '../ids.js';
import type { CreatableClasses, ObjectDefinitions } from '../actors/replicated/object-definition.js';
import { VOTERS_MAX } from '../actors/raft/quorum.js';
import { parseAddress } from '../net/address.js';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import { silentLogger } from '../runtime/logger.js';
import { checkPlacement } from './check-placement.js';
import { COMMAND_BYTES_MAX } from './command-bytes-max.js';
import { nodeLogger, type UserLogger } from './node-logger.js';
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkKnown,
  checkNumber,
  checkUrl,
  describe,
  invalid,
  refused,
} from './option-checks.js';
import type {
  CheckedOptions,
  CheckedSnapshotOptions,
  RuntimeLimits,
  RuntimeOptions,
  SnapshotOptions,
} from './options.js';

const KNOWN: Readonly<Record<keyof RuntimeOptions, true>> = {
  self: true,
  peers: true,
  join: true,
  objects: true,
  classes: true,
  cluster: true,
  bind: true,
  threads: true,
  autoTick: true,
  electionTimeoutMs: true,
  heartbeatMs: true,
  callTimeoutMs: true,
  waitForLeader: true,
  limits: true,
  dataDir: true,
  fsync: true,
  snapshot: true,
  logger: true,
  onReady: true,
  autoCodeVersion: true,
  placement: true,
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
  commandBytes: [64, COMMAND_BYTES_MAX],
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
  const threads = checkBoolean('threads', options.threads ?? true);
  const electionTimeoutMs = checkElectionTimeout(options.electionTimeoutMs ?? [400, 800]);
  const objects = checkObjects(options.objects);
  const classes = checkClasses(options.classes ?? {});
  return {
    self,
    peers: checkPeers(options.peers, self),
    join: checkJoin(options.join ?? false, self),
    objects,
    classes,
    placement: checkPlacement(options.placement ?? {}, objects, classes),
    cluster: checkCluster(options.cluster ?? 'conclave'),
    bind: checkBind(options.bind, self),
    threads,
    autoTick: checkAutoTick(options.autoTick ?? true, threads),
    electionTimeoutMs,
    heartbeatMs: checkHeartbeat(options.heartbeatMs, electionTimeoutMs[0] / 3),
    callTimeoutMs: checkNumber('callTimeoutMs', options.callTimeoutMs ?? 10_000, 1, TIMEOUT_MS_MAX),
    waitForLeader: checkBoolean('waitForLeader', options.waitForLeader ?? true),
    limits: checkLimits(options.limits ?? {}),
    dataDir: options.dataDir === undefined ? null : checkDataDir(options.dataDir),
    fsync: checkFsync(options.fsync, options.dataDir),
    snapshot: checkSnapshot(options.snapshot ?? {}),
    autoCodeVersion: checkBoolean('autoCodeVersion', options.autoCodeVersion ?? false),
    logger: options.logger === undefined ? silentLogger : nodeLogger(checkLogger(options.logger), self ?? 'observer'),
    onReady: options.onReady === undefined ? null : checkFunction('onReady', options.onReady),
    workerUrl: options.workerUrl === undefined ? null : checkUrl('workerUrl', options.workerUrl),
  };
}

function checkHeartbeat(heartbeatMs: unknown, maxMs: number): number {
  if (heartbeatMs === undefined) return Math.min(50, maxMs);
  if (typeof heartbeatMs === 'number' && heartbeatMs >= 1 && heartbeatMs <= maxMs) return heartbeatMs;
  const shownMaxMs = Math.floor(maxMs * 100) / 100;
  const what = `must be a number from 1 to ${shownMaxMs}, a third of the shortest election timeout`;
  throw invalid('heartbeatMs', heartbeatMs, what);
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
    if (typeof value !== 'string') throw invalid('peers', peers, "must be an array of strings 'host:port'");
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

function checkAutoTick(autoTick: unknown, threads: boolean): boolean {
  if (autoTick === false && threads) {
    throw invalid('autoTick', autoTick, 'needs threads: false: what runs on threads of its own cannot be ticked');
  }
  return checkBoolean('autoTick', autoTick);
}

function checkJoin(join: unknown, self: NodeId | null): boolean {
  if (join === true && self === null) throw invalid('join', join, 'makes no sense for an observer, which nobody adds');
  return checkBoolean('join', join);
}

function checkObjects<Definitions extends ObjectDefinitions>(objects: Definitions): Definitions {
  if (typeof objects !== 'object' || objects === null || Array.isArray(objects)) {
    throw invalid('objects', objects, 'must be an object of classes by name');
  }
  return objects;
}

function checkClasses(classes: CreatableClasses): CreatableClasses {
  if (typeof classes !== 'object' || classes === null || Array.isArray(classes)) {
    throw invalid('classes', classes, 'must be an object of classes by name');
  }
  const names = new Map<unknown, string>();
  for (const [name, each] of Object.entries(classes)) {
    const target: unknown = typeof each === 'object' && each !== null ? each.class : each;
    const other = names.get(target);
    // Which of its names a creation says would be for the order of the options to decide.
    if (other !== undefined) throw refused('classes', name, `names one class twice, ${other} and ${name}`);
    names.set(target, name);
    const isGiven = typeof each === 'object' && each !== null && 'args' in each && (each.args as unknown[]).length > 0;
    if (isGiven) throw refused('classes', name, `has ${name} with arguments: they are given to each object of its own`);
  }
  return classes;
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

function checkLogger(logger: UserLogger): UserLogger {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof logger?.[level] !== 'function')
      throw invalid('logger', logger, `must have a method ${level}, as pino's have`);
  }
  return logger;
}
