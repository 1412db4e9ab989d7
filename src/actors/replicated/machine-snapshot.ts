/**
 * A machine and its objects to and from a snapshot: which sections there are, and what they mean. Runs wherever a
 * machine is: in folds, and on the object thread when a node starts or is given a snapshot.
 */

import { ConclaveError } from '../../errors.js';
import type { Pause } from '../../storage/pause.js';
import type { SnapshotReader } from '../../storage/snapshot-reader.js';
import type { SnapshotWriter } from '../../storage/snapshot-writer.js';
import { createdPrefix } from './command-name.js';
import type { SavedObject } from './created-objects.js';
import type { LoadedObject } from './object-definition.js';
import type { Machine } from './machine.js';
import type { SavedSession } from './session-table.js';
import { readState } from './state/read-state.js';
import { writeState } from './state/write-state.js';
import { ValueCodec } from './value-codec.js';

const SESSIONS = 'sessions';
const OBJECT_PREFIX = 'object:';
/** Which objects were created, of which classes, and made with what. */
const CREATED = 'created';
const CREATED_PREFIX = 'created:';

/** Writes everything but the end of a snapshot. */
export async function saveMachine(machine: Machine, writer: SnapshotWriter, pause: Pause): Promise<void> {
  writer.beginSection(SESSIONS);
  writer.write(new ValueCodec().encodeInto(machine.save().sessions, SESSIONS));
  writer.endSection();
  const created = machine.saveCreated();
  if (created.length > 0) {
    writer.beginSection(CREATED);
    writer.write(new ValueCodec().encodeInto(created, CREATED));
    writer.endSection();
  }
  for (const [section, object] of sectionsOf(machine)) {
    writer.beginSection(section);
    await writeState(object, (bytes) => writer.write(bytes), pause);
    writer.endSection();
  }
}

function sectionsOf(machine: Machine): [section: string, object: LoadedObject][] {
  return [
    ...machine.objects.map((object): [string, LoadedObject] => [OBJECT_PREFIX + object.name, object]),
    ...machine.created.map((object): [string, LoadedObject] => [CREATED_PREFIX + object.name, object]),
  ];
}

/**
 * Brings a machine that has applied nothing, and its new objects, to the state of a snapshot, which holds all objects,
 * wherever they live. An object that the snapshot does not know stays as it was made.
 *
 * @throws ConclaveError `ERR_STORAGE_CORRUPT` when the snapshot is damaged, `ERR_INVALID_OBJECT` when it holds an
 *   object that is not registered, or one whose `restore` throws, `ERR_VERSION_UNSUPPORTED` when it was taken at a
 *   later code version than this node has. The machine must not be used then.
 */
export async function restoreMachine(machine: Machine, reader: SnapshotReader, pause: Pause): Promise<void> {
  const { manifest } = reader;
  machine.beginAt(manifest.codeVersion);
  refuseUnknown(machine, reader);
  machine.restoreCreated(readCreated(reader));
  for (const [name, object] of sectionsOf(machine)) {
    const section = reader.section(name);
    if (section !== null) await readState(object, () => section.next(), pause);
  }
  const { lastIncluded, configuration, codeVersion } = manifest;
  machine.restore({ lastIncluded, configuration, codeVersion, sessions: readSessions(reader) });
}

/** The hash of each object in a snapshot; one that was created is called by the prefix that its methods' names have. */
export function objectHashes({ manifest }: SnapshotReader): [object: string, hash: string][] {
  return manifest.sections.flatMap(({ name, hash }): [string, string][] => {
    if (name.startsWith(OBJECT_PREFIX)) return [[name.slice(OBJECT_PREFIX.length), hash]];
    return name.startsWith(CREATED_PREFIX) ? [[createdPrefix(name.slice(CREATED_PREFIX.length)), hash]] : [];
  });
}

/** State that nobody asks for would be gone with the next snapshot. */
function refuseUnknown(machine: Machine, reader: SnapshotReader): void {
  const known = new Set(machine.objects.map(({ name }) => name));
  for (const [name] of objectHashes(reader)) {
    if (known.has(name) || name.startsWith(createdPrefix('')) || !machine.isHere(name)) continue;
    throw new ConclaveError(
      'ERR_INVALID_OBJECT',
      `The snapshot of this node holds the state of an object ${name}, and no object of that name is registered: ` +
        'register it, for its state would be lost otherwise.',
      { data: { object: name } },
    );
  }
}

function readCreated(reader: SnapshotReader): readonly SavedObject[] {
  const created = readValue(reader, CREATED) ?? [];
  if (!Array.isArray(created) || !created.every(isSavedObject)) {
    throw new ConclaveError('ERR_STORAGE_CORRUPT', 'The created objects of a snapshot are malformed.');
  }
  return created;
}

function isSavedObject(value: unknown): value is SavedObject {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [name, className, args] = value as unknown[];
  return typeof name === 'string' && typeof className === 'string' && args instanceof Uint8Array;
}

/** Null: there is no such section. */
function readValue(reader: SnapshotReader, name: string): unknown {
  const section = reader.section(name);
  if (section === null) return null;
  const pieces: Uint8Array[] = [];
  for (let piece = section.next(); piece !== null; piece = section.next()) pieces.push(piece.slice());
  return new ValueCodec().decode(Buffer.concat(pieces));
}

function readSessions(reader: SnapshotReader): readonly SavedSession[] {
  const sessions = readValue(reader, SESSIONS);
  if (!Array.isArray(sessions) || !sessions.every(isSavedSession)) {
    throw new ConclaveError('ERR_STORAGE_CORRUPT', 'The sessions of a snapshot are malformed.');
  }
  return sessions;
}

function isSavedSession(value: unknown): value is SavedSession {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [session, nextSeq, life] = value as unknown[];
  return Number.isSafeInteger(session) && Number.isSafeInteger(nextSeq) && typeof life === 'string';
}
