/**
 * In which incarnation each voter takes part, as the log says. Raft rests on what a voter has promised; one that has
 * lost its memory comes back under its old name as somebody else, and its votes and acknowledgements must not count as
 * those of the one who promised. So the log admits incarnations, and whoever counts, counts only those that its own log
 * has admitted. Part of the core's state; follows the log, and is cut off with it.
 *
 * An incarnation is replaced in two entries, as one server is by another (thesis §4.1): the old one is retired, and once
 * that is committed, without the voter, the new one is admitted. Each takes effect where it is appended.
 */

import { crc32 } from '../../checksum.js';
import { ConclaveError } from '../../errors.js';
import { incarnation, nodeId, type Incarnation, type LogIndex, type NodeId } from '../../ids.js';
import { EntryKind, type Content } from './entry.js';

/** A voter, and the incarnation in which it counts; null: it does not count at present. */
export type Admission = readonly [node: NodeId, incarnation: Incarnation | null];

interface Change {
  readonly index: LogIndex;
  readonly admissions: readonly Admission[];
}

export class Admissions {
  /** What the snapshot says that the log begins behind. */
  #base: Map<NodeId, Incarnation | null>;
  /** What the log says, in its order. */
  #changes: Change[] = [];
  /** All of it together. */
  #current: Map<NodeId, Incarnation | null>;

  constructor(base: readonly Admission[]) {
    this.#base = new Map(base);
    this.#current = new Map(base);
  }

  /** Has anybody ever been admitted? If not, there is no cluster yet: it takes all voters to found one. */
  get isFounded(): boolean {
    return this.#current.size > 0;
  }

  /** Where the log last changes something; 0 if it does not. */
  get lastIndex(): number {
    return this.#changes.at(-1)?.index ?? 0;
  }

  /** The incarnation in which a voter counts; null: in none. */
  of(node: NodeId): Incarnation | null {
    return this.#current.get(node) ?? null;
  }

  /** All of it as of `index`, which is not before what has been dropped. */
  at(index: LogIndex): Admission[] {
    const all = new Map(this.#base);
    for (const change of this.#changes) if (change.index <= index) apply(all, change.admissions);
    return [...all];
  }

  /** An entry of this kind has been appended. */
  appended(index: LogIndex, payload: Uint8Array): void {
    const admissions = decodeAdmissions(payload);
    this.#changes.push({ index, admissions });
    apply(this.#current, admissions);
  }

  /** The log has been cut off behind `index`. */
  truncateAfter(index: LogIndex): void {
    if (this.lastIndex <= index) return;
    this.#changes = this.#changes.filter((change) => change.index <= index);
    this.#current = new Map(this.#base);
    for (const change of this.#changes) apply(this.#current, change.admissions);
  }

  /** The log no longer has entries up to `index`. */
  dropTo(index: LogIndex): void {
    this.#base = new Map(this.at(index));
    this.#changes = this.#changes.filter((change) => change.index > index);
  }

  /** A snapshot has taken the place of the log. */
  resetTo(base: readonly Admission[]): void {
    this.#base = new Map(base);
    this.#current = new Map(base);
    this.#changes = [];
  }
}

function apply(all: Map<NodeId, Incarnation | null>, admissions: readonly Admission[]): void {
  for (const [node, admitted] of admissions) all.set(node, admitted);
}

/** The content of the entry that makes these changes. */
export function admissionContent(admissions: readonly Admission[]): Content {
  const payload = new TextEncoder().encode(JSON.stringify(admissions));
  return { kind: EntryKind.admission, payload, crc: crc32(payload) };
}

/**
 * What an entry says.
 *
 * @throws ConclaveError `ERR_PROTOCOL` when it is no list of admissions.
 */
export function decodeAdmissions(payload: Uint8Array): Admission[] {
  let decoded: unknown;
  try {
    decoded = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    decoded = null;
  }
  if (!Array.isArray(decoded)) throw malformed();
  return decoded.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw malformed();
    const [node, admitted] = pair as unknown[];
    if (typeof node !== 'string' || (admitted !== null && typeof admitted !== 'string')) throw malformed();
    return [nodeId(node), admitted === null ? null : incarnation(admitted)];
  });
}

function malformed(): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', 'An entry that should admit members is malformed.');
}
