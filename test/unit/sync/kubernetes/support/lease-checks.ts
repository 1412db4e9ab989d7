/**
 * What an API server checks of a Lease before it keeps it: how times are written, which fields may have which values.
 * Pure.
 */

import { badRequest, invalid, type FieldError } from './api-status.js';
import type { LeaseObject } from './lease-object.js';

/** Go's layout of a MicroTime: a time with another number of digits cannot be parsed. */
const LAYOUT = '2006-01-02T15:04:05.000000Z07:00';
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/;
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const QUALIFIED_NAME =
  /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/)?(?=.{1,63}$)[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const ANNOTATIONS_BYTES_MAX = 262_144;

/** The Lease of a request's body. */
export function decodeLease(body: string): LeaseObject {
  let lease: LeaseObject;
  try {
    lease = JSON.parse(body) as LeaseObject;
  } catch {
    throw badRequest(
      "the object provided is unrecognized (must be of type Lease): couldn't get version/kind; json parse error",
    );
  }
  const { kind = 'Lease', apiVersion = 'coordination.k8s.io/v1', spec = {} } = lease;
  if (kind !== 'Lease' || apiVersion !== 'coordination.k8s.io/v1') {
    throw badRequest(
      `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  }
  for (const time of [spec.acquireTime, spec.renewTime]) {
    if (time !== undefined && time !== null && !MICRO_TIME.test(time)) throw cannotBeHandled(badTime(time));
  }
  for (const field of ['leaseDurationSeconds', 'leaseTransitions'] as const) {
    const value: unknown = spec[field];
    if (value === undefined || value === null || (Number.isInteger(value) && Math.abs(value as number) < 2 ** 31))
      continue;
    throw cannotBeHandled(
      `json: cannot unmarshal ${typeof value} into Go struct field LeaseSpec.spec.${field} of type int32`,
    );
  }
  return { ...lease, kind, apiVersion, metadata: { ...lease.metadata }, spec };
}

/** @throws Refused */
export function checkLease({ metadata = {}, spec = {} }: LeaseObject): void {
  const { name = '', annotations = {} } = metadata;
  const errors: FieldError[] = [];
  if (!DNS_SUBDOMAIN.test(name)) {
    errors.push(
      wrong(
        'metadata.name',
        `"${name}"`,
        'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters',
      ),
    );
  }
  for (const key of Object.keys(annotations)) {
    if (!QUALIFIED_NAME.test(key))
      errors.push(wrong('metadata.annotations', `"${key}"`, 'name part must consist of alphanumeric characters'));
  }
  const bytes = Object.entries(annotations).reduce((sum, entry) => sum + Buffer.byteLength(entry.join('')), 0);
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    errors.push({
      reason: 'FieldValueInvalid',
      message: 'Too long: may not be more than 262144 bytes',
      field: 'metadata.annotations',
    });
  }
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
    errors.push(wrong('spec.leaseDurationSeconds', String(spec.leaseDurationSeconds), 'must be greater than 0'));
  }
  if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0) {
    errors.push(wrong('spec.leaseTransitions', String(spec.leaseTransitions), 'must be greater than or equal to 0'));
  }
  if ((spec.preferredHolder ?? '') !== '' && (spec.strategy ?? '') === '') {
    const message = 'Forbidden: may only be specified if `strategy` is defined';
    errors.push({ reason: 'FieldValueForbidden', message, field: 'spec.preferredHolder' });
  }
  if (errors.length > 0) throw invalid(name, errors);
}

function wrong(field: string, value: string, why: string): FieldError {
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${why}`, field };
}

function badTime(time: string): string {
  const rest = time.slice(19);
  return `parsing time "${time}" as "${LAYOUT}": cannot parse "${rest}" as ".000000"`;
}

function cannotBeHandled(why: string): Error {
  return badRequest(`Lease in version "v1" cannot be handled as a Lease: ${why}`);
}
