/** A sidecar's back end that is this process alone, to try a sidecar out with. */

import { memory } from '../sync/memory.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import type { OpenedBackend } from './opened-backend.js';

export function openMemoryBackend(timekeeper?: Timekeeper): OpenedBackend {
  return {
    backend: memory(timekeeper),
    isReady: () => true,
    hasFailed: () => false,
    register: () => {},
    close: async () => {},
  };
}
