/**
 * The smallest replicated object that can tell whether consensus did its work: it counts commands, skips what a session
 * already did, reports a gap, and keeps a hash of its whole history so that two replicas can be compared by one number.
 */

import { EntryKind, type Entry } from '../../../../../src/actors/raft/entry.js';

/** One life of one node: a node that restarts begins a new session. */
export interface Command {
  readonly session: number;
  readonly seq: number;
}

export interface MachineState {
  readonly appliedIndex: number;
  readonly count: number;
  readonly hash: number;
  readonly nextSeqs: ReadonlyMap<number, number>;
}

/** What became of an entry: `gap` means that a command of its session before it is missing. */
export type Outcome = 'applied' | 'skipped' | 'gap' | 'none';

const COMMAND_BYTES = 8;

export function encodeCommand({ session, seq }: Command): Uint8Array {
  const bytes = new Uint8Array(COMMAND_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, session);
  view.setUint32(4, seq);
  return bytes;
}

export function decodeCommand(payload: Uint8Array): Command {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { session: view.getUint32(0), seq: view.getUint32(4) };
}

export class TinyMachine {
  appliedIndex = 0;
  /** How many commands have been applied: the version that a read sees. */
  count = 0;
  hash = 0;
  #nextSeqs = new Map<number, number>();

  /** The first sequence number of the session that has not been applied. */
  nextSeq(session: number): number {
    return this.#nextSeqs.get(session) ?? 0;
  }

  apply(entry: Entry): Outcome {
    if (entry.index !== this.appliedIndex + 1) throw new Error(`entry ${entry.index} after ${this.appliedIndex}`);
    this.appliedIndex = entry.index;
    this.hash = Math.imul(this.hash ^ entry.term, 0x01000193) ^ entry.index;
    if (entry.kind !== EntryKind.block) return 'none';
    const { session, seq } = decodeCommand(entry.payload);
    const nextSeq = this.nextSeq(session);
    if (seq !== nextSeq) return seq < nextSeq ? 'skipped' : 'gap';
    this.#nextSeqs.set(session, seq + 1);
    this.count++;
    this.hash = Math.imul(this.hash ^ session, 0x01000193) ^ seq;
    return 'applied';
  }

  save(): MachineState {
    const { appliedIndex, count, hash } = this;
    return { appliedIndex, count, hash, nextSeqs: new Map(this.#nextSeqs) };
  }

  load(state: MachineState): void {
    this.appliedIndex = state.appliedIndex;
    this.count = state.count;
    this.hash = state.hash;
    this.#nextSeqs = new Map(state.nextSeqs);
  }
}
