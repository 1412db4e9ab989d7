/**
 * For tests that throw noise at readers: the one error that noise may cause.
 */

import { isProtocolError } from '../../../../src/net/protocol-error.js';

/** What `read` answers; null when it finds a protocol error. Anything else that is thrown fails the test. */
export function unlessProtocolError<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (isProtocolError(error)) return null;
    throw error;
  }
}
