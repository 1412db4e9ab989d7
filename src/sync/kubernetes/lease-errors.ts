/** What users are told of what the API server says, or of what a Lease cannot be. Pure. */

import { ConclaveError } from '../../errors.js';
import { LeaseApiError } from './lease-api.js';

export function notSupported(name: string): ConclaveError {
  return new ConclaveError(
    'ERR_NOT_SUPPORTED',
    `${name} cannot be had: a Lease has one holder, so there are no shared locks, and no semaphores of more than one permit.`,
    { data: { name } },
  );
}

/** What the API server says, as users are told; any other error is left as it is. */
export function asConclaveError(error: unknown, lease: string | null): unknown {
  if (!(error instanceof LeaseApiError)) return error;
  const data = { lease, status: error.status };
  if (error.failure !== 'refused') {
    const mayBeApplied = error.failure === 'unanswered';
    const message = `The API server of Kubernetes cannot be reached, or does not answer as it should: ${error.message}`;
    return new ConclaveError('ERR_UNREACHABLE', message, { data, cause: error, mayBeApplied });
  }
  const isForbidden = error.status === 401 || error.status === 403;
  const hint = isForbidden
    ? ` Its Role needs two rules: create leases; get, update, watch them${lease === null ? '' : `, or at least ${lease}`}.`
    : '';
  const message = `The API server of Kubernetes refuses it: ${error.message}${hint}`;
  return new ConclaveError(isForbidden ? 'ERR_FORBIDDEN' : 'ERR_PROTOCOL', message, { data, cause: error });
}
