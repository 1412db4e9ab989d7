/**
 * The state of an object as a stream of bytes: its own fields, or what its `snapshot` hook gives. Runs on the thread of
 * the instance, in slices; the instance must not change meanwhile, and is not changed.
 */

import type { ConclaveError } from '../../../errors.js';
import type { Pause } from '../../../storage/pause.js';
import type { LoadedObject } from '../object-definition.js';
import { runInSlices } from './run-in-slices.js';
import { Form } from './state-format.js';
import { callHook, hasHooks, hookThrew, isAsync, isPromise, streamOf } from './state-hooks.js';
import { fieldsNotEncodable, refusalOfInstance, valueNotEncodable } from './state-not-encodable.js';
import { REFUSED, StateWriter } from './state-writer.js';

/**
 * Writes all state of an object. The same state always becomes the same bytes; the order of fields, and of the entries
 * of Maps and Sets, is part of it. What is one container in two places, cycles included, is one again when it is read;
 * with hooks that holds within one value or chunk.
 *
 * All is written before it returns, unless `pause` or a hook returns a promise, or `snapshot` an async iterable.
 *
 * @param out must use or copy the bytes before it returns. What it throws is passed on, as what `pause` rejects with.
 * @throws ConclaveError `ERR_STATE_NOT_ENCODABLE` when there is what a state cannot hold; `data.object`, `data.path`
 *   and `data.found` say what and where. `ERR_INVALID_OBJECT` when `snapshot` throws.
 */
export async function writeState(object: LoadedObject, out: (bytes: Uint8Array) => void, pause: Pause): Promise<void> {
  const { name, instance, madeFields } = object;
  const refusal = refusalOfInstance(object);
  if (refusal !== null) throw refusal;
  if (!hasHooks(instance)) {
    const writer = new StateWriter(out, Form.fields);
    writer.startFields(instance, madeFields);
    const waiting = writeBody(writer, pause, () => fieldsNotEncodable(object));
    if (waiting !== undefined) await waiting;
    writer.finish();
    return;
  }
  const returned = callHook(object, 'snapshot');
  const state = isPromise(returned) ? await returned : returned;
  const stream = streamOf(state);
  const writer = new StateWriter(out, stream === null ? Form.value : Form.chunks);
  if (stream === null) {
    writer.startValue(state);
    const waiting = writeBody(writer, pause, () => valueNotEncodable(name, `${name}.snapshot()`, state));
    if (waiting !== undefined) await waiting;
  } else {
    await writeChunks(name, stream, writer, pause);
    writer.endChunks();
  }
  writer.finish();
}

async function writeChunks(
  name: string,
  stream: Iterable<unknown> | AsyncIterable<unknown>,
  writer: StateWriter,
  pause: Pause,
): Promise<void> {
  let index = 0;
  const writeChunk = (chunk: unknown): Promise<void> | undefined => {
    const path = `${name}.snapshot()[${index++}]`;
    writer.startChunk(chunk);
    return writeBody(writer, pause, () => valueNotEncodable(name, path, chunk));
  };
  if (isAsync(stream)) {
    for await (const chunk of asyncChunks(name, stream)) await writeChunk(chunk);
  } else {
    for (const chunk of chunks(name, stream)) {
      const waiting = writeChunk(chunk);
      if (waiting !== undefined) await waiting;
    }
  }
}

/** The chunks; only what the user's iterator throws is its own fault. */
function* chunks(name: string, stream: Iterable<unknown>): Iterable<unknown> {
  try {
    yield* stream;
  } catch (cause) {
    throw hookThrew(name, 'snapshot', cause);
  }
}

async function* asyncChunks(name: string, stream: AsyncIterable<unknown>): AsyncIterable<unknown> {
  try {
    yield* stream;
  } catch (cause) {
    throw hookThrew(name, 'snapshot', cause);
  }
}

function writeBody(writer: StateWriter, pause: Pause, refusal: () => ConclaveError): Promise<void> | undefined {
  return runInSlices(() => {
    try {
      return writer.run();
    } catch (error) {
      throw error === REFUSED ? refusal() : error;
    }
  }, pause);
}
