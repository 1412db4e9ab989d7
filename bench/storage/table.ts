/**
 * The replicated object of the rows about logs and snapshots: a map of any size, with a way to fill it that costs
 * little log. Runs on the objects' thread, and in the threads that compact.
 */

import { query, replicated } from 'conclave';

export interface TableDigest {
  readonly size: number;
  /** Changes of single keys so far. */
  readonly changes: number;
  /** Depends on every key, every value and on their order. */
  readonly hash: number;
}

/**
 * What a value is: `text` of ten characters, `record`s as programs write them, in JSON, or `noise`, which cannot be
 * compressed.
 */
export type ValueKind = 'text' | 'record' | 'noise';
export type Value = string | Uint8Array;

const TEXT_CHARS = 10;

export class Table {
  static readonly module = import.meta.url;
  private readonly map = new Map<string, Value>();
  private changes = 0;

  @replicated set(key: string, value: Value): void {
    this.map.set(key, value);
    this.changes++;
  }

  /** Sets `count` keys from the one at `from` on, to values of that kind and, but for `text`, of so many bytes. */
  @replicated fill(from: number, count: number, kind: ValueKind, bytes: number): void {
    for (let index = from; index < from + count; index++) this.map.set(keyOf(index), valueOf(kind, index, bytes));
  }

  @query digest(): TableDigest {
    let hash = 0;
    for (const [key, value] of this.map) {
      hash = (Math.imul(hash, 31) + hashOf(key)) | 0;
      hash = (Math.imul(hash, 31) + (typeof value === 'string' ? hashOf(value) : hashOfBytes(value))) | 0;
    }
    return { size: this.map.size, changes: this.changes, hash };
  }
}

/** A key of ten characters. */
export function keyOf(index: number): string {
  return `key${String(index).padStart(7, '0')}`;
}

/** The same on every node. Values of different numbers differ. */
export function valueOf(kind: ValueKind, number: number, bytes: number): Value {
  switch (kind) {
    case 'text':
      return textOf(number);
    case 'record':
      return recordOf(number, bytes);
    case 'noise':
      return noiseOf(number, bytes);
  }
}

/** Letters and digits that a compressor cannot foresee. */
function textOf(number: number): string {
  const first = nextWord(seedOf(number));
  const second = nextWord(first);
  return ((first >>> 0) * 2 ** 19 + (second >>> 13)).toString(36).padStart(TEXT_CHARS, '0');
}

function recordOf(number: number, bytes: number): string {
  let word = seedOf(number);
  let text = `{"id":${number},"state":"shipped","items":[`;
  while (text.length < bytes) {
    word = nextWord(word);
    text += `{"article":"A-${(word >>> 0) % 10_000}","count":${(word >>> 16) % 10},"priceCents":${(word >>> 8) % 100_000}},`;
  }
  return text.slice(0, bytes);
}

function noiseOf(number: number, bytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let word = seedOf(number);
  for (let index = 0; index < words.length; index++) words[index] = word = nextWord(word);
  return new Uint8Array(words.buffer).slice(0, bytes);
}

function seedOf(number: number): number {
  return Math.imul(number + 1, 0x9e37_79b1) || 1;
}

/** Marsaglia's xorshift32. */
function nextWord(word: number): number {
  word ^= word << 13;
  word ^= word >>> 17;
  return word ^ (word << 5);
}

function hashOf(text: string): number {
  let hash = text.length;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

/** Each 16th byte is enough to tell noise from other noise. */
function hashOfBytes(bytes: Uint8Array): number {
  let hash = bytes.length;
  for (let index = 0; index < bytes.length; index += 16) hash = (Math.imul(hash, 31) + bytes[index]!) | 0;
  return hash;
}
