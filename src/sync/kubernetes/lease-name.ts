/**
 * What the Lease of a lock or election is called in Kubernetes, where names are narrow: something to be recognised by,
 * and a hash that tells names apart. Pure.
 */

import { createHash } from 'node:crypto';
import { checkName, invalid } from '../option-checks.js';

/** Together they stay a DNS label. */
const SLUG_LENGTH_MAX = 42;
const HASH_LENGTH = 20;

const KINDS = ['lock', 'semaphore', 'election'] as const;

/**
 * The name of the Lease that stands for a lock, a semaphore or an election in Kubernetes: for the `resourceNames` of a
 * Role, and for `kubectl get lease`. It never changes.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION`
 *
 * @example
 * console.log(leaseNameOf('lock', 'db-migrate')); // lock-db-migrate-4d55aa4887ffe81cd2f6
 */
export function leaseNameOf(kind: 'lock' | 'semaphore' | 'election', name: string): string {
  if (!KINDS.includes(kind)) throw invalid('kind', `must be one of ${KINDS.join(', ')}`);
  return leaseNameOfClaim(`${kind}/${checkName(name)}`);
}

/** The same of the name of a claim, which begins with its kind. */
export function leaseNameOfClaim(name: string): string {
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_LENGTH_MAX)
    .replace(/-+$/, '');
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH);
  return `${slug}-${hash}`;
}
