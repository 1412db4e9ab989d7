/** What entries are made from in tests. */

import type { Content, EntryKind } from '../../../../src/actors/raft/entry.js';
import { crc32 } from '../../../../src/checksum.js';

export function contentOf(kind: EntryKind, payload: Uint8Array): Content {
  return { kind, payload, crc: crc32(payload) };
}
