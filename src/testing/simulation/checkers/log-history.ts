/**
 * Every entry that any node has ever had, and every entry that was ever committed: what no node remembers. Also checks
 * what is to be checked of that: log matching (one index and term name one entry, with one before it), timestamps that
 * never run backwards along a log, and state-machine safety of commitment (nobody commits another entry at an index).
 * Looks at each entry of each log once.
 */

import type { RaftMessage } from '../../../actors/raft/messages.js';
import type { Core } from '../../../actors/raft/state.js';
import { crc32 } from '../../../checksum.js';
import { logIndex } from '../../../ids.js';
import type { Checker, ObservedNode } from './checker.js';
import { LogConfigurations } from './log-configurations.js';
import type { StatedConfiguration } from './stated-configuration.js';

interface SeenEntry {
  readonly fingerprint: number;
  readonly prevTerm: number;
}

export interface CommittedEntry {
  readonly term: number;
  /** The term of the leader that committed it, which may be later than the entry's own. */
  readonly committedIn: number;
  readonly fingerprint: number;
}

/** What of a node's log has been looked at. */
interface Looked {
  readonly core: Core;
  /** The terms of the log, by index. */
  readonly terms: number[];
  commitIndex: number;
}

/**
 * Told of each entry that is committed for the first time; `lastIndexBefore` is where the node's log ended before this
 * step.
 */
export type OnCommitted = (
  node: ObservedNode,
  core: Core,
  entry: { readonly index: number; readonly term: number; readonly lastIndexBefore: number },
) => void;

const INDEX_MAX = 1e7;

export class LogHistory implements Checker {
  readonly #report: (promise: string, what: string) => void;
  readonly #entries = new Map<number, SeenEntry>();
  /** By index, from 1. */
  readonly #committed: (CommittedEntry | undefined)[] = [undefined];
  readonly #looked = new Map<ObservedNode, Looked>();
  readonly configurations: LogConfigurations;
  readonly #onCommitted: OnCommitted[] = [];

  constructor(report: (promise: string, what: string) => void, founded: StatedConfiguration | null) {
    this.#report = report;
    this.configurations = new LogConfigurations(founded, (index) => this.#committed[index]?.term ?? null);
  }

  whenCommitted(tell: OnCommitted): void {
    this.#onCommitted.push(tell);
  }

  /** The last entry that any node has seen committed. */
  get committedIndex(): number {
    return this.#committed.length - 1;
  }

  committed(index: number): CommittedEntry | undefined {
    return this.#committed[index];
  }

  restarted(node: ObservedNode): void {
    this.#looked.delete(node);
  }

  stepped(node: ObservedNode, core: Core, message: RaftMessage): void {
    let looked = this.#looked.get(node);
    if (looked?.core !== core) {
      looked = { core, terms: [], commitIndex: 0 };
      this.#looked.set(node, looked);
    }
    const { log, commitIndex } = core;
    const lastIndexBefore = looked.terms.length - 1;
    const isSame = looked.terms.length === log.lastIndex + 1 && looked.terms[log.lastIndex] === log.lastTerm;
    // A snapshot may end before what it takes the place of.
    if (!isSame && message.type !== 'snapshotInstalled') this.#checkCut(node, core, looked);
    if (!isSame) this.#lookAtLog(node, core, looked);
    if (commitIndex > looked.commitIndex) this.#lookAtCommit(node, core, looked, lastIndexBefore);
  }

  /** A follower's log gets shorter only where another entry has taken the place of one (Raft figure 2). */
  #checkCut({ id }: ObservedNode, { log, role }: Core, { terms }: Looked): void {
    const { lastIndex, lastTerm } = log;
    if (role.name === 'leader' || lastIndex >= terms.length - 1 || terms[lastIndex] !== lastTerm) return;
    this.#report('log matching', `${id} has cut off what is behind ${lastIndex}, and nothing contradicts that`);
  }

  #lookAtLog({ id }: ObservedNode, core: Core, { terms }: Looked): void {
    const { log } = core;
    let index: number = log.lastIndex;
    // What has not changed since the last look has been looked at.
    while (index >= log.firstIndex && terms[index] !== log.termAt(logIndex(index))) index--;
    const from = index + 1;
    terms.length = Math.min(terms.length, log.lastIndex + 1);
    for (let at = terms.length; at <= log.lastIndex; at++) terms.push(0);
    if (log.firstIndex > log.lastIndex) terms[log.lastIndex] = log.lastTerm;
    for (let at = from; at <= log.lastIndex; at++) {
      const position = logIndex(at);
      const term = log.termAt(position)!;
      terms[at] = term;
      if (log.timestampAt(position) < log.timestampAt(logIndex(at - 1))) {
        this.#report(
          'timestamps',
          `${id} has entry ${at} of term ${term} stamped with an earlier time than the one before`,
        );
      }
      const fingerprint = crc32(log.slice(position, position, 0).bytes);
      const prevTerm = log.termAt(logIndex(at - 1)) ?? 0;
      const key = keyOf(at, term);
      const seen = this.#entries.get(key);
      if (seen === undefined) {
        this.#entries.set(key, { fingerprint, prevTerm });
        this.configurations.seen(core, at, term);
      } else if (seen.fingerprint !== fingerprint) {
        this.#report('log matching', `${id} has another entry ${at} of term ${term} than others had`);
      } else if (seen.prevTerm !== prevTerm) {
        this.#report('log matching', `${id} has another entry before ${at} of term ${term} than others had`);
      }
    }
  }

  #lookAtCommit(node: ObservedNode, core: Core, looked: Looked, lastIndexBefore: number): void {
    const { log, commitIndex } = core;
    for (let index = Math.max(looked.commitIndex + 1, log.firstIndex); index <= commitIndex; index++) {
      const term = log.termAt(logIndex(index))!;
      const fingerprint = this.#entries.get(keyOf(index, term))!.fingerprint;
      const known = this.#committed[index];
      if (known === undefined) {
        this.#committed[index] = { term, committedIn: core.term, fingerprint };
        for (const tell of this.#onCommitted) tell(node, core, { index, term, lastIndexBefore });
      } else if (known.term !== term || known.fingerprint !== fingerprint) {
        this.#report('state machine safety', `${node.id} has committed another entry ${index} than others had`);
      }
    }
    looked.commitIndex = commitIndex;
  }
}

function keyOf(index: number, term: number): number {
  return term * INDEX_MAX + index;
}
