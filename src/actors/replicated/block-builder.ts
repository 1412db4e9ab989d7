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

const NO_NAME = new Uint8Array(0);

/** A method as commands name it. One object per method of a handle, so that a block finds its number without a lookup. */
export class MethodName {
  readonly text: string;
  readonly utf8: Uint8Array;
  /** The code version from which on there is such a command. */
  readonly since: number;
  /** The block in which `number` is valid. */
  block: BlockBuilder | null = null;
  number = 0;

  constructor(object: string, method: string, since = 0) {
    this.since = since;
    this.text = `${object}.${method}`;
    this.utf8 = new TextEncoder().encode(this.text);
  }
}

/** One block under construction. Empty again after `seal`, and ready for the next one. */
export class BlockBuilder {
  readonly #codec: ValueCodec;
  readonly #commandBytesMax: number;
  /** By number; null: the one that no name has. */
  #names: (MethodName | null)[] = [];
  #namesBytes = 0;
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
    return BLOCK_HEADER_BYTES + this.#namesBytes + this.#commands.byteLength;
  }

  /** Can a command with this name still be added? */
  accepts(name: MethodName): boolean {
    return name.block === this || this.#names.length < BLOCK_NAMES_MAX;
  }

  /**
   * Adds a command and returns its position.
   *
   * @throws ConclaveError `ERR_NOT_ENCODABLE` or `ERR_COMMAND_TOO_LARGE`; the block is as it was.
   */
  add(name: MethodName, args: readonly unknown[]): number {
    checkArgsCount(name.text, args);
    const encoded = this.#codec.encodeInto(args, 'args', NESTING_IN_BLOCK);
    if (encoded.length > this.#commandBytesMax) throw this.#tooLarge(name, encoded.length);
    if (name.block !== this) this.#introduce(name);
    this.#commands.reserve(3 + encoded.length);
    const at = this.#commands.addNumber(name.number);
    this.#commands.add(encoded);
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
    view.setUint32(20, this.#names.length, true);
    let offset = BLOCK_HEADER_BYTES;
    for (const name of this.#names) {
      const utf8 = name?.utf8 ?? NO_NAME;
      view.setUint16(offset, utf8.length, true);
      offset += 2;
      // Short: a loop beats the call into the engine's memcpy.
      for (let i = 0; i < utf8.length; i++) block[offset + i] = utf8[i]!;
      offset += utf8.length;
    }
    block.set(this.#commands.finish(2 * this.#count), offset);
    this.clear();
    return block.buffer;
  }

  /** Forgets all commands. */
  clear(): void {
    for (const name of this.#names) if (name?.block === this) name.block = null;
    this.#names = [];
    this.#namesBytes = 0;
    this.#commands.clear();
    this.#count = 0;
  }

  #introduce(name: MethodName): void {
    if (this.#names.length === CANCELLED_NAME) {
      this.#names.push(null);
      this.#namesBytes += 2;
    }
    name.block = this;
    name.number = this.#names.length;
    this.#names.push(name);
    this.#namesBytes += 2 + name.utf8.length;
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
