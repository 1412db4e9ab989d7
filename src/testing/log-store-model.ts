/**
 * What a log store must hold, as plainly as can be: the state of one group's log, what each request makes of it, and
 * what recovery must give of it. Pure functions, to compare stores with.
 */

import { assert } from '../assert.js';
import { crc32 } from '../checksum.js';
import { logIndex, term, type LastIncluded, type Term } from '../ids.js';
import { encodeEntryInto, entryBytes, EntryKind, EntryReader } from '../actors/raft/entry.js';
import type { HardState } from '../actors/raft/effects.js';
import type { RecoveredLog, StoreLog } from '../actors/log-store/log-store-messages.js';

/** What a request asks for. */
export type LogRequest = Pick<StoreLog, 'hardState' | 'reset' | 'append'>;

export interface LogState {
  readonly hardState: HardState | null;
  /** The entry before the first one. */
  readonly base: LastIncluded;
  /** Each in its binary form, from `base.index + 1` on. */
  readonly entries: readonly Uint8Array[];
}

export const EMPTY_LOG: LogState = {
  hardState: null,
  base: { index: logIndex(0), term: term(0), timestampMs: 0 },
  entries: [],
};

/** One entry that the test can tell from any other: `salt` makes entries with the same index and term differ. */
export function modelEntry(index: number, entryTerm: number, payloadBytes: number, salt = 0): Uint8Array {
  const payload = new Uint8Array(payloadBytes);
  for (let at = 0; at < payloadBytes; at++) payload[at] = (index * 31 + entryTerm * 7 + salt * 13 + at) & 0xff;
  const bytes = new Uint8Array(entryBytes(payloadBytes));
  encodeEntryInto(
    bytes,
    new DataView(bytes.buffer),
    0,
    { kind: EntryKind.block, payload, crc: crc32(payload) },
    term(entryTerm),
    logIndex(index),
    timestampOf(index),
  );
  return bytes;
}

/** A request that appends these entries, the first of which has this index. */
export function appendRequest(firstIndex: number, entries: readonly Uint8Array[]): LogRequest {
  const bytes = new Uint8Array(entries.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const entry of entries) {
    bytes.set(entry, offset);
    offset += entry.length;
  }
  const append = {
    firstIndex: logIndex(firstIndex),
    lastIndex: logIndex(firstIndex + entries.length - 1),
    entries: bytes.buffer,
  };
  return { hardState: null, reset: null, append };
}

/** The entry that a snapshot of `modelEntry`s ends with. */
export function modelSnapshot(index: number, entryTerm: number): LastIncluded {
  return { index: logIndex(index), term: term(entryTerm), timestampMs: timestampOf(index) };
}

/** What a request makes of a log. */
export function afterRequest(state: LogState, { hardState, reset, append }: LogRequest): LogState {
  let { base, entries } = state;
  if (reset !== null) [base, entries] = [reset, []];
  if (append !== null) {
    const kept = append.firstIndex - base.index - 1;
    assert(kept >= 0 && kept <= entries.length, 'a test appends to what the log holds');
    entries = [...entries.slice(0, kept), ...entriesOf([append.entries])];
  }
  return { hardState: hardState ?? state.hardState, base, entries };
}

/**
 * What counts of a log beside these snapshots, newest first: what is behind the oldest one that it is connected to, for
 * the newest may turn out to be damaged. Of a log that does not have the newest one's entry, nothing counts: that
 * snapshot was given to the node, to take the log's place. Recovery may find more, and must find this.
 */
export function behindSnapshots(state: LogState, snapshots: readonly LastIncluded[]): LogState {
  const { base, entries } = state;
  const [newest] = snapshots;
  if (newest === undefined) return state;
  if (!holds(state, newest)) return { ...state, base: newest, entries: [] };
  const oldest = snapshots.findLast(({ index }) => index >= base.index);
  if (oldest === undefined || oldest.index === base.index) return state;
  return { ...state, base: oldest, entries: entries.slice(oldest.index - base.index) };
}

/** Is this entry in the log, or before it? */
export function holds({ base, entries }: LogState, { index, term: expectedTerm }: LastIncluded): boolean {
  if (index <= base.index) return true;
  const entry = entries[index - base.index - 1];
  return entry !== undefined && termOf(entry) === expectedTerm;
}

/** The term of one entry in its binary form. */
export function termOf(entry: Uint8Array): Term {
  const reader = new EntryReader();
  reader.reset(entry);
  assert(reader.next(), 'an entry is whole');
  return reader.term;
}

/** What a recovery has given. Asserts that the entries are whole, undamaged and without gaps. */
export function recoveredState({ hardState, base, pieces }: RecoveredLog): LogState {
  const entries = entriesOf(pieces);
  const reader = new EntryReader();
  let expected: number = base.index;
  for (const entry of entries) {
    reader.reset(entry);
    assert(reader.next() && reader.damage === null, 'a recovered entry is undamaged');
    expected += 1;
    assert(reader.index === expected, 'recovered entries have no gaps');
  }
  return { hardState, base, entries };
}

/** A state as text: two states are equal when their texts are. */
export function describeState({ hardState, base, entries }: LogState): string {
  const vote = hardState === null ? 'none' : `${hardState.term}/${hardState.votedFor ?? '-'}`;
  const log = entries.map((entry, i) => `${base.index + 1 + i}#${crc32(entry).toString(16)}`).join(' ');
  return `hard state ${vote}; behind ${base.index}@${base.term},${base.timestampMs}: ${log}`;
}

function entriesOf(pieces: readonly ArrayBuffer[]): Uint8Array[] {
  const reader = new EntryReader();
  return pieces.flatMap((piece) => {
    const entries: Uint8Array[] = [];
    let start = 0;
    reader.reset(new Uint8Array(piece));
    while (reader.next()) {
      entries.push(new Uint8Array(piece, start, reader.payloadEnd - start));
      start = reader.payloadEnd;
    }
    return entries;
  });
}

function timestampOf(index: number): number {
  return 1_000 + index;
}
