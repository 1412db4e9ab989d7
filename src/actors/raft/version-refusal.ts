/**
 * The form in which the leader's refusal of a code version goes to the node that has asked: JSON, for it is small, rare
 * and read by people. Trusts nothing that it decodes. Part of the core.
 */

import { ConclaveError } from '../../errors.js';
import { nodeId, type NodeId } from '../../ids.js';
import type { VersionRefusal } from './effects.js';

/** More than there are members and connected nodes. */
const LACKING_MAX = 1_000;

/** Null, no refusal, is no bytes. */
export function encodeVersionRefusal(refusal: VersionRefusal | null): Uint8Array {
  return refusal === null ? NONE : new TextEncoder().encode(JSON.stringify(refusal));
}

/** @throws ConclaveError `ERR_PROTOCOL` when it is no refusal. */
export function decodeVersionRefusal(bytes: Uint8Array): VersionRefusal | null {
  if (bytes.length === 0) return null;
  const decoded = parse(bytes);
  switch (decoded?.['reason']) {
    case 'no leader':
      return { reason: 'no leader' };
    case 'under way':
      return { reason: 'under way' };
    case 'lower':
      return { reason: 'lower', current: version(decoded['current']) };
    case 'unsupported':
      return { reason: 'unsupported', lacking: lackingOf(decoded['lacking']) };
    default:
      throw malformed();
  }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Readonly<
      Record<string, unknown>
    > | null;
  } catch {
    throw malformed();
  }
}

function lackingOf(value: unknown): (readonly [NodeId, number | null])[] {
  if (!Array.isArray(value) || value.length > LACKING_MAX) throw malformed();
  return value.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw malformed();
    const [id, max] = pair as unknown[];
    if (typeof id !== 'string') throw malformed();
    return [nodeId(id), max === null ? null : version(max)];
  });
}

function version(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed();
  return value as number;
}

function malformed(): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', 'An answer that should say why a code version is refused is malformed.');
}

const NONE = new Uint8Array(0);
