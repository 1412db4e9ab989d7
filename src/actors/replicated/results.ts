/**
 * What a block of commands or queries returned, on its way from the object's thread to the caller's. Results that are
 * all numbers or all undefined, the common case, cost nothing to decode.
 */

import { type PlainError, toPlainError, fromPlainError, ConclaveError } from '../../errors.js';
import type { SessionId } from '../../ids.js';
import { ArrayWriter } from './array-writer.js';
import type { ValueCodec } from './value-codec.js';

/** The results of one block, in the order of its commands. */
export interface ResultBlock {
  /** The block's session; 0 for queries. */
  readonly session: SessionId;
  /** The block's firstSeq; for queries, their id. */
  readonly id: number;
  readonly count: number;
  /** All results, where they are all numbers. */
  readonly numbers: Float64Array<ArrayBuffer> | null;
  /** All results as one encoded array, where they are neither all numbers nor all undefined. */
  readonly values: Uint8Array<ArrayBuffer> | null;
  /** Errors by position, each with the `object.method` that ended so; `values` has undefined there. */
  readonly errors: readonly (readonly [position: number, error: PlainError, method: string])[] | null;
}

/** Booleans as msgpack has them: frequent results, for which the codec is a detour. */
const TRUE = 0xc3;
const FALSE = 0xc2;
/** A result lies in the list of the block's results. */
const RESULT_DEPTH = 2;
/** Past this, the results of one block that are not numbers are not returned. */
const RESULTS_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Collects the results of one block after another, on the object's thread. A result is encoded at once: the object may
 * be changed by the next command of the block, and what it has returned must not change with it.
 */
export class ResultCollector {
  readonly #codec: ValueCodec;
  #count = 0;
  #numbers: Float64Array<ArrayBuffer> | null = null;
  /** Holds all results so far, if `isEncoding`. */
  readonly #values = new ArrayWriter();
  #isEncoding = false;
  #errors: [number, PlainError, string][] | null = null;

  constructor(codec: ValueCodec) {
    this.#codec = codec;
  }

  begin(count: number): void {
    this.#count = count;
    this.#numbers = null;
    this.#isEncoding = false;
    this.#errors = null;
    this.#values.clear();
  }

  /** Results are set in the order of their positions, each once. `method` is what has returned it. */
  set(position: number, result: unknown, method: string): void {
    if (this.#isEncoding) {
      this.#encode(position, result, method);
    } else if (typeof result === 'number' && (this.#numbers !== null || position === 0)) {
      (this.#numbers ??= new Float64Array(this.#count))[position] = result;
    } else if (result !== undefined || this.#numbers !== null) {
      this.#startEncoding(position);
      this.#encode(position, result, method);
    }
  }

  fail(position: number, error: PlainError, method: string): void {
    (this.#errors ??= []).push([position, error, method]);
    this.set(position, undefined, method);
  }

  /** The command has run and returned, and what it has left behind must not be. */
  blame(position: number, error: PlainError, method: string): void {
    (this.#errors ??= []).push([position, error, method]);
  }

  end(session: SessionId, id: number): ResultBlock {
    const count = this.#count;
    const values = this.#isEncoding ? this.#values.finish(count).slice() : null;
    return { session, id, count, numbers: this.#numbers, values, errors: this.#errors };
  }

  /** The results so far are not all of one kind. */
  #startEncoding(position: number): void {
    const numbers = this.#numbers;
    this.#numbers = null;
    this.#isEncoding = true;
    for (let i = 0; i < position; i++) this.#values.add(this.#codec.encodeInto(numbers?.[i]));
  }

  #encode(position: number, result: unknown, method: string): void {
    if (typeof result === 'boolean') {
      this.#values.addByte(result ? TRUE : FALSE);
      return;
    }
    try {
      const encoded = this.#codec.encodeInto(result, 'result', RESULT_DEPTH);
      if (this.#values.byteLength + encoded.length > RESULTS_BYTES_MAX) throw tooLarge(encoded.length, method);
      this.#values.add(encoded);
    } catch (error) {
      this.#values.add(this.#codec.encodeInto(undefined));
      (this.#errors ??= []).push([position, toPlainError(asResultError(error, method)), method]);
    }
  }
}

function asResultError(error: unknown, method: string): unknown {
  if (!(error instanceof ConclaveError) || error.code !== 'ERR_NOT_ENCODABLE') return error;
  const { message, data } = error;
  return new ConclaveError('ERR_RESULT_NOT_ENCODABLE', `${method} has run, but cannot return its result: ${message}`, {
    data: { ...data, method },
  });
}

function tooLarge(bytes: number, method: string): ConclaveError {
  return new ConclaveError(
    'ERR_RESULT_TOO_LARGE',
    `${method} has run, but its result of ${bytes} bytes cannot be returned: the results of calls made at the same time may ` +
      `take ${RESULTS_BYTES_MAX} bytes together. Return less, or make fewer calls at a time.`,
    { data: { method, bytes, bytesMax: RESULTS_BYTES_MAX } },
  );
}

/** The buffers of a result that are to be transferred. */
export function collectTransfers(block: ResultBlock, into: ArrayBuffer[]): void {
  if (block.numbers !== null) into.push(block.numbers.buffer);
  if (block.values !== null) into.push(block.values.buffer);
}

/** An error as a caller gets it: our own as they are, the user's as the cause of `ERR_COMMAND_THREW`. */
export function resultError(plain: PlainError, method: string, isQuery: boolean): ConclaveError {
  const thrown = fromPlainError(plain);
  const error =
    thrown instanceof ConclaveError
      ? thrown
      : new ConclaveError('ERR_COMMAND_THREW', thrown.message, { data: { method }, cause: thrown });
  return isQuery ? withoutConsequence(error) : error;
}

/**
 * What a command of the user's has thrown, for its caller. An error of ours among it says what became of another call,
 * or of none, and not that this command has run.
 */
export function thrownByCommand(cause: unknown, method: string): unknown {
  if (!isOurs(cause)) return cause;
  const { message } = toPlainError(cause);
  return new ConclaveError('ERR_COMMAND_THREW', message, { data: { method }, cause });
}

/** Of this copy of the package, or of another one. */
function isOurs(thrown: unknown): boolean {
  return thrown instanceof ConclaveError || toPlainError(thrown).name === 'ConclaveError';
}

/** A query changes nothing, whatever it ends with. */
function withoutConsequence({ code, message, data, cause }: ConclaveError): ConclaveError {
  return new ConclaveError(code, message, { data, cause, mayBeApplied: false, retrySafe: true });
}
