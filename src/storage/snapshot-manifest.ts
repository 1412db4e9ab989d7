/**
 * The manifest of a snapshot: what the snapshot is of, and which streams of bytes it holds. It lies in the snapshot's
 * footer as one positional msgpack array. Trusts nothing that it decodes.
 */

import { Decoder, Encoder } from '@msgpack/msgpack';
import type { LastIncluded, LogIndex, Term } from '../ids.js';

/** A named stream of bytes in a snapshot. */
export interface SectionInfo {
  readonly name: string;
  /** SHA-256 of the stream, as 64 hex digits. Equal streams have equal hashes, however they were compressed. */
  readonly hash: string;
  /** The length of the stream. */
  readonly bytes: number;
  /** The sections' chunks lie one behind the other, in the order of the sections. */
  readonly firstChunk: number;
  readonly chunkCount: number;
}

/** Where in the log a snapshot was cut, and what held there. */
export interface SnapshotCut {
  readonly lastIncluded: LastIncluded;
  /** The version of the objects' code that is active at the cut. */
  readonly codeVersion: number;
  /**
   * Who the members are at the cut, in the form in which the log says it; null: it does not say. Not looked into here.
   */
  readonly configuration: Uint8Array | null;
}

export interface SnapshotManifest extends SnapshotCut {
  /** No two have the same name. */
  readonly sections: readonly SectionInfo[];
}

const HASH_BYTES = 32;

/** Equal manifests are encoded to equal bytes. */
export function encodeManifest({ lastIncluded, codeVersion, configuration, sections }: SnapshotManifest): Uint8Array {
  return new Encoder().encode([
    [lastIncluded.index, lastIncluded.term, lastIncluded.timestampMs],
    codeVersion,
    configuration,
    sections.map((each) => [each.name, Buffer.from(each.hash, 'hex'), each.bytes, each.firstChunk, each.chunkCount]),
  ]);
}

/** Null when the bytes are not a manifest, or one that contradicts itself. */
export function decodeManifest(bytes: Uint8Array): SnapshotManifest | null {
  let decoded: unknown;
  try {
    decoded = new Decoder({ maxArrayLength: bytes.length, maxMapLength: 0, maxExtLength: 0 }).decode(bytes);
  } catch {
    return null;
  }
  if (!isTuple(decoded, 4)) return null;
  const [position, codeVersion, configuration, sections] = decoded;
  const lastIncluded = readPosition(position);
  if (lastIncluded === null || !isCount(codeVersion)) return null;
  if (configuration !== null && !(configuration instanceof Uint8Array)) return null;
  const infos = readSections(sections);
  return infos === null ? null : { lastIncluded, codeVersion, configuration: copyOf(configuration), sections: infos };
}

function readPosition(value: unknown): LastIncluded | null {
  if (!isTuple(value, 3)) return null;
  const [index, term, timestampMs] = value;
  if (!isCount(index) || !isCount(term) || !Number.isFinite(timestampMs)) return null;
  return { index: index as LogIndex, term: term as Term, timestampMs: timestampMs as number };
}

function readSections(value: unknown): SectionInfo[] | null {
  if (!Array.isArray(value)) return null;
  const names = new Set<string>();
  const sections: SectionInfo[] = [];
  let nextChunk = 0;
  for (const each of value as unknown[]) {
    if (!isTuple(each, 5)) return null;
    const [name, hash, bytes, firstChunk, chunkCount] = each;
    if (typeof name !== 'string' || names.has(name)) return null;
    if (!(hash instanceof Uint8Array) || hash.length !== HASH_BYTES) return null;
    if (!isCount(bytes) || firstChunk !== nextChunk || !isCount(chunkCount)) return null;
    names.add(name);
    nextChunk += chunkCount;
    sections.push({ name, hash: Buffer.from(hash).toString('hex'), bytes, firstChunk, chunkCount });
  }
  return sections;
}

/** What was decoded is a view of all that was read. */
function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Uint8Array.from(bytes);
}

function isTuple(value: unknown, length: number): value is unknown[] {
  return Array.isArray(value) && value.length === length;
}

/** A whole number from 0 to 2^53 - 1. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
