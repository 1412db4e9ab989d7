/**
 * Gathers the commands of one turn into one block (block.ts), on the caller's thread. Each command is encoded at the
 * moment of the call, so that what the caller does to its arguments afterwards changes nothing.
 */

import { ConclaveError } from '../../errors.js';
import type { SessionId } from '../../ids.js';
import { ArrayWriter } from './array-writer.js';
import { BLOCK_HEADER_BYTES, CANCELLED_NAME } from './block.js';
import type { BlockNames, MethodName } from './block-names.js';
import type { ValueCodec } from './value-codec.js';

/** The arguments of a command are an item of the list of all commands. */
const NESTING_IN_BLOCK = 2;

/**
 * Arguments of one call. The engine puts them on the stack when the method is called, and how much room there is
 * differs between threads: what one replica can call, all must be able to.
 */
const ARGS_MAX = 4_096;

const NO_BYTES = new Uint8Array(0);

/** One block under construction. Empty again after `seal`, and ready for the next one. */
export class BlockBuilder {
  readonly #codec: ValueCodec;
  readonly #commandBytesMax: number;
  readonly #names: BlockNames;
  /** The block's own part of the table, which the blocks behind it may add to. */
  #table = NO_BYTES;
  #tableBytes = 0;
  #tableNames = 0;
  readonly #commands = new ArrayWriter();
  #count = 0;
  /** Where each command's name number is, so that a command can be cancelled before the block is sent. */
  #nameNumbersAt = new Uint32Array(16);

  /**
   * @param names shared by all builders of a lane: no block of it gets another command once the next one has got one
   */
  constructor(codec: ValueCodec, commandBytesMax: number, names: BlockNames) {
    this.#codec = codec;
    this.#commandBytesMax = commandBytesMax;
    this.#names = names;
  }

  /** The number of commands, cancelled ones included. */
  get count(): number {
    return this.#count;
  }

  /** The size of the sealed block. */
  get byteLength(): number {
    return BLOCK_HEADER_BYTES + this.#tableBytes + this.#commands.byteLength;
  }

  /** Can a command with this name still be added? */
  accepts(name: MethodName): boolean {
    return this.#count === 0 || this.#names.accepts(name);
  }

  /**
   * Adds a command and returns its position.
   *
   * @param encoded what `encodeArgs` has made of the arguments; null where it need not be asked
   * @throws ConclaveError `ERR_NOT_ENCODABLE` or `ERR_COMMAND_TOO_LARGE`; the block is as it was.
   */
  add(name: MethodName, args: readonly unknown[], encoded: Uint8Array | null = null): number {
    checkArgsCount(name.text, args);
    const names = this.#names;
    if (this.#count === 0) names.begin();
    const before = this.#commands.byteLength;
    const at = this.#commands.addNumber(names.numberOf(name));
    try {
      this.#addArgs(name, args, encoded);
    } catch (error) {
      this.#commands.rewind(before);
      throw error;
    }
    if (!names.isCalled(name)) this.#call(name);
    if (this.#count === this.#nameNumbersAt.length) this.#growPositions();
    this.#nameNumbersAt[this.#count] = at;
    return this.#count++;
  }

  /** Makes everyone skip the command at `position`: it will never run anywhere. */
  cancel(position: number): void {
    this.#commands.replaceNumber(this.#nameNumbersAt[position]!, CANCELLED_NAME);
  }

  /** Writes the block into one exact buffer, which may be transferred, and forgets it. */
  seal(session: SessionId | 0, firstSeq: number): ArrayBuffer {
    const block = this.encode(session, firstSeq);
    this.clear();
    return block;
  }

  /** The same, and keeps it, for it may have to be written once more. */
  encode(session: SessionId | 0, firstSeq: number): ArrayBuffer {
    const block = new Uint8Array(this.byteLength);
    const view = new DataView(block.buffer);
    view.setFloat64(0, session, true);
    view.setFloat64(8, firstSeq, true);
    view.setUint32(16, this.#count, true);
    view.setUint32(20, this.#tableNames, true);
    block.set(this.#table.subarray(0, this.#tableBytes), BLOCK_HEADER_BYTES);
    block.set(this.#commands.finish(2 * this.#count), BLOCK_HEADER_BYTES + this.#tableBytes);
    return block.buffer;
  }

  /** Forgets all commands. */
  clear(): void {
    this.#table = NO_BYTES;
    this.#tableBytes = 0;
    this.#tableNames = 0;
    this.#commands.clear();
    this.#count = 0;
  }

  /** They count even when they are refused: whoever adds them takes them back. */
  #addArgs(name: MethodName, args: readonly unknown[], encodedBefore: Uint8Array | null): void {
    const commands = this.#commands;
    const start = commands.byteLength;
    let bytes: number;
    if (encodedBefore === null && commands.addScalarList(args)) {
      bytes = commands.byteLength - start;
    } else {
      const encoded = encodedBefore ?? this.#codec.encodeInto(args, 'args', NESTING_IN_BLOCK);
      bytes = encoded.length;
      if (bytes <= this.#commandBytesMax) commands.add(encoded);
    }
    if (bytes > this.#commandBytesMax) throw this.#tooLarge(name, bytes);
  }

  #call(name: MethodName): void {
    const names = this.#names;
    names.call(name);
    this.#table = names.bytes;
    this.#tableBytes = names.byteLength;
    this.#tableNames = names.count;
  }

  #growPositions(): void {
    const grown = new Uint32Array(2 * this.#nameNumbersAt.length);
    grown.set(this.#nameNumbersAt);
    this.#nameNumbersAt = grown;
  }

  #tooLarge({ text }: MethodName, bytes: number): ConclaveError {
    const bytesMax = this.#commandBytesMax;
    return new ConclaveError(
      'ERR_COMMAND_TOO_LARGE',
      `The arguments of ${text} take ${bytes} bytes, and limits.commandBytes is ${bytesMax}. ` +
        'Split the command, or raise the limit on every node.',
      { data: { method: text, bytes, bytesMax } },
    );
  }
}

/**
 * Encodes arguments that have getters or proxies in them, perhaps, which run the caller's code: that may make calls
 * itself, or have blocks sent, so that it must not run while a command is being added to one. Null: there are none, and
 * the builder encodes them itself. The bytes are valid until the codec encodes again.
 *
 * @throws ConclaveError `ERR_NOT_ENCODABLE` or `ERR_COMMAND_TOO_LARGE`.
 */
export function encodeArgs(codec: ValueCodec, name: MethodName, args: readonly unknown[]): Uint8Array | null {
  if (!mayRunCode(args)) return null;
  checkArgsCount(name.text, args);
  return codec.encodeInto(args, 'args', NESTING_IN_BLOCK);
}

/** May reading them run code of the caller's? */
function mayRunCode(args: readonly unknown[]): boolean {
  for (const arg of args) if ((typeof arg === 'object' && arg !== null) || typeof arg === 'function') return true;
  return false;
}

/** @throws ConclaveError `ERR_COMMAND_TOO_LARGE` when a call has more arguments than every replica can pass on. */
export function checkArgsCount(method: string, { length }: readonly unknown[]): void {
  if (length <= ARGS_MAX) return;
  throw new ConclaveError(
    'ERR_COMMAND_TOO_LARGE',
    `${method} was called with ${length} arguments, and a call may have ${ARGS_MAX}: pass an array as one argument.`,
    { data: { method, args: length, argsMax: ARGS_MAX } },
  );
}
