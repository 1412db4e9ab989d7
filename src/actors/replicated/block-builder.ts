/**
 * Gathers the commands of one turn into one block (block.ts), on the caller's thread. Each command is encoded at the
 * moment of the call, so that what the caller does to its arguments afterwards changes nothing.
 */

import { ConclaveError } from '../../errors.js';
import type { SessionId } from '../../ids.js';
import { BLOCK_HEADER_BYTES, BLOCK_NAMES_MAX, CANCELLED_NAME } from './block.js';
import type { ValueCodec } from './value-codec.js';

const SCRATCH_BYTES_MIN = 4096;
/** A scratch that grew beyond this is given back after its block. */
const SCRATCH_BYTES_KEPT = 4 * 1024 * 1024;
const ARRAY_HEADER_BYTES = 5;
/** The arguments of a command are an item of the list of all commands. */
const NESTING_IN_BLOCK = 2;

/** A method as commands name it. One object per method of a handle, so that a block finds its number without a lookup. */
export class MethodName {
  readonly text: string;
  readonly utf8: Uint8Array;
  /** The block in which `number` is valid. */
  block: BlockBuilder | null = null;
  number = 0;

  constructor(object: string, method: string) {
    this.text = `${object}.${method}`;
    this.utf8 = new TextEncoder().encode(this.text);
  }
}

/** One block under construction. Empty again after `seal`, and ready for the next one. */
export class BlockBuilder {
  readonly #codec: ValueCodec;
  readonly #commandBytesMax: number;
  #names: MethodName[] = [];
  #namesBytes = 0;
  #scratch = new Uint8Array(SCRATCH_BYTES_MIN);
  /** Invariant: ARRAY_HEADER_BYTES <= length <= scratch.length. */
  #length = ARRAY_HEADER_BYTES;
  #count = 0;
  /** Where each command starts in the scratch; kept so that a command can be cancelled before the block is sent. */
  #offsets = new Uint32Array(16);

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
    return BLOCK_HEADER_BYTES + this.#namesBytes + this.#length;
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
    const encoded = this.#codec.encodeInto(args, 'args', NESTING_IN_BLOCK);
    const size = encoded.length;
    if (size > this.#commandBytesMax) {
      throw new ConclaveError(
        'ERR_COMMAND_TOO_LARGE',
        `The arguments of ${name.text} take ${size} bytes, and limits.commandBytes is ${this.#commandBytesMax}. ` +
          'Split the command, or raise the limit on every node.',
        { data: { method: name.text, bytes: size, bytesMax: this.#commandBytesMax } },
      );
    }
    if (name.block !== this) this.#introduce(name);
    const start = this.#length;
    if (start + 1 + size > this.#scratch.length) this.#grow(start + 1 + size);
    const scratch = this.#scratch;
    scratch[start] = name.number;
    copy(encoded, scratch, start + 1, size);
    this.#length = start + 1 + size;
    if (this.#count === this.#offsets.length) this.#growOffsets();
    this.#offsets[this.#count] = start;
    return this.#count++;
  }

  /** Makes everyone skip the command at `position`: it will never run anywhere. */
  cancel(position: number): void {
    this.#scratch[this.#offsets[position]!] = CANCELLED_NAME;
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
    for (const { utf8 } of this.#names) {
      view.setUint16(offset, utf8.length, true);
      block.set(utf8, offset + 2);
      offset += 2 + utf8.length;
    }
    this.#scratch[0] = 0xdd;
    new DataView(this.#scratch.buffer).setUint32(1, 2 * this.#count, false);
    block.set(this.#scratch.subarray(0, this.#length), offset);
    this.clear();
    return block.buffer;
  }

  /** Forgets all commands. */
  clear(): void {
    for (const name of this.#names) if (name.block === this) name.block = null;
    this.#names = [];
    this.#namesBytes = 0;
    this.#length = ARRAY_HEADER_BYTES;
    this.#count = 0;
    if (this.#scratch.length > SCRATCH_BYTES_KEPT) this.#scratch = new Uint8Array(SCRATCH_BYTES_MIN);
  }

  #introduce(name: MethodName): void {
    name.block = this;
    name.number = this.#names.length;
    this.#names.push(name);
    this.#namesBytes += 2 + name.utf8.length;
  }

  #grow(atLeast: number): void {
    const grown = new Uint8Array(Math.max(atLeast, 2 * this.#scratch.length));
    grown.set(this.#scratch.subarray(0, this.#length));
    this.#scratch = grown;
  }

  #growOffsets(): void {
    const grown = new Uint32Array(2 * this.#offsets.length);
    grown.set(this.#offsets);
    this.#offsets = grown;
  }
}

/** Below this a loop beats the call into the engine's memcpy. */
const LOOP_COPY_BYTES_MAX = 24;

function copy(from: Uint8Array, to: Uint8Array, at: number, size: number): void {
  if (size > LOOP_COPY_BYTES_MAX) {
    to.set(from, at);
    return;
  }
  for (let i = 0; i < size; i++) to[at + i] = from[i]!;
}
