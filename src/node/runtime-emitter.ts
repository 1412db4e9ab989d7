/**
 * What a runtime tells its user, on the user's thread: never before the user can listen, and whatever listeners do.
 */

import { EventEmitter } from 'eventemitter3';
import type { SnapshotEvent } from '../actors/snapshotter/snapshot-event.js';
import type { ObjectsEvent } from './objects-event.js';
import { checkFunction, invalid } from './option-checks.js';
import type { MemberStatus, Role } from './status.js';

/** What a runtime tells those who listen. */
export interface RuntimeEvents {
  /** The node has caught up with the leader for the first time. */
  ready: () => void;
  /** The node's role has changed. */
  role: (role: Role) => void;
  /** The node knows another leader than before, or none. */
  leader: (leader: string | null) => void;
  /** Members were added, promoted or removed, as far as this node knows; committed or not. */
  member: (members: readonly MemberStatus[]) => void;
  /** A later version of the objects' code is in force on this node. */
  version: (codeVersion: number) => void;
  /** What becomes of snapshots: of this node's own, and of those that it is given. */
  snapshot: (event: SnapshotEvent) => void;
  /** The thread of the objects has ended, or the objects are back. */
  objects: (event: ObjectsEvent) => void;
  /**
   * Something has failed that no call reports, or the node was removed from the cluster. `status().health` tells
   * whether it goes on.
   */
  error: (error: Error) => void;
}

const EVENTS: Readonly<Record<keyof RuntimeEvents, true>> = {
  ready: true,
  role: true,
  leader: true,
  member: true,
  version: true,
  snapshot: true,
  objects: true,
  error: true,
};

/** @throws ConclaveError `ERR_INVALID_OPTION`: a misspelt event would never come. */
export function checkListener(event: unknown, listener: unknown): void {
  if (typeof event !== 'string' || !Object.hasOwn(EVENTS, event)) {
    throw invalid('event', event, `is none that a runtime tells of; there are ${Object.keys(EVENTS).join(', ')}`);
  }
  checkFunction('listener', listener);
}

/** Holds everything back until it is released. */
export class RuntimeEmitter extends EventEmitter<RuntimeEvents> {
  /** What is to be told once whoever has started the node could listen; null: it can. */
  #early: (() => void)[] | null = [];

  /** The user has the runtime. */
  release(): void {
    const early = this.#early ?? [];
    // A listener may tick the node: what that tells comes behind all that is still to be told.
    for (const tell of early) tell();
    this.#early = null;
  }

  /** A listener that throws is the user's affair, and must not take the node along. */
  tell<Event extends keyof RuntimeEvents>(event: Event, ...args: Parameters<RuntimeEvents[Event]>): void {
    if (this.#early !== null) {
      this.#early.push(() => this.#emitSafely(event, args));
      return;
    }
    this.#emitSafely(event, args);
  }

  #emitSafely<Event extends keyof RuntimeEvents>(event: Event, args: Parameters<RuntimeEvents[Event]>): void {
    try {
      this.emit(event, ...(args as never));
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
