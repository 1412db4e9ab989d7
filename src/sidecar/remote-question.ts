/** What a client of `sidecar(url)` asks, checked: whoever reaches the port may have sent it. Pure. */

import { NAME_BYTES_MAX, PERMITS_MAX } from '../actors/coordination/coordination.js';
import { ConclaveError } from '../errors.js';
import type { ClaimTerms } from '../sync/backend.js';
import { checkTtl } from '../sync/option-checks.js';
import type { Command, Question } from '../sync/sidecar/messages.js';

type Fields = Readonly<Record<string, unknown>>;

/** @throws ConclaveError `ERR_PROTOCOL` when it is none; `ERR_INVALID_OPTION` when a TTL is out of range. */
export function questionOf(message: unknown): Question {
  const { id, command } = fieldsOf(message);
  return { id: whole(id), command: commandOf(fieldsOf(command)) };
}

function commandOf({ type, session, request, observation, ttlMs, terms, value, name }: Fields): Command {
  switch (type) {
    case 'openSession':
      return { type, session: whole(session), ttlMs: checkTtl(whole(ttlMs)) };
    case 'renew':
    case 'closeSession':
      return { type, session: whole(session) };
    case 'claim':
      return { type, session: whole(session), request: whole(request), terms: termsOf(fieldsOf(terms)) };
    case 'giveUp':
      return { type, session: whole(session), request: whole(request) };
    case 'proclaim':
      return { type, session: whole(session), request: whole(request), value };
    case 'observe':
      return { type, observation: whole(observation), name: text(name) };
    case 'unobserve':
      return { type, observation: whole(observation) };
    default:
      throw malformed();
  }
}

function termsOf({ name, of, permits, isWaiting, value, owner }: Fields): ClaimTerms {
  if (typeof isWaiting !== 'boolean') throw malformed();
  const all = whole(of, 1, PERMITS_MAX);
  const common = { name: text(name), of: all, permits: whole(permits, 1, all), isWaiting, value };
  return owner === undefined ? common : { ...common, owner: text(owner) };
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw malformed();
  return value as Fields;
}

function whole(value: unknown, min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw malformed();
}

function text(value: unknown): string {
  if (typeof value === 'string' && Buffer.byteLength(value) <= NAME_BYTES_MAX) return value;
  throw malformed();
}

function malformed(): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', 'This is no command of a client.');
}
