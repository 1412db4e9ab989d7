/**
 * The feeds of all machines of a node, each fed as far as it keeps up, and how far they have come together: what counts
 * as applied is what the slowest has applied. Part of the shell, on the consensus thread.
 */

import type { LogIndex } from '../../ids.js';
import { MachineFeed } from './machine-feed.js';
import type { RaftLog } from './raft-log.js';
import type { MachineApplied, MachineReady } from './raft-actor-messages.js';
import type { ActorRef } from '../../runtime/actor.js';
import type { MachineMessage } from '../replicated/machine-messages.js';

/**
 * A machine that is ahead of the slowest by more than this many times what may be on its way waits for it: the log,
 * which is kept for the slowest, must not grow without end.
 */
const LEAD = 8;

export class MachineFeeds {
  readonly #feeds: readonly MachineFeed[];
  readonly #leadBytesMax: number;
  /** The furthest that any machine has reported. */
  #furthestIndex = -1;

  /** `bytesMax` may be on their way to each. */
  constructor(machines: readonly ActorRef<MachineMessage>[], bytesMax: number) {
    this.#feeds = machines.map((machine) => new MachineFeed(machine, bytesMax));
    this.#leadBytesMax = LEAD * bytesMax;
  }

  /** How far all objects have come. */
  get appliedIndex(): LogIndex {
    return this.#slowest.appliedIndex;
  }

  /** Bytes of all entries that each machine has applied, by every one that has been in its place. */
  get appliedBytes(): number {
    return Math.min(...this.#feeds.map(({ appliedBytes }) => appliedBytes));
  }

  /** The code version that is in force for all objects. */
  get codeVersion(): number {
    return Math.min(...this.#feeds.map(({ codeVersion }) => codeVersion));
  }

  /** The snapshot that the slowest machine has begun with. */
  get slowestBase(): MachineReady['snapshot'] {
    return this.#slowest.base;
  }

  /** There is a machine, and it holds what its snapshot does. */
  start({ machine, machineId, snapshot }: MachineReady): void {
    this.#feeds[machine]!.start(machineId, snapshot);
    this.#noteSlowest();
  }

  /**
   * A machine has come so far. `ignored`: it is not the one that is fed. `known`: another one had been there before, or
   * one in its place, so that it has nothing to tell of what the log says.
   */
  applied({ machine, machineId, index, codeVersion }: MachineApplied): 'ignored' | 'known' | 'news' {
    if (!this.#feeds[machine]!.applied(machineId, index, codeVersion)) return 'ignored';
    this.#noteSlowest();
    if (index <= this.#furthestIndex) return 'known';
    this.#furthestIndex = index;
    return 'news';
  }

  /** Copies entries up to `commitIndex` to the machines, as far as they keep up. */
  feed(log: RaftLog, commitIndex: LogIndex): void {
    const slowest = this.appliedIndex;
    for (const feed of this.#feeds) {
      const leadBytesMax = feed.appliedIndex === slowest ? Infinity : this.#leadBytesMax;
      feed.feed(log, commitIndex, leadBytesMax);
    }
  }

  get #slowest(): MachineFeed {
    return this.#feeds.reduce((slowest, feed) => (feed.appliedIndex < slowest.appliedIndex ? feed : slowest));
  }

  #noteSlowest(): void {
    const slowest = this.appliedIndex;
    for (const feed of this.#feeds) feed.noteSlowest(slowest);
  }
}
