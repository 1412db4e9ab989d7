/**
 * What is written into a Lease, and read from it: taken, renewed, proclaimed, freed. Pure. Times in it are for people
 * only; nobody here compares them with a clock.
 */

import { ConclaveError } from '../../errors.js';
import type { Holder } from '../backend.js';
import type { Lease, LeaseSpec } from './lease-api.js';

/** What those see who look. */
const VALUE = 'conclave/value';
/** The token of who holds, from its first renewal on; before, it is the version itself. */
const TOKEN = 'conclave/token';
/** Who holds it, where that is somebody whose process may begin anew. */
const OWNER = 'conclave/owner';
/** What the name was before it was made to fit. */
const NAME = 'conclave/name';
/** Whom the others are about: another program that takes a Lease leaves annotations as they are. */
const HOLDER = 'conclave/holder';

/** How long a proclaimed value may be, as JSON. */
const VALUE_BYTES_MAX = 65_536;

export interface Taking {
  /** Who takes it: nobody else, and at no other time. */
  readonly holder: string;
  readonly claimName: string;
  readonly leaseName: string;
  /** Whose process may begin anew; undefined: nobody's. */
  readonly owner: string | undefined;
  readonly durationSeconds: number;
  /** As {@link encodeValue} made it. */
  readonly value: string;
  readonly wallMs: number;
}

/** The Lease as somebody's, who was not it before. Null: there is none yet. */
export function taken(lease: Lease | null, by: Taking): Lease {
  const time = laterMicroTime(by.wallMs, lease);
  const { [TOKEN]: _, [OWNER]: __, ...annotations } = lease?.metadata.annotations ?? {};
  const owner = by.owner === undefined ? {} : { [OWNER]: by.owner };
  // It was asked for, and is given: by whoever takes it.
  const { preferredHolder: ___, ...spec } = lease?.spec ?? {};
  return {
    metadata: {
      ...lease?.metadata,
      name: by.leaseName,
      annotations: { ...annotations, [NAME]: by.claimName, [HOLDER]: by.holder, [VALUE]: by.value, ...owner },
    },
    spec: {
      ...spec,
      holderIdentity: by.holder,
      leaseDurationSeconds: by.durationSeconds,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: ((lease?.spec.leaseTransitions ?? -1) + 1) % 2 ** 31,
    },
  };
}

export function renewed(lease: Lease, token: bigint, wallMs: number): Lease {
  const holder = holderIn(lease);
  const whose = holder === null ? {} : { [HOLDER]: holder };
  const annotations = { ...lease.metadata.annotations, ...whose, [TOKEN]: String(token) };
  return withSpec(
    { ...lease, metadata: { ...lease.metadata, annotations } },
    { renewTime: laterMicroTime(wallMs, lease) },
  );
}

export function proclaimed(lease: Lease, token: bigint, value: string, wallMs: number): Lease {
  const next = renewed(lease, token, wallMs);
  const annotations = { ...next.metadata.annotations, [VALUE]: value };
  return { ...next, metadata: { ...next.metadata, annotations } };
}

/** Nobody's. Null: there is none yet, and it is made so that nobody else makes it. */
export function freed(lease: Lease | null, leaseName: string, wallMs: number): Lease {
  const time = laterMicroTime(wallMs, lease);
  const kept = lease?.metadata.annotations ?? {};
  const { [VALUE]: _, [TOKEN]: __, [OWNER]: ___, [HOLDER]: ____, ...annotations } = kept;
  return withSpec(
    { metadata: { ...lease?.metadata, name: leaseName, annotations }, spec: lease?.spec ?? {} },
    // 0 is not a duration.
    { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: time, renewTime: time },
  );
}

/** Who holds it, whether or not it has expired. */
export function holderIn(lease: Lease | null): string | null {
  const holder = lease?.spec.holderIdentity ?? '';
  return holder === '' ? null : holder;
}

/** Who holds it, where its process may begin anew; otherwise the holder itself. */
export function ownerIn(lease: Lease | null): string | null {
  const holder = holderIn(lease);
  return holder === null ? null : (saidOf(lease)[OWNER] ?? holder);
}

/** Is it held, and not by another program? */
export function isOfConclave(lease: Lease | null): boolean {
  return holderIn(lease) === lease?.metadata.annotations?.[HOLDER];
}

/** What its annotations say of who holds it. */
function saidOf(lease: Lease | null): Readonly<Record<string, string>> {
  return isOfConclave(lease) ? (lease?.metadata.annotations ?? {}) : {};
}

/** Who holds it, as those see it who look. */
export function holderToShow(lease: Lease): Holder {
  const annotations = saidOf(lease);
  const token = annotations[TOKEN] ?? '';
  const id = lease.spec.holderIdentity ?? '';
  return {
    token: /^\d{1,20}$/.test(token) ? BigInt(token) : versionOf(lease),
    value: decodeValue(annotations[VALUE], id),
  };
}

/**
 * The version of a Lease. They grow over all that is kept in a cluster, so a Lease that was deleted and made again goes
 * on.
 *
 * @throws ConclaveError `ERR_PROTOCOL` when it is no number: there would be no fencing tokens
 */
export function versionOf({ metadata }: Lease): bigint {
  return versionNumber(metadata.resourceVersion);
}

export function versionNumber(version: string | undefined): bigint {
  if (version !== undefined && /^\d{1,20}$/.test(version)) return BigInt(version);
  throw new ConclaveError('ERR_PROTOCOL', `The API server names a version that is no number: ${String(version)}.`);
}

/** @throws ConclaveError `ERR_NOT_ENCODABLE` */
export function encodeValue(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new ConclaveError('ERR_NOT_ENCODABLE', 'What is proclaimed in a Lease must be JSON.', { cause: error });
  }
  if (text === undefined || Buffer.byteLength(text) > VALUE_BYTES_MAX) {
    throw new ConclaveError(
      'ERR_NOT_ENCODABLE',
      `What is proclaimed in a Lease must be JSON of up to ${VALUE_BYTES_MAX} bytes.`,
    );
  }
  return text;
}

/** What another program has taken has no value of ours. */
function decodeValue(text: string | undefined, id: string): unknown {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return value;
  } catch {
    return { id, value: null };
  }
}

function withSpec(lease: Lease, spec: LeaseSpec): Lease {
  return { ...lease, spec: { ...lease.spec, ...spec } };
}

/**
 * Now, as a MicroTime, and never what the Lease says already: a write that changes nothing is no write, and would have
 * no version of its own.
 */
function laterMicroTime(wallMs: number, lease: Lease | null): string {
  const time = microTime(wallMs, 0);
  return time === lease?.spec.renewTime ? microTime(wallMs, 1) : time;
}

function microTime(wallMs: number, micros: number): string {
  return new Date(wallMs).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
