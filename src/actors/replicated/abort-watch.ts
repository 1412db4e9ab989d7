/**
 * Which calls wait under which AbortSignal, on the caller's thread. A signal is listened to once, however many calls
 * share it, and not at all once none of them waits any more.
 */

interface WatchedSignal {
  readonly onAborts: Set<() => void>;
  readonly listener: () => void;
}

export class AbortWatch {
  readonly #signals = new Map<AbortSignal, WatchedSignal>();

  /** Calls `onAbort`, different for each call, when the signal is aborted; returns what ends that. */
  add(signal: AbortSignal, onAbort: () => void): () => void {
    const { onAborts } = this.#signals.get(signal) ?? this.#listenTo(signal);
    onAborts.add(onAbort);
    return () => {
      if (onAborts.delete(onAbort) && onAborts.size === 0) this.#forget(signal);
    };
  }

  #listenTo(signal: AbortSignal): WatchedSignal {
    const onAborts = new Set<() => void>();
    const listener = (): void => {
      for (const onAbort of onAborts) onAbort();
    };
    const watched = { onAborts, listener };
    this.#signals.set(signal, watched);
    signal.addEventListener('abort', listener, { once: true });
    return watched;
  }

  #forget(signal: AbortSignal): void {
    signal.removeEventListener('abort', this.#signals.get(signal)!.listener);
    this.#signals.delete(signal);
  }
}
