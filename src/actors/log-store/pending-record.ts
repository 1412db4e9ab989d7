/**
 * What the writer is asked to write, as records whose place is not known yet. Pure; `wal-scan.ts` reads them back.
 */

import { groupId, type GroupId, type LastIncluded, type LogIndex } from '../../ids.js';
import type { HardState } from '../raft/effects.js';
import { RecordType, type RecordSubject } from './wal-record.js';

export interface PendingRecord extends Readonly<RecordSubject> {
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

export function hardStateRecord(group: GroupId, { term, votedFor }: HardState): PendingRecord {
  const payload = votedFor === null ? NOTHING : encoder.encode(votedFor);
  return { type: RecordType.hardState, group, firstIndex: 0, lastIndex: 0, term, payload };
}

export function entriesRecord(
  group: GroupId,
  firstIndex: LogIndex,
  lastIndex: LogIndex,
  payload: Uint8Array,
): PendingRecord {
  return { type: RecordType.entries, group, firstIndex, lastIndex, term: 0, payload };
}

export function resetRecord(group: GroupId, { index, term, timestampMs }: LastIncluded): PendingRecord {
  const payload = new Uint8Array(8);
  new DataView(payload.buffer).setFloat64(0, timestampMs, true);
  return { type: RecordType.reset, group, firstIndex: index, lastIndex: index, term, payload };
}

/** A record that speaks of its segment. */
export function segmentRecord(type: typeof RecordType.end | typeof RecordType.mark): PendingRecord {
  return { type, group: groupId(0), firstIndex: 0, lastIndex: 0, term: 0, payload: NOTHING };
}
