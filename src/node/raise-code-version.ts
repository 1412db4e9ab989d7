/**
 * Has a code version brought into force, on any node: asks consensus to have it begun by whoever leads, again and again
 * until it is known what has become of it, and watches the node until the version is in force there. On the thread that
 * started the node.
 */

import { ConclaveError } from '../errors.js';
import { ASK_AGAIN, comesAbout, pause, RETRY_MS, type NewsPort } from './asked-of-leader.js';

/** What this needs of its node. */
export interface CodeVersionPort extends NewsPort {
  /** The version that is in force on the node. */
  current(): number;
  /** Asks consensus to have the version begun, by the leader. */
  begin(version: number): Promise<void>;
}

/**
 * Asking again is safe: a version is only ever raised, and one that is begun already is not begun twice.
 *
 * @throws ConclaveError what the leader refuses it with, with `mayBeApplied` if an earlier question was not answered;
 *   `ERR_NO_LEADER`, `ERR_CHANGE_UNDER_WAY` or `ERR_TIMEOUT` when the time is over; why the node has ended, if it has.
 */
export async function raiseCodeVersion(port: CodeVersionPort, version: number, timeoutMs: number): Promise<void> {
  const { host } = port;
  const deadlineMs = host.nowMs() + timeoutMs;
  let mayHaveBegun = false;
  while (!isInForce(port, version, mayHaveBegun)) {
    const term = port.status()?.term ?? null;
    const refusal = await begin(port, version);
    if (refusal === null) {
      mayHaveBegun = true;
      const isDone = (): boolean => port.current() >= version;
      if (await comesAbout(port, { term, deadlineMs, isDone, tooLate: () => notInTime(version) })) return;
      continue;
    }
    if (!ASK_AGAIN.has(refusal.code)) throw mayHaveBegun ? inDoubt(refusal) : refusal;
    if (refusal.mayBeApplied) mayHaveBegun = true;
    if (host.nowMs() + RETRY_MS >= deadlineMs) throw mayHaveBegun ? notInTime(version) : refusal;
    await pause(port);
  }
}

/** A higher one is in its place only if this one may have been there before: otherwise that is to be refused. */
function isInForce(port: CodeVersionPort, version: number, mayHaveBegun: boolean): boolean {
  return mayHaveBegun ? port.current() >= version : port.current() === version;
}

/** Null: it has been begun. Rejects with what is no refusal. */
async function begin(port: CodeVersionPort, version: number): Promise<ConclaveError | null> {
  try {
    await port.begin(version);
    return null;
  } catch (error) {
    if (error instanceof ConclaveError) return error;
    throw error;
  }
}

/** An earlier question may still be on its way to somebody who leads by then. */
function inDoubt({ code, message, data, cause }: ConclaveError): ConclaveError {
  return new ConclaveError(code, message, { data, cause, mayBeApplied: true });
}

function notInTime(version: number): ConclaveError {
  return new ConclaveError(
    'ERR_TIMEOUT',
    `The code version ${version} is not in force yet; if it was begun, it will be.`,
    {
      data: { codeVersion: version },
    },
  );
}
