/**
 * Whether a node has ever been ready, and those who wait until it is. On the thread that started the node. What befalls
 * it later is for its health to tell.
 */

import { ConclaveError } from '../errors.js';
import type { NodeFate } from './node-fate.js';
import { describeStatus, type RuntimeStatus } from './status.js';

export class Readiness {
  readonly #fate: NodeFate;
  #hasCaughtUp = false;
  #isAdmitted = false;
  #isReady = false;

  constructor(fate: NodeFate) {
    this.#fate = fate;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** All that was committed before the node started has been applied here. Returns whether it is ready by that. */
  caughtUp(): boolean {
    this.#hasCaughtUp = true;
    return this.#look();
  }

  /** Does the node count in its cluster? Returns whether it is ready by that. */
  admitted(isAdmitted: boolean): boolean {
    this.#isAdmitted = isAdmitted;
    return this.#look();
  }

  /**
   * Resolves when the node is ready.
   *
   * @throws ConclaveError what `endedError` returns, when the node ends first; `ERR_ABORTED` by the signal.
   */
  async wait(
    signal: AbortSignal | undefined,
    status: () => RuntimeStatus,
    endedError: () => ConclaveError,
  ): Promise<void> {
    if (signal?.aborted === true) throw notReady(status(), signal);
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#fate.off('ready', onReady);
        this.#fate.off('ended', onEnded);
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onReady = (): void => end(resolve);
      const onEnded = (): void => end(() => reject(endedError()));
      const onAbort = (): void => end(() => reject(notReady(status(), signal!)));
      // Not the public event, for a listener that throws keeps it from those behind it.
      this.#fate.once('ready', onReady);
      this.#fate.once('ended', onEnded);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Who waits for one node to be ready before stopping the next must not stop those who are still needed to let it in.
   */
  #look(): boolean {
    if (this.#isReady || !this.#hasCaughtUp || !this.#isAdmitted) return false;
    this.#isReady = true;
    this.#fate.emit('ready');
    return true;
  }
}

function notReady(status: RuntimeStatus, { reason }: AbortSignal): ConclaveError {
  return new ConclaveError('ERR_ABORTED', `Not ready: ${describeStatus(status)}.`, {
    data: { health: status.health, leader: status.leader },
    cause: reason,
    mayBeApplied: false,
    retrySafe: true,
  });
}
