/**
 * Makes machines: new objects, and the state of a snapshot where there is one. On the object thread; in slices, so that
 * a machine that is there goes on meanwhile.
 */

import { ConclaveError } from '../../errors.js';
import type { LastIncluded, Life } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import { breather } from '../../runtime/breather.js';
import type { Logger } from '../../runtime/logger.js';
import type { Disk } from '../../storage/disk.js';
import type { NewPause } from '../../storage/pause.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { SnapshotReader } from '../../storage/snapshot-reader.js';
import { isUnreadable } from '../../storage/unreadable.js';
import type { SnapshotterMessage } from '../snapshotter/snapshotter-messages.js';
import type { ClassLoader } from './class-loader.js';
import { Machine } from './machine.js';
import { loadClass } from './loaded-class.js';
import { restoreMachine } from './machine-snapshot.js';
import type { MachineWitness } from './machine-witness.js';
import { codeVersionMaxOf, loadObject, type LoadedObject, type ResolvedObject } from './object-definition.js';
import { moduleClasses } from './object-module.js';
import { machineOf, type MachinePart } from './object-places.js';
import { hasHooks } from './state/state-hooks.js';
import { writeState } from './state/write-state.js';
import { ValueCodec } from './value-codec.js';

/** What machines are made with, besides what their node says. */
export interface MachineEnv {
  readonly disk: Disk;
  /** Default: the classes are loaded from their modules. */
  readonly classes?: ClassLoader;
  /** Default: {@link breather}. */
  readonly newPause?: NewPause;
  readonly witness?: MachineWitness;
  /** Told of the objects that are live from now on. Default: nobody is. */
  readonly onLoaded?: (objects: readonly LoadedObject[]) => void;
}

export interface MachineLoaderOptions {
  /** Those of the whole node. */
  readonly objects: readonly ResolvedObject[];
  readonly classes: readonly ResolvedObject[];
  /** Which of them are here. */
  readonly part: MachinePart;
  readonly life: Life;
  readonly sessionsMax: number;
}

export interface LoadedMachine {
  readonly machine: Machine;
  /** The snapshot that it holds; null: it holds nothing yet. */
  readonly snapshot: { readonly lastIncluded: LastIncluded; readonly configuration: Uint8Array | null } | null;
}

/** How long the Snapshotter may take to say which snapshot is the newest; it may be busy with a sync. */
const NEWEST_TIMEOUT_MS = 30_000;
const nothing = (): undefined => undefined;

/** How long the objects' thread is busy with loading at a time. */
const SLICE_MS = 5;

export class MachineLoader {
  readonly #options: MachineLoaderOptions;
  readonly #snapshotter: ActorRef<SnapshotterMessage>;
  readonly #env: MachineEnv;
  readonly #logger: Logger;
  #unreadable: ConclaveError | null = null;

  constructor(
    options: MachineLoaderOptions,
    snapshotter: ActorRef<SnapshotterMessage>,
    env: MachineEnv,
    logger: Logger,
  ) {
    this.#options = options;
    this.#snapshotter = snapshotter;
    this.#env = env;
    this.#logger = logger;
  }

  /** Why a snapshot was passed over by `loadNewest`; null: none was. What is missing then is not lost. */
  get unreadable(): ConclaveError | null {
    return this.#unreadable;
  }

  /**
   * Loads the newest snapshot that is whole and can be read, or none where there is none.
   *
   * @throws ConclaveError `ERR_INVALID_OBJECT` when an object cannot be made or restored, `ERR_DATA_DIR_MISMATCH` when
   *   a newer version wrote the snapshot, `ERR_STORAGE` when it cannot be read and no older one can take its place.
   */
  async loadNewest(): Promise<LoadedMachine> {
    const damaged: string[] = [];
    const unreadable: string[] = [];
    for (;;) {
      const snapshot = await this.#snapshotter.ask<SnapshotInfo | null>(
        { type: 'newestSnapshot', damaged, unreadable },
        { timeoutMs: NEWEST_TIMEOUT_MS },
      );
      if (snapshot === null) return { machine: await this.#newMachine(), snapshot: null };
      // No other can take its place: it may be readable another time.
      if (unreadable.includes(snapshot.id)) throw this.#unreadable!;
      try {
        return await this.load(snapshot);
      } catch (error) {
        if (!(error instanceof ConclaveError)) throw error;
        if (error.code === 'ERR_STORAGE_CORRUPT') {
          damaged.push(snapshot.id);
        } else if (isUnreadable(error)) {
          this.#unreadable = error;
          unreadable.push(snapshot.id);
        } else {
          throw error;
        }
        this.#logger.error({ error, id: snapshot.id }, 'a snapshot could not be loaded; an older one is tried');
      }
    }
  }

  /**
   * Loads this snapshot.
   *
   * @throws ConclaveError `ERR_STORAGE_CORRUPT`, `ERR_STORAGE`, and what {@link MachineLoader.loadNewest} throws.
   */
  async load(snapshot: SnapshotInfo): Promise<LoadedMachine> {
    const { disk, newPause = breather } = this.#env;
    const reader = SnapshotReader.openAt(disk, snapshot.location);
    try {
      const machine = await this.#newMachine();
      await restoreMachine(machine, reader, newPause(SLICE_MS));
      const { lastIncluded, configuration } = reader.manifest;
      return { machine, snapshot: { lastIncluded, configuration } };
    } finally {
      reader.close();
    }
  }

  async #newMachine(): Promise<Machine> {
    const { life, sessionsMax, part } = this.#options;
    const { classes = moduleClasses, witness } = this.#env;
    const own = this.#options.objects.filter(({ name }) => machineOf(name, part.places) === part.machine);
    const objects = await Promise.all(own.map((object) => loadObject(object, classes)));
    // Hooks are tried while nothing depends on them.
    for (const object of objects) if (hasHooks(object.instance)) await writeState(object, nothing, nothing);
    const loadedClasses = await Promise.all(this.#options.classes.map((each) => loadClass(each, classes)));
    const codec = new ValueCodec();
    return new Machine({
      objects,
      classes: loadedClasses,
      part,
      codeVersionMax: codeVersionMaxOf([...this.#options.objects, ...this.#options.classes]),
      life,
      sessionsMax,
      codec,
      ...(witness === undefined ? {} : { witness }),
    });
  }
}
