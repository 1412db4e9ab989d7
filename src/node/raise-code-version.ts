/**
 * Has a code version brought into force, on any node: asks consensus to have it begun by whoever leads, again and again until
 * it is known what has become of it, and watches the node until the version is in force there. On the thread that started the
 * node.
 */

import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import { ConclaveError, type ErrorCode } from '../errors.js';
import type { NodeHost } from './node-host.js';

/** What this needs of its node. */
export interface CodeVersionPort {
  /** The version that is in force on the node. */
  current(): number;
  /** Asks consensus to have the version begun, by the leader. */
  begin(version: number): Promise<void>;
  status(): NodeStatus | null;
  /** Calls back at each news of status and version, and when the node has ended; returns what ends that. */
  watch(onNews: () => void, onEnded: (error: Error) => void): () => void;
  /** The time, and what is to be done later, as the node's host has it. */
  readonly host: Pick<NodeHost, 'nowMs' | 'after'>;
}

/** How long to wait before asking again. */
const RETRY_MS = 20;
/** Leadership is changing; there is no leader, or it has not answered. */
const ASK_AGAIN: ReadonlySet<ErrorCode> = new Set(['ERR_CHANGE_UNDER_WAY', 'ERR_NO_LEADER', 'ERR_TIMEOUT']);

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
    // As it was before anybody was asked: who has answered may lead no more by the time that it is heard of.
    const term = port.status()?.term ?? null;
    const refusal = await begin(port, version);
    if (refusal === null) {
      mayHaveBegun = true;
      if (await comesIntoForce(port, version, term, deadlineMs)) return;
      continue;
    }
    if (!ASK_AGAIN.has(refusal.code)) throw mayHaveBegun ? inDoubt(refusal) : refusal;
    if (refusal.mayBeApplied) mayHaveBegun = true;
    if (host.nowMs() + RETRY_MS >= deadlineMs) throw mayHaveBegun ? notInTime(version) : refusal;
    await new Promise<void>((resolve) => void host.after(RETRY_MS, resolve));
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

/** Resolves with false when `term` has ended: the next leader may know nothing of it, for what is not committed may be cut off. */
function comesIntoForce(
  port: CodeVersionPort,
  version: number,
  term: number | null,
  deadlineMs: number,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      cancel();
      unwatch();
      settle();
    };
    const look = (): void => {
      const status = port.status();
      if (port.current() >= version) end(() => resolve(true));
      else if (status !== null && status.term !== term && status.leader !== null) end(() => resolve(false));
    };
    const { host } = port;
    const cancel = host.after(Math.max(0, deadlineMs - host.nowMs()), () => end(() => reject(notInTime(version))));
    const unwatch = port.watch(look, (error) => end(() => reject(error)));
    look();
  });
}

/** An earlier question may still be on its way to somebody who leads by then. */
function inDoubt({ code, message, data }: ConclaveError): ConclaveError {
  return new ConclaveError(code, message, { data, mayBeApplied: true });
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
