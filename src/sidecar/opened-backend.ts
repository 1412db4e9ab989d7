/** What a sidecar stands on, whichever it is. Types only. */

import type { Registry } from 'prom-client';
import type { SightedBackend } from '../sync/backend.js';

export interface OpenedBackend {
  readonly backend: SightedBackend;
  /** In which namespace it keeps locks; undefined: it knows of none. */
  readonly namespace?: string;
  /** Could a lock be granted now, as far as is known? */
  isReady(): boolean;
  /** Can it never grant anything again? Only another process can, then. */
  hasFailed(): boolean;
  /** Adds what it counts to what is scraped. */
  register(registry: Registry): void;
  /** Ends it. Called when everything that was held has been given back. Never rejects. */
  close(): Promise<void>;
}
