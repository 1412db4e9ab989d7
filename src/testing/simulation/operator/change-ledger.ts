/**
 * What an operator has asked for and been told, and whether that is true: a change that is reported as made has been
 * committed, and lasts until somebody asks for another one; one that was refused has changed nothing; and every call
 * ends in time.
 */

import type { ErrorCode } from '../../../errors.js';
import type { NodeId } from '../../../ids.js';
import type { AdmittedMembers } from '../checkers/admitted-members.js';
import type { StatedConfiguration } from '../checkers/stated-configuration.js';
import type { Violations } from '../violations.js';
import { concerns, inWords, type AskedChange } from './asked-change.js';

/** What this needs to know of what is committed. */
export type CommittedMembers = Pick<AdmittedMembers, 'current' | 'committedIndex' | 'since'>;

/** What was said of somebody, and leaves no doubt. */
interface Promised {
  readonly isMember: boolean;
  /** What was committed when it was said. */
  readonly sinceIndex: number;
}

/** A call that has not ended. */
export interface OpenChange extends AskedChange {
  /** The time that was asked to pass for it: that of a node does not while it is frozen. */
  readonly clock: () => number;
  readonly sinceMs: number;
  /** What was committed when it was made. */
  readonly sinceIndex: number;
  /** Was somebody of its members a matter of another call meanwhile? */
  isContested: boolean;
}

/** After these, nothing has changed (docs/membership.md). */
const NOTHING_CHANGED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_ALREADY_MEMBER',
  'ERR_CHANGE_REFUSED',
  'ERR_CHANGE_UNDER_WAY',
  'ERR_NO_LEADER',
  'ERR_NO_SUCH_MEMBER',
]);
/** One whose clock runs too slowly takes longer. */
const SPARE_MS = 2_500;

export class ChangeLedger {
  readonly #admitted: CommittedMembers;
  readonly #violations: Violations;
  readonly #open = new Set<OpenChange>();
  readonly #promised = new Map<NodeId, Promised>();

  constructor(admitted: CommittedMembers, violations: Violations) {
    this.#admitted = admitted;
    this.#violations = violations;
  }

  /** By whoever has this clock. */
  asked(change: AskedChange, clock: () => number): OpenChange {
    const open = { ...change, clock, sinceMs: clock(), sinceIndex: this.#admitted.committedIndex, isContested: false };
    const ids = concerns(change);
    // From now on it may become otherwise, if it has not since an earlier call.
    for (const id of ids) if (!this.isOpenFor(id)) this.#judgeSince(id);
    for (const other of this.#open) {
      if (!concerns(other).some((id) => ids.includes(id))) continue;
      other.isContested = true;
      open.isContested = true;
    }
    this.#open.add(open);
    return open;
  }

  isOpenFor(id: NodeId): boolean {
    return [...this.#open].some((open) => concerns(open).includes(id));
  }

  made(open: OpenChange): void {
    this.#ended(open);
    const { add, remove, sinceIndex, isContested } = open;
    const isMadeBy = (each: StatedConfiguration): boolean =>
      !each.isJoint && (add === null || each.voters.includes(add)) && (remove === null || !each.isMember(remove));
    if (!this.#admitted.since(sinceIndex).some(isMadeBy)) {
      const last = this.#admitted.current?.words ?? 'nobody';
      this.#violations.report(
        'members',
        `to ${inWords(open)} was reported as done, and what is committed says ${last}`,
      );
    }
    if (isContested) return this.#forget(open);
    const { committedIndex } = this.#admitted;
    if (add !== null) this.#promised.set(add, { isMember: true, sinceIndex: committedIndex });
    if (remove !== null) this.#promised.set(remove, { isMember: false, sinceIndex: committedIndex });
  }

  failed(open: OpenChange, code: ErrorCode): void {
    this.#ended(open);
    if (open.isContested || !NOTHING_CHANGED.has(code)) this.#forget(open);
  }

  /** All is over. */
  judge(last: StatedConfiguration): void {
    for (const id of this.#promised.keys()) {
      this.#judge(id, last);
      this.#judgeSince(id);
    }
  }

  /** It has been so ever since it was said. */
  #judgeSince(id: NodeId): void {
    const promised = this.#promised.get(id);
    if (promised === undefined) return;
    for (const committed of this.#admitted.since(promised.sinceIndex)) this.#judge(id, committed);
  }

  #judge(id: NodeId, committed: StatedConfiguration): void {
    const { isMember } = this.#promised.get(id)!;
    if (committed.isMember(id) === isMember) return;
    const told = isMember ? 'added' : 'removed';
    const what = `${id} was ${told}, as was said, and nothing was asked since: ${committed.words}`;
    this.#violations.report('members', what);
  }

  #ended(open: OpenChange): void {
    this.#open.delete(open);
    const tookMs = open.clock() - open.sinceMs;
    if (tookMs <= open.timeoutMs + SPARE_MS) return;
    const what = `to ${inWords(open)} has ended after ${Math.round(tookMs)} ms, of ${open.timeoutMs}`;
    this.#violations.report('liveness', what);
  }

  #forget(open: OpenChange): void {
    for (const id of concerns(open)) this.#promised.delete(id);
  }
}
