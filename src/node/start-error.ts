/**
 * What a start that fails rejects with. On the thread that started the node.
 */

import { ConclaveError } from '../errors.js';

/** A start has called nothing, so that nothing can have been applied, whatever the code of its error says of calls. */
export function asStartError(error: unknown): unknown {
  if (!(error instanceof ConclaveError) || !error.mayBeApplied) return error;
  const { code, message, data, cause, retrySafe } = error;
  return new ConclaveError(code, message, { data, cause, retrySafe, mayBeApplied: false });
}
