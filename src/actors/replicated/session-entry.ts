/**
 * The entry that opens a session: its payload is the life of the node whose session it is, in binary form. Pure; made
 * on the thread of consensus, read on that of the objects.
 */

import { crc32 } from '../../checksum.js';
import type { Life } from '../../ids.js';
import { EntryKind, type Content } from '../raft/entry.js';

const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0');

/** The life that the payload of a session entry names. */
export function readLife(payload: Uint8Array): string {
  return Array.from(payload, hexOf).join('');
}

/** The entry that opens a session for this life of a node. */
export function sessionContent(life: Life): Content {
  const payload = new Uint8Array(life.length / 2);
  for (let i = 0; i < payload.length; i++) payload[i] = Number.parseInt(life.slice(2 * i, 2 * i + 2), 16);
  return { kind: EntryKind.session, payload, crc: crc32(payload) };
}
