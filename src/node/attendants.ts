/**
 * The attendants of a node's objects: makes them, tells them who leads, and has them say good-bye before the node stops. On the
 * caller's thread.
 */

import { attendantOf, type Attendant } from '../actors/replicated/attendant.js';
import type { HandleFactory } from '../actors/replicated/handle.js';
import type { ConclaveError } from '../errors.js';
import type { Timekeeper } from '../runtime/timekeeper.js';

/** How long sessions may take to be closed before the node stops all the same: they end by their TTL then. */
const LEAVE_TIMEOUT_MS = 1_000;

export class Attendants {
  readonly #timekeeper: Timekeeper;
  readonly #node: string;
  /** By the names of their objects. */
  readonly byObject = new Map<string, Attendant>();

  constructor(timekeeper: Timekeeper, node: string) {
    this.#timekeeper = timekeeper;
    this.#node = node;
  }

  /** The handle to an object, with what its attendant adds, if it has one. */
  handle(object: string, definition: unknown, handles: HandleFactory): object {
    const [timekeeper, node] = [this.#timekeeper, this.#node];
    const attendant = attendantOf(definition, { object, handle: handles.handle(), timekeeper, node });
    if (attendant !== null) {
      this.byObject.set(object, attendant);
      handles.add(attendant.methods);
    }
    return handles.handle();
  }

  leads(term: number | null): void {
    for (const attendant of this.byObject.values()) attendant.leads(term);
  }

  /**
   * Lets them say good-bye, for as long as there is somebody to say it to: `isAlone` is asked at each news that `watch` tells
   * of. Never rejects.
   */
  async leave(isAlone: () => boolean, watch: (onNews: () => void) => () => void): Promise<void> {
    if (isAlone()) return;
    const leaving = Promise.all(Array.from(this.byObject.values(), (attendant) => attendant.leave()));
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel();
        unwatch();
        resolve();
      };
      const timer = this.#timekeeper.after(LEAVE_TIMEOUT_MS, end);
      const unwatch = watch(() => isAlone() && end());
      void leaving.finally(end);
    });
  }

  end(reason: ConclaveError): void {
    for (const attendant of this.byObject.values()) attendant.end(reason);
  }
}
