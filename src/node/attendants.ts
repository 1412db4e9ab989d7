/**
 * The attendants of a node's objects: makes them, tells them who leads, and has them say good-bye before the node
 * stops. On the caller's thread.
 */

import { attendantOf, type AttendedNode, type Attendant } from '../actors/replicated/attendant.js';
import type { HandleFactory } from '../actors/replicated/handle.js';
import type { ConclaveError } from '../errors.js';

/** How long sessions may take to be closed before the node stops all the same: they end by their TTL then. */
const LEAVE_TIMEOUT_MS = 1_000;

export class Attendants {
  readonly #node: Pick<AttendedNode, 'node' | 'timekeeper' | 'isRefusing'>;
  /** By the names of their objects. */
  readonly byObject = new Map<string, Attendant>();

  constructor(node: Pick<AttendedNode, 'node' | 'timekeeper' | 'isRefusing'>) {
    this.#node = node;
  }

  /** The handle to an object, with what its attendant adds, if it has one. */
  handle(object: string, definition: unknown, handles: HandleFactory): object {
    const attendant = attendantOf(definition, { object, handle: handles.handle(), ...this.#node });
    if (attendant !== null) {
      this.byObject.set(object, attendant);
      handles.add(attendant.methods);
    }
    return handles.handle();
  }

  leads(term: number | null, unreached: readonly string[]): void {
    for (const attendant of this.byObject.values()) attendant.leads(term, unreached);
  }

  /**
   * Lets them say good-bye, for as long as there is somebody to say it to: `isAlone` is asked at each news that `watch`
   * tells of. Never rejects.
   */
  async leave(reason: ConclaveError, isAlone: () => boolean, watch: (onNews: () => void) => () => void): Promise<void> {
    if (isAlone()) return;
    const leaving = Promise.all(Array.from(this.byObject.values(), (attendant) => attendant.leave(reason)));
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel();
        unwatch();
        resolve();
      };
      const timer = this.#node.timekeeper.after(LEAVE_TIMEOUT_MS, end);
      const unwatch = watch(() => isAlone() && end());
      void leaving.finally(end);
    });
  }

  end(reason: ConclaveError): void {
    for (const attendant of this.byObject.values()) attendant.end(reason);
  }
}
