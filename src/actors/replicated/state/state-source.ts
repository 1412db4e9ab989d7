/**
 * A StateReader that is driven to the end of each step, with the pauses between its slices, and whose complaints become
 * errors that name the object. Owned by one `readState`.
 */

import { ConclaveError } from '../../../errors.js';
import type { Pause } from '../../../storage/pause.js';
import { JOIN_ANEW } from '../../../storage/join-anew.js';
import { writtenByNewer } from '../../../storage/written-by-newer.js';
import { runInSlices } from './run-in-slices.js';
import { STATE_VERSION } from './state-format.js';
import { StateReader } from './state-reader.js';

export class StateSource {
  readonly #object: string;
  readonly #reader: StateReader;
  readonly #pause: Pause;

  constructor(object: string, next: () => Uint8Array | null, pause: Pause) {
    this.#object = object;
    this.#reader = new StateReader(next);
    this.#pause = pause;
  }

  /** The form of the stream: the first thing to be read. */
  async readForm(): Promise<number> {
    await this.#drive(() => this.#reader.readHeader());
    return this.#reader.form;
  }

  /** The fields of the instance, in their order; where they refer to an instance, it is this one. */
  async readFields(instance: object): Promise<StateReader['fields']> {
    this.#reader.startFields(instance);
    await this.#drive(() => this.#reader.readBody());
    return this.#reader.fields;
  }

  async readValue(): Promise<unknown> {
    this.#reader.startValue();
    await this.#drive(() => this.#reader.readBody());
    return this.#reader.value;
  }

  /** Is there another chunk, to be read by `readValue`? */
  async hasChunk(): Promise<boolean> {
    await this.#drive(() => this.#reader.readChunkTag());
    return this.#reader.hasChunk;
  }

  /** Makes sure that the stream ends here. */
  async readEnd(): Promise<void> {
    await this.#drive(() => this.#reader.readEnd());
  }

  async #drive(step: () => boolean): Promise<void> {
    const waiting = runInSlices(() => this.#step(step), this.#pause);
    if (waiting !== undefined) await waiting;
  }

  #step(step: () => boolean): boolean {
    while (this.#reader.gather()) if (this.#try(step)) return true;
    return false;
  }

  /** Whatever is thrown while bytes are made values again, the engine's own complaints included, is their fault. */
  #try(step: () => boolean): boolean {
    try {
      return step();
    } catch (cause) {
      const { version } = this.#reader;
      if (version > STATE_VERSION) {
        throw writtenByNewer({
          what: `The state of the object ${this.#object}`,
          path: null,
          version,
          versionMax: STATE_VERSION,
        });
      }
      const complaint = cause instanceof Error ? cause.message : String(cause);
      const { offset } = this.#reader;
      throw new ConclaveError(
        'ERR_STORAGE_CORRUPT',
        `The state of the object ${this.#object} is damaged at byte ${offset}: ${complaint}. To go on, ${JOIN_ANEW}`,
        { data: { object: this.#object, offset }, cause },
      );
    }
  }
}
