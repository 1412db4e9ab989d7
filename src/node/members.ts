/**
 * The members of the cluster as its user sees and changes them, on any node. On the thread that started the node: it
 * asks consensus to have a change begun, and watches the node's status until that has come about.
 */

import { ConclaveError } from '../errors.js';
import { logIndex, nodeId, type LogIndex, type NodeId } from '../ids.js';
import { parseAddress } from '../net/address.js';
import type { ChangeRefusal } from '../actors/raft/effects.js';
import type { MembersChange } from '../actors/raft/messages.js';
import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import { ASK_AGAIN, comesAbout, pause, RETRY_MS, type NewsPort } from './asked-of-leader.js';
import { checkKnown, checkNumber } from './option-checks.js';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import type { MemberStatus } from './status.js';

export interface ChangeOptions {
  /** How long the call waits, in milliseconds; a change that has been begun goes on all the same. Default: 30,000. */
  readonly timeoutMs?: number;
}

/** What this needs of its node. */
export interface MembersPort extends NewsPort {
  /** Resolves with how much of the log this node knows, once that is all that was committed before the call. */
  catchUp(timeoutMs: number): Promise<LogIndex>;
  /** Asks consensus to have a change begun, by the leader. Resolves with where the log tells of it at the latest. */
  begin(change: MembersChange): Promise<LogIndex>;
  list(): readonly MemberStatus[];
}

/** Unless the call says otherwise. */
export const CHANGE_TIMEOUT_MS = 30_000;

export class Members {
  readonly #port: MembersPort;

  constructor(port: MembersPort) {
    this.#port = port;
  }

  /** All members that this node knows, by address. */
  list(): readonly MemberStatus[] {
    return this.#port.list();
  }

  /**
   * Adds a node, which was started with `join: true`. It is sent everything first, and votes once it has caught up:
   * then the promise resolves.
   *
   * @throws ConclaveError `ERR_ALREADY_MEMBER`, `ERR_CHANGE_REFUSED` when there are 15 members, `ERR_CHANGE_UNDER_WAY`,
   *   `ERR_NO_LEADER`, none of which has begun anything; `ERR_TIMEOUT` when it may have been begun and has not come
   *   about in time: then it goes on by itself, and `remove` takes it back; `ERR_INVALID_OPTION`, `ERR_STOPPED`.
   */
  async add(address: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change(checked(address), null, options);
  }

  /**
   * Removes a member, which may be down, or this very node. Resolves when the others go on without it.
   *
   * @throws ConclaveError `ERR_NO_SUCH_MEMBER`, `ERR_CHANGE_REFUSED` when it is the last one, or too few of the others
   *   are up; and as `add`.
   */
  async remove(address: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change(null, checked(address), options);
  }

  /**
   * Puts the node `address` in the place of the member `old` in one step, once it has caught up.
   *
   * @throws ConclaveError as `add` and `remove`.
   */
  async replace(old: string, address: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change(checked(address), checked(old), options);
  }

  /**
   * Asks again until it is known what has become of it, of whichever leader there is. That begins nothing twice, for
   * all of these questions are one: they name what was known when it was first wanted.
   */
  async #change(add: NodeId | null, remove: NodeId | null, options: ChangeOptions): Promise<void> {
    checkKnown(options, ['timeoutMs']);
    const timeoutMs = checkNumber('timeoutMs', options.timeoutMs ?? CHANGE_TIMEOUT_MS, 1, TIMEOUT_MS_MAX);
    const { host } = this.#port;
    const deadlineMs = host.nowMs() + timeoutMs;
    // All that there was when this was wanted, so that a leader with a shorter log can tell what has been done since.
    let knownIndex = await this.#catchUp(deadlineMs);
    let mayHaveBegun = false;
    for (;;) {
      const term = this.#port.status()?.term ?? null;
      const begun = await this.#begin(add, remove, knownIndex);
      if (!(begun instanceof ConclaveError)) {
        mayHaveBegun = true;
        const isDone = (): boolean => hasComeAbout(this.#port.status(), add, remove, begun);
        const tooLate = (): ConclaveError => this.#notInTime(add, remove);
        if (await comesAbout(this.#port, { term, deadlineMs, isDone, tooLate })) return;
        continue;
      }
      if (begun.mayBeApplied) mayHaveBegun = true;
      // Where the leader does not know any more what was begun, and only there, who the members are tells: whoever is
      // to be removed may also be none for still being let in.
      const sinceIndex = mayHaveBegun ? outdatedSince(begun) : null;
      if (sinceIndex !== null && (await this.#isDone(add, remove, sinceIndex, deadlineMs))) return;
      if (host.nowMs() + RETRY_MS >= deadlineMs) throw mayHaveBegun ? this.#notInTime(add, remove) : begun;
      await pause(this.#port);
      if (!mayHaveBegun) knownIndex = await this.#catchUp(deadlineMs);
    }
  }

  /** The objects may end meanwhile, and are brought back. */
  async #catchUp(deadlineMs: number): Promise<LogIndex> {
    const { host } = this.#port;
    for (;;) {
      try {
        return await this.#port.catchUp(Math.max(1, deadlineMs - host.nowMs()));
      } catch (error) {
        if (error instanceof ConclaveError && error.code === 'ERR_NO_LEADER') throw noLeader(error);
        const isBackSoon = error instanceof ConclaveError && error.code === 'ERR_OBJECT_FAILED' && error.retrySafe;
        if (!isBackSoon) throw error;
        if (host.nowMs() + RETRY_MS >= deadlineMs) throw notCaughtUp(error);
      }
      await pause(this.#port);
    }
  }

  /**
   * Where it stands at the latest, or why it is not known to have been begun; throws what asking again would not
   * change.
   */
  async #begin(add: NodeId | null, remove: NodeId | null, knownIndex: LogIndex): Promise<LogIndex | ConclaveError> {
    try {
      return await this.#port.begin({ add, remove, knownIndex });
    } catch (error) {
      if (error instanceof ConclaveError && ASK_AGAIN.has(error.code)) return error;
      throw error;
    }
  }

  /**
   * Has it come about by now, wherever it stands? So this node must know all that is committed, and what the leader's
   * log said of the members, up to `sinceIndex`, must be. False: it is not known.
   */
  async #isDone(add: NodeId | null, remove: NodeId | null, sinceIndex: LogIndex, deadlineMs: number): Promise<boolean> {
    try {
      const index = await this.#catchUp(deadlineMs);
      return hasComeAbout(this.#port.status(), add, remove, logIndex(Math.max(index, sinceIndex)));
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      if (ASK_AGAIN.has(error.code)) return false;
      // To catch up applies nothing, and says so; the change is another matter.
      const { code, message, data, cause } = error;
      throw new ConclaveError(code, message, { data, cause, mayBeApplied: true, retrySafe: false });
    }
  }

  #notInTime(add: NodeId | null, remove: NodeId | null): ConclaveError {
    const isAway = this.list().some(({ id, connected }) => id === add && !connected);
    const hint = isAway ? ', and is not connected to this node: was it started, with join: true?' : '.';
    const what = add === null ? `${remove} is not removed yet.` : `${add} has not caught up yet${hint}`;
    const takenBack = add === null ? '' : '; remove takes it back';
    const message = `${what} If the change was begun, it goes on by itself${takenBack}.`;
    return new ConclaveError('ERR_TIMEOUT', message, { data: { add, remove } });
  }
}

/**
 * The leader's log does not reach back any more to what was known when this was first wanted: up to where it tells of
 * the members. Null: that is not what it says.
 */
function outdatedSince({ data }: ConclaveError): LogIndex | null {
  const { reason, index } = data as { readonly reason?: ChangeRefusal; readonly index?: LogIndex };
  return reason === 'outdated' ? index! : null;
}

/**
 * Is it so on a node that knows the log up to `index`? One that knows less may never have heard of who is to be
 * removed.
 */
function hasComeAbout(status: NodeStatus | null, add: NodeId | null, remove: NodeId | null, index: LogIndex): boolean {
  if (status === null || status.isChanging || status.commitIndex < index) return false;
  const isIn = add === null || status.members.some(({ id, role }) => id === add && role === 'voter');
  return isIn && !status.members.some(({ id }) => id === remove);
}

function checked(address: string): NodeId {
  parseAddress(address, 'address');
  return nodeId(address);
}

function notCaughtUp(cause: ConclaveError): ConclaveError {
  return new ConclaveError('ERR_TIMEOUT', 'This node could not catch up in time, for its objects have ended.', {
    mayBeApplied: false,
    retrySafe: true,
    cause,
  });
}

function noLeader({ data, cause }: ConclaveError): ConclaveError {
  const message =
    'There was no leader that reaches a quorum to change the members for as long as the call could wait. Nothing was begun.';
  return new ConclaveError('ERR_NO_LEADER', message, { data, cause });
}
