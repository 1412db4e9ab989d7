/** Cuts a piece of the log into smaller ones, so that applying it can be interrupted. Pure; copies nothing. */

import { EntryReader } from '../raft/entry.js';

/** The entries as pieces of whole entries, in order, each as large as `bytes` or by less than one entry larger. */
export function* cutEntries(entries: Uint8Array, bytes: number): Generator<Uint8Array, void> {
  const reader = new EntryReader();
  reader.reset(entries);
  let start = 0;
  while (reader.next()) {
    if (reader.payloadEnd - start < bytes) continue;
    yield entries.subarray(start, reader.payloadEnd);
    start = reader.payloadEnd;
  }
  if (start < entries.length) yield entries.subarray(start);
}
