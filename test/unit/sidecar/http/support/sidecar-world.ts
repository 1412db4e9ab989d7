/** What several sidecars share, in a time that the test owns: memory, or the Leases of a fake API server. */

import { overLeases } from '../../../../../src/sidecar/kubernetes-backend.js';
import type { OpenedBackend } from '../../../../../src/sidecar/opened-backend.js';
import { memory } from '../../../../../src/sync/memory.js';
import { CutOffBackend } from '../../../sync/support/cut-off-backend.js';
import { ManualTime } from '../../../sync/support/manual-time.js';
import { LeaseScene } from '../../../sync/kubernetes/support/lease-scene.js';

export interface SidecarWorld {
  readonly time: ManualTime;
  /** What locks say is their namespace. */
  readonly namespace: string;
  /** The way of one more process to what is shared. */
  enter(identity: string): Promise<WayToBackend>;
}

export interface WayToBackend {
  readonly opened: OpenedBackend;
  /** Nothing arrives, and nothing comes back. */
  isCutOff: boolean;
}

export class MemoryWorld implements SidecarWorld {
  readonly time = new ManualTime();
  readonly namespace = 'default';
  readonly #shared = memory(this.time);

  async enter(): Promise<WayToBackend> {
    const backend = new CutOffBackend(this.#shared);
    const opened = {
      backend,
      isReady: () => !backend.isCutOff,
      hasFailed: () => false,
      register: () => {},
      close: async () => {},
    };
    return {
      opened,
      get isCutOff() {
        return backend.isCutOff;
      },
      set isCutOff(isCutOff) {
        backend.isCutOff = isCutOff;
      },
    };
  }
}

export class LeaseWorld implements SidecarWorld {
  readonly scene = new LeaseScene();
  readonly namespace = this.scene.server.namespace;
  /** Processes so far: each has its own way to the API server, also where it is one that began anew. */
  #count = 0;

  get time(): ManualTime {
    return this.scene.time;
  }

  async enter(identity: string): Promise<WayToBackend> {
    const { backend, faults } = await this.scene.client(`process-${++this.#count}`, { identity });
    return {
      opened: overLeases(backend),
      get isCutOff() {
        return faults.isPartitioned;
      },
      set isCutOff(isCutOff) {
        faults.isPartitioned = isCutOff;
      },
    };
  }
}
