/**
 * The replicated object of the benchmark: it does as little with a command as any object can, and remembers just enough
 * of all of them to tell whether two replicas applied the same ones in the same order.
 */

import { query, replicated } from 'conclave';

export interface SinkState {
  readonly commands: number;
  /** Depends on every payload and on their order. */
  readonly hash: number;
}

export class Sink {
  static readonly module = import.meta.url;
  private commands = 0;
  private hash = 0;

  @replicated put(payload: Uint8Array): number {
    this.hash = (Math.imul(this.hash, 31) + payload.length + (payload[0] ?? 0)) | 0;
    return ++this.commands;
  }

  @query size(): number {
    return this.commands;
  }

  @query state(): SinkState {
    return { commands: this.commands, hash: this.hash };
  }
}

const PAYLOADS = 64;

/** Payloads of exactly `bytes` bytes that differ in their first byte, to be sent in turn. */
export function payloadsOf(bytes: number): readonly Uint8Array[] {
  return Array.from({ length: PAYLOADS }, (_, index) => new Uint8Array(bytes).fill(index + 1));
}
