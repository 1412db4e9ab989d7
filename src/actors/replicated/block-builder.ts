/**
 * Gathers the commands of one turn into one block (block.ts), on the caller's thread. Each command is encoded at the
 * moment of the call, so that what the caller does to its arguments afterwards changes nothing.
 */

import { ConclaveError } from '../../errors.js';
import type { SessionId } from '../../ids.js';
import { ArrayWriter } from './array-writer.js';
import { BLOCK_HEADER_BYTES, BLOCK_NAMES_MAX, CANCELLED_NAME } from './block.js';
import type { ValueCodec } from './value-codec.js';

/** The arguments of a command are an item of the list of all commands. */
const NESTING_IN_BLOCK = 2;

/**
 * Arguments of one call. The engine puts them on the stack when the method is called, and how much room there is differs
 * between threads: what one replica can call, all must be able to.
 */
const ARGS_MAX = 4_096;

/** The table's entry for the number that no name has. */
const NO_NAME = Uint8Array.of(0, 0);

const TABLE_BYTES_MIN = 256;
/** A table that has grown beyond this is given back. */
const TABLE_BYTES_KEPT = 1024 * 1024;

/** Tells the contents of builders apart: each gets another one when it is empty again. */
let stamps = 0;

/** A method as commands name it. One object per method of a handle, so that a block finds its number without a lookup. */
export class MethodName {
  readonly text: string;
  /** Its length and itself, as the table of names has them. */
  readonly encoded: Uint8Array;
  /** The code version from which on there is such a command. */
  readonly since: number;
  /** Of the block in which `number` is valid. */
  stamp = 0;
  number = 0;

  constructor(object: string, method: string, since = 0) {
    this.since = since;
    this.text = `${object}.${method}`;
    const utf8 = new TextEncoder().encode(this.text);
    this.encoded = Uint8Array.of(utf8.length & 0xff, utf8.length >>> 8, ...utf8);
  }
}

/** One block under construction. Empty again after `seal`, and ready for the next one. */
export class BlockBuilder {
  readonly #codec: ValueCodec;
  readonly #commandBytesMax: number;
  #stamp = ++stamps;
  /** How many names there are, with the one that is none. */
  #names = 0;
  /** As the block has them. */
  #table = new Uint8Array(TABLE_BYTES_MIN);
  #tableBytes = 0;
  readonly #commands = new ArrayWriter();
  #count = 0;
  /** Where each command's name number is, so that a command can be cancelled before the block is sent. */
  #nameNumbersAt = new Uint32Array(16);

  constructor(codec: ValueCodec, commandBytesMax: number) {
    this.#codec = codec;
    this.#commandBytesMax = commandBytesMax;
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
    return name.stamp === this.#stamp || this.#names < BLOCK_NAMES_MAX;
  }

  /**
   * Adds a command and returns its position.
   *
   * @throws ConclaveError `ERR_NOT_ENCODABLE` or `ERR_COMMAND_TOO_LARGE`; the block is as it was.
   */
  add(name: MethodName, args: readonly unknown[]): number {
    checkArgsCount(name.text, args);
    const before = this.#commands.byteLength;
    const at = this.#commands.addNumber(name.stamp === this.#stamp ? name.number : this.#nextNumber);
    try {
      this.#addArgs(name, args);
    } catch (error) {
      this.#commands.rewind(before);
      throw error;
    }
    if (name.stamp !== this.#stamp) this.#introduce(name);
    if (this.#count === this.#nameNumbersAt.length) this.#growPositions();
    this.#nameNumbersAt[this.#count] = at;
    return this.#count++;
  }

  /** Makes everyone skip the command at `position`: it will never run anywhere. */
  cancel(position: number): void {
    this.#commands.replaceNumber(this.#nameNumbersAt[position]!, CANCELLED_NAME);
  }

  /** Writes the block into one exact buffer, which may be transferred. */
  seal(session: SessionId | 0, firstSeq: number): ArrayBuffer {
    const block = new Uint8Array(this.byteLength);
    const view = new DataView(block.buffer);
    view.setFloat64(0, session, true);
    view.setFloat64(8, firstSeq, true);
    view.setUint32(16, this.#count, true);
    view.setUint32(20, this.#names, true);
    block.set(this.#table.subarray(0, this.#tableBytes), BLOCK_HEADER_BYTES);
    block.set(this.#commands.finish(2 * this.#count), BLOCK_HEADER_BYTES + this.#tableBytes);
    this.clear();
    return block.buffer;
  }

  /** Forgets all commands. */
  clear(): void {
    this.#stamp = ++stamps;
    this.#names = 0;
    this.#tableBytes = 0;
    if (this.#table.length > TABLE_BYTES_KEPT) this.#table = new Uint8Array(TABLE_BYTES_MIN);
    this.#commands.clear();
    this.#count = 0;
  }

  /** They count even when they are refused: whoever adds them takes them back. */
  #addArgs(name: MethodName, args: readonly unknown[]): void {
    const commands = this.#commands;
    const start = commands.byteLength;
    let bytes: number;
    if (commands.addScalarList(args)) {
      bytes = commands.byteLength - start;
    } else {
      const encoded = this.#codec.encodeInto(args, 'args', NESTING_IN_BLOCK);
      bytes = encoded.length;
      if (bytes <= this.#commandBytesMax) commands.add(encoded);
    }
    if (bytes > this.#commandBytesMax) throw this.#tooLarge(name, bytes);
  }

  /** Of the next name. */
  get #nextNumber(): number {
    return this.#names === CANCELLED_NAME ? CANCELLED_NAME + 1 : this.#names;
  }

  #introduce(name: MethodName): void {
    name.stamp = this.#stamp;
    name.number = this.#nextNumber;
    if (name.number > this.#names) this.#addToTable(NO_NAME);
    this.#addToTable(name.encoded);
  }

  #addToTable(encoded: Uint8Array): void {
    const { length } = encoded;
    const start = this.#tableBytes;
    if (start + length > this.#table.length) this.#growTable(start + length);
    const table = this.#table;
    // Short: a loop beats the call into the engine's memcpy.
    for (let i = 0; i < length; i++) table[start + i] = encoded[i]!;
    this.#tableBytes = start + length;
    this.#names++;
  }

  #growTable(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, 2 * this.#table.length));
    grown.set(this.#table.subarray(0, this.#tableBytes));
    this.#table = grown;
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

/** @throws ConclaveError `ERR_COMMAND_TOO_LARGE` when a call has more arguments than every replica can pass on. */
export function checkArgsCount(method: string, { length }: readonly unknown[]): void {
  if (length <= ARGS_MAX) return;
  throw new ConclaveError(
    'ERR_COMMAND_TOO_LARGE',
    `${method} was called with ${length} arguments, and a call may have ${ARGS_MAX}: pass an array as one argument.`,
    { data: { method, args: length, argsMax: ARGS_MAX } },
  );
}
