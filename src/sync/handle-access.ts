/**
 * A Coordination that is a replicated object, by its handle. On the caller's thread.
 */

import type { Coordination, CoordinationChange } from '../actors/coordination/coordination.js';
import type { Changes, WatchOptions } from '../actors/replicated/changes/changes.js';
import type { RemoteOf } from '../actors/replicated/remote-of.js';
import { ConclaveError } from '../errors.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import type { CoordinationAccess, CoordinationCalls, FollowedState } from './coordination-access.js';

type News = FollowedState | CoordinationChange;

/** `watch` for a key of either kind, with the query that belongs to it. */
type Watch = (this: void, key: number | string, options: WatchOptions) => Changes<News>;

/** What ends a watch, and is no reason not to begin another, which begins with how things are. */
const BEGINS_ANEW: ReadonlySet<string> = new Set(['ERR_CHANGES_LOST', 'ERR_WATCHER_BEHIND']);

export class HandleAccess implements CoordinationAccess {
  readonly timekeeper: Timekeeper;
  readonly #handle: RemoteOf<Coordination>;

  constructor(handle: RemoteOf<Coordination>, timekeeper: Timekeeper) {
    this.#handle = handle;
    this.timekeeper = timekeeper;
  }

  within(timeoutMs: number): CoordinationCalls {
    return this.#handle.with({ timeoutMs });
  }

  follow(
    key: number | string,
    read: 'standing' | 'look',
    onNews: (news: News) => void,
    onEnd: (error: unknown) => void,
  ): () => void {
    const stopping = new AbortController();
    void this.#follow(key, { read, signal: stopping.signal }, onNews, onEnd);
    return () => stopping.abort();
  }

  async #follow(
    key: number | string,
    options: WatchOptions & { readonly signal: AbortSignal },
    onNews: (news: News) => void,
    onEnd: (error: unknown) => void,
  ): Promise<void> {
    const { watch } = this.#handle as { readonly watch: Watch };
    for (;;) {
      try {
        for await (const news of watch(key, options)) {
          if (options.signal.aborted) return;
          onNews(news);
        }
      } catch (error) {
        if (options.signal.aborted) return;
        if (!(error instanceof ConclaveError) || !BEGINS_ANEW.has(error.code)) return onEnd(error);
      }
    }
  }
}
