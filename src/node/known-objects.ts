/**
 * Which objects, classes and commands a data directory may hold: those of every start so far after which the node came
 * to follow a leader, or to be one. A node would stop at a command in the log that no object knows; so they are
 * remembered beside the log, and that one is missing is told at the start. Those of later code versions are not: until
 * such a version is in force there is a way back to older code; and so there is from code that the others have refused.
 * On the thread that starts the node.
 */

import { crc32 } from '../checksum.js';
import { ConclaveError } from '../errors.js';
import { dataDirLayout } from '../storage/data-dir-layout.js';
import type { Disk } from '../storage/disk.js';
import { readSmallFile, replaceSmallFile } from '../storage/small-file.js';
import { writtenByNewer } from '../storage/written-by-newer.js';
import { createdPrefix } from '../actors/replicated/command-name.js';
import type { ResolvedObject } from '../actors/replicated/object-definition.js';

const VERSION = 1;

interface Known {
  readonly version: typeof VERSION;
  /** By object, or class that objects are created of, as blocks call it: the names of its commands, sorted. */
  readonly objects: Readonly<Record<string, readonly string[]>>;
  /** Of `objects` as JSON. */
  readonly crc32: number;
}

const FILE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Refuses objects and classes that lack what the directory knows.
 *
 * @returns what remembers those that are new: durable when it returns, and it throws `ERR_STORAGE` when the disk
 *   refuses. Nothing may be sent to them before.
 * @throws ConclaveError `ERR_INVALID_OBJECT` when an object, a class or a replicated method is missing,
 *   `ERR_DATA_DIR_MISMATCH` when a newer version wrote the file, `ERR_STORAGE_CORRUPT` when it is damaged,
 *   `ERR_STORAGE` when the disk refuses.
 */
export function checkKnownObjects(
  disk: Disk,
  directory: string,
  objects: readonly ResolvedObject[],
  classes: readonly ResolvedObject[] = [],
): () => void {
  const { objects: path } = dataDirLayout(directory);
  const known = disk.exists(path) ? read(disk, path) : {};
  const given = new Map<string, readonly string[]>();
  for (const { name, commands, since } of [...objects, ...creatable(classes)]) {
    if (since === 0) given.set(name, firstCommands(commands));
  }
  for (const [name, commands] of Object.entries(known)) {
    const present = given.get(name);
    if (present === undefined) throw missing(name, null, directory);
    for (const command of commands) if (!present.includes(command)) throw missing(name, command, directory);
  }
  // Not by assignment: an object may be called __proto__.
  const merged = Object.fromEntries([...Object.entries(known), ...given]);
  return () => {
    if (JSON.stringify(merged) !== JSON.stringify(known)) write(disk, directory, path, merged);
  };
}

/** Called so that none is taken for an object of the options. */
function creatable(classes: readonly ResolvedObject[]): ResolvedObject[] {
  return classes.map((each) => ({ ...each, name: createdPrefix(each.name) }));
}

/** Those that there are from the first code version on. */
function firstCommands(commands: ResolvedObject['commands']): string[] {
  return [...commands].flatMap(([command, [first]]) => (first?.version === 0 ? [command] : [])).toSorted();
}

function read(disk: Disk, path: string): Known['objects'] {
  const { version, objects, crc32: checksum } = parse(readSmallFile(disk, path, FILE_BYTES_MAX)) ?? {};
  if (Number.isSafeInteger(version) && version! > VERSION) {
    throw writtenByNewer({ what: `The file ${path}`, path, version: version!, versionMax: VERSION });
  }
  if (version === VERSION && objects !== undefined && checksum === checksumOf(objects)) return objects;
  throw new ConclaveError(
    'ERR_STORAGE_CORRUPT',
    `The file ${path}, which says what objects the log may speak of, is damaged. If the objects are the same as before, ` +
      'remove it; the next start makes it anew.',
    { data: { path } },
  );
}

function parse(bytes: Uint8Array | null): Partial<Known> | null {
  try {
    return bytes === null ? null : (JSON.parse(Buffer.from(bytes).toString()) as Partial<Known> | null);
  } catch {
    return null;
  }
}

function checksumOf(objects: Known['objects']): number {
  return crc32(Buffer.from(JSON.stringify(objects)));
}

function write(disk: Disk, directory: string, path: string, objects: Known['objects']): void {
  const known: Known = { version: VERSION, objects, crc32: checksumOf(objects) };
  replaceSmallFile(disk, path, `${JSON.stringify(known, null, 2)}\n`);
  disk.syncDirectory(directory);
}

function missing(called: string, method: string | null, directory: string): ConclaveError {
  const isClass = called.startsWith(createdPrefix(''));
  const object = isClass ? called.slice(createdPrefix('').length) : called;
  const kind = isClass ? 'class' : 'object';
  const what =
    method === null
      ? `The ${kind} ${object}`
      : `The replicated method ${object}.${method}, as of the first code version,`;
  return new ConclaveError(
    'ERR_INVALID_OBJECT',
    `${what} is not there any more, and the log in ${directory} may speak of it: what it did would be lost. Keep it, even ` +
      'if nobody calls it.',
    { data: { [kind]: object, ...(method === null ? {} : { method }) } },
  );
}
