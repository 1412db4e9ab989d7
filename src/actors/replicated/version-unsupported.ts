/**
 * What becomes of a node whose code is too old for what the cluster has agreed on: it stops before it would do anything
 * else than the others. Nothing is lost: its log is as it was, and with newer code it goes on from there.
 */

import { ConclaveError, type ErrorData } from '../../errors.js';

/** A later version is in force than this node has code of. */
export function codeTooOld(version: number, max: number): ConclaveError {
  const what = `The objects' code is of version ${version} in this cluster, and this node has code up to version ${max} only`;
  return unsupported(what, { codeVersion: version, codeVersionMax: max });
}

/** The log holds a command that this node's code does not have at the version that is in force. */
export function unknownCommand(method: string, codeVersion: number, index: number): ConclaveError {
  const what = `The log holds the command ${method} at entry ${index}, and this node's code does not have it at version ${codeVersion}`;
  return unsupported(what, { method, codeVersion, index });
}

function unsupported(what: string, data: ErrorData): ConclaveError {
  return new ConclaveError(
    'ERR_VERSION_UNSUPPORTED',
    `${what}. It has stopped, and its log is as it was: start it again with the code that the others have.`,
    // So much is true of what this node was still waiting for.
    { data, mayBeApplied: true, retrySafe: false },
  );
}
