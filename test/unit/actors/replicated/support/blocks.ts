/** Blocks and log entries as the caller and consensus would make them, for tests of what takes them. */

import { encodeEntryInto, entryBytes, EntryKind } from '../../../../../src/actors/raft/entry.js';
import { BlockReader, type BlockHeader } from '../../../../../src/actors/replicated/block-reader.js';
import { BlockBuilder } from '../../../../../src/actors/replicated/block-builder.js';
import { BlockNames, MethodName } from '../../../../../src/actors/replicated/block-names.js';
import { sessionContent } from '../../../../../src/actors/replicated/session-entry.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';
import { crc32 } from '../../../../../src/checksum.js';
import { life as asLife, logIndex, sessionId, term, type Life } from '../../../../../src/ids.js';

const codec = new ValueCodec();

/** The life whose name consists of this digit. */
export const life = (digit: string): Life => asLife(digit.repeat(32));

/** `['object', 'method', ...arguments]`. */
export type Command = readonly [object: string, method: string, ...args: unknown[]];

/** A sealed block. `cancelled` are positions. */
export function blockOf(
  session: number,
  firstSeq: number,
  commands: readonly Command[],
  cancelled: readonly number[] = [],
): ArrayBuffer {
  const builder = new BlockBuilder(codec, 1_000_000, new BlockNames());
  const names = new Map<string, MethodName>();
  for (const [object, method, ...args] of commands) {
    const key = `${object}.${method}`;
    if (!names.has(key)) names.set(key, new MethodName(object, method));
    builder.add(names.get(key)!, args);
  }
  for (const position of cancelled) builder.cancel(position);
  return builder.seal(sessionId(session), firstSeq);
}

/** What a block says: its header, and its commands as `[number of the name, arguments]`. */
export function readBlock(block: ArrayBuffer): { header: BlockHeader; commands: (readonly [number, unknown])[] } {
  const header = new BlockReader().read(new DataView(block), 0, block.byteLength)!;
  const flat = codec.decodeRange(new Uint8Array(block), header.commandsOffset, block.byteLength) as unknown[];
  const commands = Array.from({ length: header.count }, (_, i) => [flat[2 * i] as number, flat[2 * i + 1]] as const);
  return { header, commands };
}

export interface EntryLike {
  readonly kind: EntryKind;
  readonly payload: ArrayBuffer;
  readonly timestampMs?: number;
}

export const session = (owner: Life): EntryLike => ({
  kind: EntryKind.session,
  payload: Uint8Array.from(sessionContent(owner).payload).buffer,
});
export const block = (payload: ArrayBuffer, timestampMs = 1): EntryLike => ({
  kind: EntryKind.block,
  payload,
  timestampMs,
});
export const noop: EntryLike = { kind: EntryKind.noop, payload: new ArrayBuffer(0) };

/** Entries in their binary form, the first one at `firstIndex`. */
export function entriesOf(firstIndex: number, entries: readonly EntryLike[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(entries.reduce((sum, { payload }) => sum + entryBytes(payload.byteLength), 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const [i, { kind, payload, timestampMs = 1 }] of entries.entries()) {
    const index = logIndex(firstIndex + i);
    const content = { kind, payload: new Uint8Array(payload), crc: crc32(new Uint8Array(payload)) };
    offset = encodeEntryInto(bytes, view, offset, content, term(1), index, timestampMs);
  }
  return bytes;
}
