/** A write-ahead log on a simulated disk, written to and looked at by tests. */

import { expect } from 'vitest';
import { scanWal, type WalScan } from '../../../../../src/actors/log-store/wal-scan.js';
import { WalWriter } from '../../../../../src/actors/log-store/wal-writer.js';
import { EntryReader } from '../../../../../src/actors/raft/entry.js';
import { groupId, logIndex, nodeId, term, type GroupId } from '../../../../../src/ids.js';
import { SeededRandom } from '../../../../../src/runtime/random.js';
import { modelEntry } from '../../../../../src/testing/log-store-model.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';

export const DIRECTORY = '/log';
export const GROUP = groupId(0);
export const SEGMENT_BYTES = 4096;
export const HEADER_BYTES = 64;

export function newDisk(): SimulatedDisk {
  const disk = new SimulatedDisk(1);
  disk.makeDirectory(DIRECTORY);
  return disk;
}

/** Scans the log and goes on behind it. */
export function startWal(disk: SimulatedDisk, segmentBytes = SEGMENT_BYTES): WalWriter {
  const random = new SeededRandom(disk.operations);
  return WalWriter.start({ disk, directory: DIRECTORY, segmentBytes, random }, scan(disk));
}

export function scan(disk: SimulatedDisk): WalScan {
  return scanWal(disk, DIRECTORY);
}

export function path(sequence: number): string {
  return `${DIRECTORY}/${sequence.toString(16).padStart(16, '0')}.wal`;
}

/** Gathers entries from `first` to `last`. */
export function append(
  writer: WalWriter,
  first: number,
  last: number,
  inTerm = 1,
  payloadBytes = 10,
  group: GroupId = GROUP,
): void {
  const entries = [];
  for (let index = first; index <= last; index++) entries.push(modelEntry(index, inTerm, payloadBytes));
  writer.append(group, logIndex(first), logIndex(last), Buffer.concat(entries));
}

export function commit(writer: WalWriter, first: number, last: number, inTerm = 1, payloadBytes = 10): void {
  append(writer, first, last, inTerm, payloadBytes);
  writer.commit();
}

export function vote(writer: WalWriter, inTerm: number, votedFor: string | null = null, group = GROUP): void {
  writer.saveHardState(group, { term: term(inTerm), votedFor: votedFor === null ? null : nodeId(votedFor) });
}

/** Lets the writer do all that can wait. */
export function idle(writer: WalWriter): void {
  while (writer.idle());
}

/** Term and index of each entry. */
export function describeEntries(pieces: Iterable<Uint8Array>): string[] {
  const found: string[] = [];
  const reader = new EntryReader();
  for (const piece of pieces) {
    reader.reset(piece);
    while (reader.next()) found.push(`${reader.term}:${reader.index}`);
  }
  return found;
}

/** The first and last index that are found of a group. */
export function extent(found: WalScan, group: GroupId = GROUP): [number | null, number | null] {
  const log = found.groups.get(group);
  return [log?.firstIndex ?? null, log?.lastIndex ?? null];
}

/** Writes over what is in a file. */
export function overwrite(disk: SimulatedDisk, file: string, offset: number, bytes: Uint8Array): void {
  const open = disk.open(file, 'write');
  open.write([bytes], offset);
  open.sync();
  open.close();
}

export const corrupt = (file: string, offset?: number): Error =>
  expect.objectContaining({
    code: 'ERR_STORAGE_CORRUPT',
    data: expect.objectContaining({ path: file, ...(offset === undefined ? {} : { offset }) }) as object,
  }) as Error;
