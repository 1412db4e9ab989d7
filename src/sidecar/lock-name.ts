/**
 * The name of a lock, as it stands in the path of a request: any bytes, percent-encoded or not. Pure.
 */

import { createHash } from 'node:crypto';
import { ConclaveError } from '../errors.js';
import { NAME_BYTES_MAX } from '../sync/option-checks.js';

export interface LockName {
  /** As it is shown: the text, or the path's own spelling where the bytes are no UTF-8. */
  readonly shown: string;
  /** As the back end knows it: locks of conclave/sync have the same names. */
  readonly claimed: string;
}

/** Stands for itself, byte for byte. */
const PLAIN = /^[\x21-\x24\x26-\x7E]*$/;
const ESCAPED = /^%[0-9a-f]{2}/i;
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * @param path the rest of the path, as Node's parser gives it: a character for each byte
 * @throws ConclaveError `ERR_INVALID_OPTION` when it is too long.
 */
export function lockNameInPath(path: string): LockName {
  if (PLAIN.test(path)) return lockNameOf(path);
  const bytes = bytesOf(path);
  let text: string;
  try {
    text = STRICT.decode(bytes);
  } catch {
    checkLength(bytes.length);
    // Kept apart from all text, and short enough whatever it is.
    return { shown: path, claimed: `bytes/${createHash('sha256').update(bytes).digest('hex')}` };
  }
  return lockNameOf(text);
}

/** @throws ConclaveError `ERR_INVALID_OPTION` when it is too long, or no text: JSON may have half a surrogate pair. */
export function lockNameOf(text: string): LockName {
  const bytes = Buffer.from(text);
  checkLength(bytes.length);
  if (bytes.toString() !== text) throw invalidName('The name of a lock has half a surrogate pair.');
  return { shown: text, claimed: `lock/${text}` };
}

function bytesOf(path: string): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < path.length; i++) {
    const isEscaped = path[i] === '%' && ESCAPED.test(path.slice(i, i + 3));
    bytes.push(isEscaped ? Number.parseInt(path.slice(i + 1, i + 3), 16) : path.charCodeAt(i));
    if (isEscaped) i += 2;
  }
  return Buffer.from(bytes);
}

function checkLength(bytes: number): void {
  if (bytes <= NAME_BYTES_MAX) return;
  throw invalidName(`The name of a lock has up to ${NAME_BYTES_MAX} bytes, not ${bytes}.`);
}

function invalidName(message: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', message, { data: { option: 'name' } });
}
