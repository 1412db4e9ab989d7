/** The Status bodies of a Kubernetes API server, word for word, for what can go wrong with Leases. */

export interface ApiStatus {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason: string;
  readonly details?: unknown;
  readonly code: number;
}

const RESOURCE = 'leases.coordination.k8s.io';
const DETAILS = { group: 'coordination.k8s.io', kind: 'leases' } as const;

/** A request that the API server refuses. */
export class Refused extends Error {
  readonly status: ApiStatus;

  constructor(code: number, reason: string, message: string, details?: unknown) {
    super(message);
    const found = details === undefined ? {} : { details };
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...found,
      code,
    };
  }
}

export function notFound(name: string): Refused {
  return new Refused(404, 'NotFound', `${RESOURCE} "${name}" not found`, { name, ...DETAILS });
}

export function alreadyExists(name: string): Refused {
  return new Refused(409, 'AlreadyExists', `${RESOURCE} "${name}" already exists`, { name, ...DETAILS });
}

export function conflict(name: string, why: string = OPTIMISTIC_LOCK): Refused {
  const message = `Operation cannot be fulfilled on ${RESOURCE} "${name}": ${why}`;
  return new Refused(409, 'Conflict', message, { name, ...DETAILS });
}

const OPTIMISTIC_LOCK = 'the object has been modified; please apply your changes to the latest version and try again';

export interface FieldError {
  readonly reason: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
  readonly message: string;
  readonly field: string;
}

export function invalid(name: string, errors: readonly FieldError[], kind = 'Lease'): Refused {
  const told = errors.map(({ field, message }) => `${field}: ${message}`);
  const list = told.length === 1 ? told[0] : `[${told.join(', ')}]`;
  return new Refused(422, 'Invalid', `${kind}.coordination.k8s.io "${name}" is invalid: ${list}`, {
    name,
    group: 'coordination.k8s.io',
    kind,
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

export function badRequest(message: string): Refused {
  return new Refused(400, 'BadRequest', message);
}

export function unauthorized(): Refused {
  return new Refused(401, 'Unauthorized', 'Unauthorized');
}

export function forbidden(user: string, verb: string, namespace: string, name: string | null): Refused {
  const message =
    `${RESOURCE}${name === null ? '' : ` "${name}"`} is forbidden: User "${user}" cannot ${verb} resource "leases" ` +
    `in API group "coordination.k8s.io" in the namespace "${namespace}"`;
  return new Refused(403, 'Forbidden', message, { ...(name === null ? {} : { name }), ...DETAILS });
}

export function expired(asked: number, oldest: number): Refused {
  return new Refused(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

export function methodNotAllowed(): Refused {
  return new Refused(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function internalError(message: string): Refused {
  return new Refused(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}
