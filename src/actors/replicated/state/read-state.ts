/**
 * A new instance is brought to a state that was written before: field by field, or by its `restore` hook. Runs on the
 * thread of the instance, in slices.
 */

import type { ConclaveError } from '../../../errors.js';
import type { Pause } from '../../../storage/pause.js';
import { invalidObject } from '../describe-class.js';
import type { LoadedObject } from '../object-definition.js';
import { setFields } from './set-fields.js';
import { Form } from './state-format.js';
import { callHook, hasHooks } from './state-hooks.js';
import { StateSource } from './state-source.js';

/**
 * Brings a fresh instance to the state that `writeState` wrote. Its own fields are what they were, in the same order,
 * and those that the state does not know of as they were made; an object with hooks is given to `restore` what
 * `snapshot` gave, and for a stream an async iterable of the chunks. Nothing of an instance without hooks is changed
 * before the whole stream was read.
 *
 * @param next gives the bytes in order, in pieces of any size, and null at the end; a piece may be overwritten when the
 *   next one is asked for. What it throws is passed on.
 * @throws ConclaveError `ERR_STORAGE_CORRUPT` when the bytes are not a state, `ERR_DATA_DIR_MISMATCH` when a newer
 *   version wrote them, `ERR_INVALID_OBJECT` when the state does not fit the class, or `restore` throws or does not
 *   read all of its chunks. The instance must not be used then.
 */
export async function readState(object: LoadedObject, next: () => Uint8Array | null, pause: Pause): Promise<void> {
  const { name, instance } = object;
  const source = new StateSource(name, next, pause);
  const form = await source.readForm();
  if ((form !== Form.fields) !== hasHooks(instance)) throw otherForm(name, form);
  if (form === Form.fields) {
    const fields = await source.readFields(instance);
    await source.readEnd();
    setFields(instance, fields);
  } else if (form === Form.value) {
    const value = await source.readValue();
    await source.readEnd();
    await callHook(object, 'restore', value);
  } else {
    await restoreChunks(object, source);
  }
}

async function restoreChunks(object: LoadedObject, source: StateSource): Promise<void> {
  const chunks = new ChunkStream(source);
  try {
    await callHook(object, 'restore', chunks.iterate());
  } catch (cause) {
    throw chunks.failure?.cause ?? cause;
  }
  // A hook cannot hide that its state was damaged.
  if (chunks.failure !== null) throw chunks.failure.cause;
  if (!chunks.isClosed) {
    const complaint = 'has a restore(state) that is done before it has read its state: await all of it, or break off';
    throw invalidObject(object.name, complaint, { method: 'restore' });
  }
  await chunks.skip();
  await source.readEnd();
}

/** The chunks as `restore` gets them. */
class ChunkStream {
  readonly #source: StateSource;
  #hasEnded = false;
  /** Has it been read to its end, or broken off? */
  isClosed = false;
  failure: { readonly cause: unknown } | null = null;

  constructor(source: StateSource) {
    this.#source = source;
  }

  async *iterate(): AsyncGenerator<unknown, void> {
    try {
      for (;;) {
        const chunk = await this.#next();
        if (this.#hasEnded) return;
        yield chunk;
      }
    } finally {
      this.isClosed = true;
    }
  }

  async #next(): Promise<unknown> {
    try {
      if (await this.#source.hasChunk()) return await this.#source.readValue();
      this.#hasEnded = true;
      return undefined;
    } catch (cause) {
      this.failure = { cause };
      throw cause;
    }
  }

  /** Reads what is left, so that damage is found. */
  async skip(): Promise<void> {
    while (!this.#hasEnded) await this.#next();
  }
}

function otherForm(name: string, form: number): ConclaveError {
  const complaint =
    form === Form.fields
      ? 'has a snapshot that was taken of its fields, and its class has restore(state) now'
      : 'has a snapshot that was taken by snapshot(), and its class has no restore(state) now';
  return invalidObject(name, `${complaint}: the class must bring back what an earlier version of it has written`);
}
