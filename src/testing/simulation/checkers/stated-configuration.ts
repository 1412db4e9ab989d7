/**
 * What an entry of the log says of who belongs to the cluster, as checkers read it: by themselves, for whoever asked
 * the product what a quorum is would believe a broken one.
 */

import { incarnation, nodeId, type Incarnation, type NodeId } from '../../../ids.js';

/** Whose agreement it takes: a majority of each set (Raft §6), of those who count only. */
export class StatedConfiguration {
  readonly voters: readonly NodeId[];
  /** Of C_old,new: C_old. */
  readonly oldVoters: readonly NodeId[] | null;
  /** In which incarnation each voter counts. */
  readonly admitted: ReadonlyMap<NodeId, Incarnation>;
  readonly learners: readonly NodeId[];
  /** Everybody who has a vote, in the new or the old set. */
  readonly electors: readonly NodeId[];
  #words: string | null = null;

  constructor(payload: Uint8Array) {
    const said = JSON.parse(new TextDecoder().decode(payload)) as {
      readonly voters: readonly string[];
      readonly old?: { readonly voters: readonly string[] };
      readonly learners: readonly (readonly [id: string, replaces: string | null])[];
      readonly admitted: readonly (readonly [id: string, life: string])[];
    };
    this.voters = said.voters.map((id) => nodeId(id));
    this.oldVoters = said.old?.voters.map((id) => nodeId(id)) ?? null;
    this.learners = said.learners.map(([id]) => nodeId(id));
    this.admitted = new Map(said.admitted.map(([id, life]) => [nodeId(id), incarnation(life)]));
    this.electors = [...new Set([...this.voters, ...(this.oldVoters ?? [])])];
  }

  /** Are there two sets of voters: C_old,new? */
  get isJoint(): boolean {
    return this.oldVoters !== null;
  }

  isMember(id: NodeId): boolean {
    return this.electors.includes(id) || this.learners.includes(id);
  }

  isQuorum(ids: ReadonlySet<NodeId>): boolean {
    return isMajority(this.voters, ids) && (this.oldVoters === null || isMajority(this.oldVoters, ids));
  }

  /** In words, the same for equal configurations. */
  get words(): string {
    this.#words ??= this.#inWords();
    return this.#words;
  }

  #inWords(): string {
    const admitted = [...this.admitted].map(([id, life]) => `${id} as ${life}`).toSorted();
    const old = this.oldVoters === null ? '' : ` and of ${this.oldVoters.toSorted().join()}`;
    const learners = this.learners.length === 0 ? '' : ` with learners ${this.learners.toSorted().join()}`;
    return `quorums of ${this.voters.toSorted().join()}${old}${learners}, admitted ${admitted.join()}`;
  }
}

function isMajority(voters: readonly NodeId[], ids: ReadonlySet<NodeId>): boolean {
  let count = 0;
  for (const id of voters) if (ids.has(id)) count += 1;
  return 2 * count > voters.length;
}
