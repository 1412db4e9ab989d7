/**
 * The one error that bytes from the network can cause. Whoever reads it closes the connection that the bytes came from.
 */

import { ConclaveError, type ErrorData } from '../errors.js';

/** Makes an `ERR_PROTOCOL`. `data` says what was found and what would have been right; never any payload. */
export function protocolError(message: string, data: ErrorData, cause?: unknown): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', message, cause === undefined ? { data } : { data, cause });
}

/** Is this an `ERR_PROTOCOL`, as opposed to a defect of ours that must not be swallowed? */
export function isProtocolError(thrown: unknown): thrown is ConclaveError {
  return thrown instanceof ConclaveError && thrown.code === 'ERR_PROTOCOL';
}
