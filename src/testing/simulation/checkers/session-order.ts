/**
 * The blocks of a session are applied in its order, each once (Raft thesis §6.3), and a life has one session: judged by
 * a table of sessions of its own, that is made from what was committed.
 */

import { BlockReader } from '../../../actors/replicated/block-reader.js';
import type { Machine } from '../../../actors/replicated/machine.js';
import type { Verdict } from '../../../actors/replicated/session-table.js';
import { EntryKind } from '../../../actors/raft/entry.js';

export class SessionOrder {
  readonly #report: (promise: string, what: string) => void;
  readonly #nextSeqs = new Map<number, number>();
  readonly #lives = new Set<string>();
  /** What is to become of each entry, by index; null: it is no block. */
  readonly #verdicts: (Verdict | null)[] = [null];
  readonly #blocks = new BlockReader();

  constructor(report: (promise: string, what: string) => void) {
    this.#report = report;
  }

  /** To be called for each index, in their order. Returns what is to become of the block in it; null: it is none. */
  committed(index: number, kind: number, payload: Uint8Array): Verdict | null {
    if (kind === EntryKind.session) this.#open(index, payload);
    const verdict = kind === EntryKind.block ? this.#judge(payload) : null;
    this.#verdicts[index] = verdict;
    return verdict;
  }

  applied(node: string, { appliedIndex }: Machine, verdict: Verdict | null): void {
    const expected = this.#verdicts[appliedIndex];
    if (expected === undefined || expected === verdict) return;
    const what = `${node} takes the block in entry ${appliedIndex} for "${verdict}", and it is to be "${expected}"`;
    this.#report('exactly once (sessions)', what);
  }

  /** Looks at the sessions of a machine. */
  look(node: string, machine: Machine): void {
    const lives = machine.save().sessions.map(([, , life]) => life);
    if (new Set(lives).size === lives.length) return;
    this.#report('exactly once (sessions)', `${node} has two sessions of one life at ${machine.appliedIndex}`);
  }

  #open(index: number, payload: Uint8Array): void {
    const life = payload.join();
    if (this.#lives.has(life)) return;
    this.#lives.add(life);
    this.#nextSeqs.set(index, 1);
  }

  #judge(payload: Uint8Array): Verdict | null {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const header = this.#blocks.read(view, 0, payload.byteLength);
    if (header === null) return null;
    const { session, firstSeq, count } = header;
    const nextSeq = this.#nextSeqs.get(session);
    if (nextSeq === undefined) return 'unknown session';
    if (firstSeq !== nextSeq) return firstSeq < nextSeq ? 'duplicate' : 'gap';
    this.#nextSeqs.set(session, firstSeq + count);
    return 'apply';
  }
}
