/**
 * With which code the command ends, and why: what a script needs to know before it goes on. Pure.
 */

import type { ConclaveError } from '../errors.js';

export const ExitCode = {
  /** Done. */
  done: 0,
  /** The node was asked, and has refused; nothing has changed. */
  refused: 1,
  /** The command cannot be understood. */
  usage: 2,
  /** Nobody answers at the address. */
  unreachable: 3,
  /** Who answers is not who was meant: no node of Conclave, one of another version or another cluster. */
  stranger: 4,
  /** There was no answer in time: what was asked for may be done, now or later. */
  unknown: 5,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** How the command ends after this error. */
export function exitCodeOf(error: ConclaveError): ExitCode {
  if (error.mayBeApplied) return ExitCode.unknown;
  switch (error.code) {
    case 'ERR_UNREACHABLE':
      return ExitCode.unreachable;
    case 'ERR_PROTOCOL':
    case 'ERR_HELLO_REFUSED':
      return ExitCode.stranger;
    default:
      return ExitCode.refused;
  }
}
