/**
 * Whose data directory this is, and the incarnation of what lies in it: a small file, written once and durable before
 * anything else, read at each start. Runs on the thread that starts the node; never gives a new identity to old data.
 */

import { randomBytes } from 'node:crypto';
import { crc32 } from '../checksum.js';
import { ConclaveError } from '../errors.js';
import { incarnation as asIncarnation, type Incarnation, type NodeId } from '../ids.js';
import { dataDirLayout, type DataDirLayout } from './data-dir-layout.js';
import type { Disk } from './disk.js';
import { JOIN_ANEW } from './join-anew.js';
import { readSmallFile, replaceSmallFile } from './small-file.js';
import { writtenByNewer } from './written-by-newer.js';

/** Who wants to use a data directory. */
export interface NodeName {
  readonly cluster: string;
  /** Null: an observer. */
  readonly self: NodeId | null;
}

export interface NodeIdentity {
  /**
   * Stays what it is for as long as the directory keeps what the node has promised; another one when it was emptied.
   */
  readonly incarnation: Incarnation;
  /** Was the directory empty? */
  readonly isNew: boolean;
}

interface Content extends NodeName {
  readonly incarnation: string;
}

const VERSION = 1;
/** Two names of at most a few hundred characters and a little more. */
const FILE_BYTES_MAX = 64 * 1024;
const INCARNATION = /^[0-9a-f]{32}$/;
/** Says by its name whose log it lies beside. */
const OWNER = /^[0-9a-f]{32}\.owner$/;
/** In an empty log or snapshot directory that is a file system of its own. */
const OF_THE_FILE_SYSTEM = 'lost+found';

/**
 * Reads the identity of a data directory, which must exist and be locked. Gives it a new one (random by default), which
 * is durable when this returns, if there is none, or if there is neither log nor snapshot: then nothing has been
 * promised under the old one, or what was has been forgotten.
 *
 * @throws ConclaveError `ERR_DATA_DIR_MISMATCH` when it belongs to another node or cluster, or to a newer version;
 * `ERR_STORAGE_CORRUPT` when the file is damaged or missing beside a log or snapshots, or the log is missing beside
 * snapshots; `ERR_STORAGE` when the disk refuses.
 */
export function readOrCreateIdentity(
  disk: Disk,
  dataDir: string,
  name: NodeName,
  newIncarnation: () => string = randomIncarnation,
): NodeIdentity {
  const layout = dataDirLayout(dataDir);
  const isNamed = disk.exists(layout.node);
  if (isNamed) refuseUnlessOurs(layout, read(disk, layout), name);
  const isNew = !isNamed || !holdsFiles(disk, layout.log);
  if (isNew) create(disk, layout, name, isNamed, newIncarnation());
  const content = read(disk, layout);
  if (!isNew) refuseUnlessOwned(disk, layout, content);
  // Also where it is not new: it may have been renamed right before a crash.
  disk.syncDirectory(layout.path);
  return { incarnation: asIncarnation(content.incarnation), isNew };
}

function randomIncarnation(): string {
  return randomBytes(16).toString('hex');
}

function refuseUnlessOurs(layout: DataDirLayout, found: NodeName, wanted: NodeName): void {
  if (found.cluster !== wanted.cluster || found.self !== wanted.self) throw notOurs(layout, found, wanted);
}

function create(
  disk: Disk,
  layout: DataDirLayout,
  { cluster, self }: NodeName,
  isNamed: boolean,
  incarnation: string,
): void {
  for (const directory of [layout.log, layout.snapshots]) {
    if (!holdsFiles(disk, directory)) continue;
    const missing = isNamed ? `the log in ${layout.log}, with what the node has promised,` : 'it';
    throw corrupt(layout, `${missing} is missing, but there are files in ${directory}`);
  }
  // First: where the log is merely away, and its place refuses another one, it is still the one that is named when it
  // is back.
  own(disk, layout, incarnation);
  replaceSmallFile(disk, layout.node, format({ cluster, self, incarnation }));
}

/**
 * Leaves the incarnation in the directory of the log too, before there is a log: that may be a file system of its own,
 * and come back after a start without it.
 */
function own(disk: Disk, { log }: DataDirLayout, incarnation: string): void {
  disk.makeDirectory(log);
  for (const name of disk.list(log)) if (OWNER.test(name)) disk.remove(`${log}/${name}`);
  disk.open(`${log}/${incarnation}.owner`, 'create').close();
  disk.syncDirectory(log);
}

function refuseUnlessOwned(disk: Disk, layout: DataDirLayout, { incarnation }: Content): void {
  if (disk.exists(`${layout.log}/${incarnation}.owner`)) return;
  throw corrupt(layout, `the log in ${layout.log} is not of the incarnation that it names`);
}

function holdsFiles(disk: Disk, directory: string): boolean {
  if (!disk.exists(directory)) return false;
  return disk.list(directory).some((name) => name !== OF_THE_FILE_SYSTEM && !OWNER.test(name));
}

function format({ cluster, self, incarnation }: Content): string {
  const content = { version: VERSION, cluster, self, incarnation };
  return `${JSON.stringify({ ...content, crc32: checksumOf({ cluster, self, incarnation }) }, null, 2)}\n`;
}

function checksumOf({ cluster, self, incarnation }: Content): number {
  return crc32(Buffer.from(JSON.stringify([VERSION, cluster, self, incarnation])));
}

function read(disk: Disk, layout: DataDirLayout): Content {
  const json = parse(layout, readFile(disk, layout));
  if (typeof json !== 'object' || json === null) throw corrupt(layout, 'it is not an object');
  const { version, cluster, self, incarnation, crc32: checksum } = json as { readonly [field: string]: unknown };
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    throw corrupt(layout, 'it has no version');
  }
  if (version > VERSION) {
    const { path } = layout;
    throw writtenByNewer({ what: `The data directory ${path}`, path, version, versionMax: VERSION });
  }
  if (typeof cluster !== 'string' || (typeof self !== 'string' && self !== null)) {
    throw corrupt(layout, 'it does not say whose it is');
  }
  if (typeof incarnation !== 'string' || !INCARNATION.test(incarnation)) throw corrupt(layout, 'it has no incarnation');
  const content = { cluster, self: self as NodeId | null, incarnation };
  if (checksum !== checksumOf(content)) throw corrupt(layout, 'its checksum is wrong');
  return content;
}

function readFile(disk: Disk, layout: DataDirLayout): Uint8Array {
  const bytes = readSmallFile(disk, layout.node, FILE_BYTES_MAX);
  if (bytes === null) throw corrupt(layout, `it has more than ${FILE_BYTES_MAX} bytes`);
  return bytes;
}

function parse(layout: DataDirLayout, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt(layout, 'it is not JSON', error);
  }
}

function notOurs(layout: DataDirLayout, found: NodeName, wanted: NodeName): ConclaveError {
  return new ConclaveError(
    'ERR_DATA_DIR_MISMATCH',
    `The data directory ${layout.path} belongs to ${describe(found)}, not to ${describe(wanted)}. Give each node a ` +
      'dataDir of its own and keep its name and its cluster; empty this directory only if nobody needs what it holds.',
    { data: { path: layout.path, cluster: found.cluster, self: found.self } },
  );
}

function describe({ cluster, self }: NodeName): string {
  return `${self === null ? 'an observer' : `node ${self}`} of cluster ${JSON.stringify(cluster)}`;
}

function corrupt(layout: DataDirLayout, what: string, cause?: unknown): ConclaveError {
  return new ConclaveError(
    'ERR_STORAGE_CORRUPT',
    `The file ${layout.node}, which says whose data directory this is, cannot be trusted: ${what}. To go on, ${JOIN_ANEW}`,
    { data: { path: layout.node, reason: what }, ...(cause === undefined ? {} : { cause }) },
  );
}
