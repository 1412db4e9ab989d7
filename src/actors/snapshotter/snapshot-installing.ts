/**
 * The snapshot that the objects of the node are to be given, for as long as a leader wants them to have it. Part of the
 * Snapshotter; what it takes to load one is the objects' affair.
 */

import type { LogIndex } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import type { MachineMessage } from '../replicated/machine-messages.js';

/** A leader wants a snapshot installed at each heartbeat, until it is. */
const WANTED_MS = 30_000;

export class SnapshotInstalling {
  readonly #machines: readonly ActorRef<MachineMessage>[];
  #current: { readonly snapshot: SnapshotInfo; wantedMs: number } | null = null;
  /** Those that have not been told of it. */
  #untold: readonly ActorRef<MachineMessage>[] = [];

  constructor(machines: readonly ActorRef<MachineMessage>[]) {
    this.#machines = machines;
  }

  get isBusy(): boolean {
    return this.#current !== null;
  }

  start(snapshot: SnapshotInfo, nowMs: number): void {
    this.#current = { snapshot, wantedMs: nowMs };
    this.#untold = this.#machines;
    this.#tell();
  }

  /** A leader still wants a snapshot installed. */
  wanted(nowMs: number): void {
    if (this.#current !== null) this.#current.wantedMs = nowMs;
  }

  /** Gives up what nobody wants any more, and tells the objects again what they could not be told. */
  tick(nowMs: number): void {
    if (this.#current !== null && nowMs - this.#current.wantedMs >= WANTED_MS) this.#current = null;
    this.#tell();
  }

  /** These are there. Gives up one that is not any more: whoever could not load it will not be told of it again. */
  keepTo(kept: readonly SnapshotInfo[]): void {
    if (this.#current !== null && !kept.includes(this.#current.snapshot)) this.#current = null;
  }

  /** The objects have come so far. The snapshot, if they have been given it by now. */
  takeInstalled(appliedIndex: LogIndex): SnapshotInfo | null {
    const snapshot = this.#current?.snapshot;
    if (snapshot === undefined || appliedIndex < snapshot.lastIncluded.index) return null;
    this.#current = null;
    return snapshot;
  }

  #tell(): void {
    if (this.#current === null || this.#untold.length === 0) return;
    const { snapshot } = this.#current;
    this.#untold = this.#untold.filter((machine) => !tellOrDrop(machine, { type: 'installSnapshot', snapshot }));
  }
}
