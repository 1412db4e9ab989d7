/**
 * The form in which a configuration stands in the log, in snapshots and on the wire: all of it, every time, so that the
 * newest one says everything and none before it is needed. JSON, for it is small, rare and read by people.
 */

import { crc32 } from '../../checksum.js';
import { ConclaveError } from '../../errors.js';
import { incarnation, nodeId, type Incarnation, type NodeId } from '../../ids.js';
import { configurationOf, type Configuration, type Learner, type QuorumRule, type VoterSet } from './configuration.js';
import { EntryKind, type Content } from './entry.js';
import { VOTERS_MAX } from './quorum.js';

export function encodeConfiguration({ voters, rule, old, learners, admitted }: Configuration): Uint8Array {
  const parts = {
    voters,
    rule,
    ...(old === null ? {} : { old: { voters: old.voters, rule: old.rule } }),
    learners: learners.map(({ id, replaces }) => [id, replaces]),
    admitted: [...admitted].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  };
  return new TextEncoder().encode(JSON.stringify(parts));
}

/** The content of the entry that brings this configuration into effect. */
export function configurationContent(configuration: Configuration): Content {
  const payload = encodeConfiguration(configuration);
  return { kind: EntryKind.configuration, payload, crc: crc32(payload) };
}

/**
 * What such an entry says.
 *
 * @throws ConclaveError `ERR_PROTOCOL` when it is no configuration, or one of a rule that this version does not know.
 */
export function decodeConfiguration(payload: Uint8Array): Configuration {
  const decoded = parse(payload);
  if (!isRecord(decoded)) throw malformed();
  const { voters, rule } = readVoterSet(decoded);
  const old = decoded['old'] === undefined ? null : readVoterSet(decoded['old']);
  const learners = readPairs(decoded['learners']).map(([id, replaces]): Learner => {
    return { id: nodeId(id), replaces: replaces === null ? null : nodeId(replaces) };
  });
  const admitted = readPairs(decoded['admitted']).map(([id, life]): [NodeId, Incarnation] => {
    if (life === null) throw malformed();
    return [nodeId(id), incarnation(life)];
  });
  const configuration = configurationOf({ voters, rule, old, learners, admitted: new Map(admitted) });
  const ids = [...configuration.electors, ...learners.map(({ id }) => id)];
  const isSound =
    areDistinct(voters) &&
    (old === null || areDistinct(old.voters)) &&
    areDistinct(ids) &&
    areDistinct(admitted.map(([id]) => id)) &&
    admitted.every(([id]) => configuration.electors.includes(id)) &&
    learners.every(({ replaces }) => replaces === null || configuration.electors.includes(replaces));
  if (!isSound) throw malformed();
  return configuration;
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return null;
  }
}

function readVoterSet(value: unknown): VoterSet {
  if (!isRecord(value)) throw malformed();
  const { voters, rule } = value;
  const isList = Array.isArray(voters) && voters.length > 0 && voters.length <= VOTERS_MAX;
  if (!isList || !voters.every((id) => typeof id === 'string')) throw malformed();
  if (rule !== 'majority') throw malformed();
  return { voters: voters.map((id) => nodeId(id)), rule: rule satisfies QuorumRule };
}

function readPairs(value: unknown): [string, string | null][] {
  if (!Array.isArray(value) || value.length > 2 * VOTERS_MAX) throw malformed();
  return value.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw malformed();
    const [first, second] = pair as unknown[];
    if (typeof first !== 'string' || (second !== null && typeof second !== 'string')) throw malformed();
    return [first, second];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areDistinct(ids: readonly NodeId[]): boolean {
  return new Set(ids).size === ids.length;
}

function malformed(): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', 'An entry that should say who the members are is malformed.');
}
