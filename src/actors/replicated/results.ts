/**
 * What a block of commands or queries returned, on its way from the object's thread to the caller's. Results that are
 * all numbers or all undefined, the common case, cost nothing to decode.
 */

import { type PlainError, toPlainError, fromPlainError, ConclaveError } from '../../errors.js';
import type { SessionId } from '../../ids.js';
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
  /** Errors by position; `values` has undefined there. */
  readonly errors: readonly (readonly [position: number, error: PlainError])[] | null;
}

/** A result lies in the list of the block's results. */
const RESULT_DEPTH = 2;

/** Collects the results of one block after another, on the object's thread. */
export class ResultCollector {
  readonly #codec: ValueCodec;
  #count = 0;
  #numbers: Float64Array<ArrayBuffer> | null = null;
  #values: unknown[] | null = null;
  #errors: [number, PlainError][] | null = null;

  constructor(codec: ValueCodec) {
    this.#codec = codec;
  }

  begin(count: number): void {
    this.#count = count;
    this.#numbers = null;
    this.#values = null;
    this.#errors = null;
  }

  /** Results are set in order of position. */
  set(position: number, result: unknown): void {
    if (this.#values !== null) {
      this.#values[position] = result;
    } else if (typeof result === 'number' && (this.#numbers !== null || position === 0)) {
      (this.#numbers ??= new Float64Array(this.#count))[position] = result;
    } else if (result !== undefined || this.#numbers !== null) {
      this.#values = this.#generalised(position);
      this.#values[position] = result;
    }
  }

  fail(position: number, error: PlainError): void {
    (this.#errors ??= []).push([position, error]);
    this.set(position, undefined);
  }

  end(session: SessionId, id: number): ResultBlock {
    const count = this.#count;
    const values = this.#values;
    if (values !== null)
      return { session, id, count, numbers: null, values: this.#encode(values), errors: this.#errors };
    return { session, id, count, numbers: this.#numbers, values: null, errors: this.#errors };
  }

  /** The results so far, no longer assumed to be all of one kind. */
  #generalised(position: number): unknown[] {
    const values: unknown[] = Array.from({ length: this.#count });
    if (this.#numbers !== null) for (let i = 0; i < position; i++) values[i] = this.#numbers[i];
    this.#numbers = null;
    return values;
  }

  #encode(values: unknown[]): Uint8Array<ArrayBuffer> {
    try {
      return this.#codec.encodeInto(values).slice();
    } catch {
      for (let position = 0; position < values.length; position++) {
        const error = this.#whyNotEncodable(values[position]);
        if (error === null) continue;
        values[position] = undefined;
        (this.#errors ??= []).push([position, toPlainError(error)]);
      }
      return this.#codec.encodeInto(values).slice();
    }
  }

  #whyNotEncodable(value: unknown): ConclaveError | null {
    try {
      // As deep as it lies in the list of all results.
      this.#codec.encodeInto(value, 'result', RESULT_DEPTH);
      return null;
    } catch (error) {
      const { message, data } = error as ConclaveError;
      return new ConclaveError('ERR_RESULT_NOT_ENCODABLE', `It has run, but cannot return its result: ${message}`, {
        data,
      });
    }
  }
}

/** The buffers of a result that are to be transferred. */
export function collectTransfers(block: ResultBlock, into: ArrayBuffer[]): void {
  if (block.numbers !== null) into.push(block.numbers.buffer);
  if (block.values !== null) into.push(block.values.buffer);
}

/** An error as a caller gets it: our own as they are, the user's as the cause of `ERR_COMMAND_THREW`. */
export function resultError(plain: PlainError, isQuery: boolean): ConclaveError {
  const thrown = fromPlainError(plain);
  const error =
    thrown instanceof ConclaveError
      ? thrown
      : new ConclaveError('ERR_COMMAND_THREW', thrown.message, { cause: thrown });
  return isQuery ? withoutConsequence(error) : error;
}

/** A query changes nothing, whatever it ends with. */
function withoutConsequence({ code, message, data, cause }: ConclaveError): ConclaveError {
  return new ConclaveError(code, message, { data, cause, mayBeApplied: false, retrySafe: true });
}
