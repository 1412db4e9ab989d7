/**
 * Walks over values and writes them in the form of state-format.ts, as much at a time as it is told to. One writer
 * writes one stream, on whatever thread; it runs no code of the user, and the values must not change until their body
 * is written.
 */

import { assert } from '../../../assert.js';
import { ByteWriter } from './byte-writer.js';
import { Closure, closureOf, dataKeys, fieldKeys, isPlainProperty, Kind, kindOf } from './container-kinds.js';
import { ContainerNumbers } from './container-numbers.js';
import { SLICE_UNITS } from './run-in-slices.js';
import { KEYS_MAX, STATE_VERSION, Tag } from './state-format.js';
import { VIEW_FORMS, viewType } from './view-forms.js';

/** Thrown where there is what a state cannot hold: always the same, for why and where is found by another walk. */
export const REFUSED = new Error('This state cannot be written.');

/** Stands for the value of a field that there is no more. */
const ABSENT = Symbol('absent');

export class StateWriter {
  readonly #bytes: ByteWriter;
  readonly #numbers = new ContainerNumbers();
  readonly #keyNumbers = new Map<string, number>();
  /** Containers whose content is to be written, in the order in which they were met. */
  #queue: object[] = [];
  /** The kind of each; see `arrayKind`. */
  #kinds: number[] = [];
  /** The one whose content is being written. */
  #current = 0;
  /** How far within it: the next item of an array, the next key of an object. */
  #position = 0;
  #keys: readonly string[] | null = null;
  /** Of the root. */
  #absent: readonly string[] = [];
  #closure = 0;
  #iterator: IterableIterator<unknown> | null = null;
  /** The value that belongs to a key which has just become a tail. */
  #owed: unknown;
  #isOwing = false;
  /** What is left of the slice. */
  #units = SLICE_UNITS;

  /** `out` is given views of memory that is written to again when it has returned. */
  constructor(out: (bytes: Uint8Array) => void, form: number) {
    this.#bytes = new ByteWriter(out);
    this.#bytes.byte(STATE_VERSION);
    this.#bytes.byte(form);
  }

  /**
   * Starts a body that holds the fields of an instance, and says which of those that it was made with it has no more.
   */
  startFields(instance: object, madeFields: readonly string[]): void {
    this.#start(instance, Kind.object);
    this.#absent = madeFields.filter((field) => !Object.hasOwn(instance, field));
  }

  /** Starts a body that holds one value. */
  startValue(value: unknown): void {
    this.#start([value], arrayKind(1));
  }

  /** Starts a body that is one of many. */
  startChunk(value: unknown): void {
    this.#bytes.byte(Tag.chunk);
    this.startValue(value);
  }

  /** Ends a stream of chunks. */
  endChunks(): void {
    this.#bytes.byte(Tag.end);
  }

  /** Hands on what is still in the buffer: the stream is whole. */
  finish(): void {
    this.#bytes.flush();
  }

  #start(root: object, kind: number): void {
    this.#numbers.clear();
    this.#numbers.add(root);
    this.#queue = [root];
    this.#kinds = [kind];
    this.#current = 0;
    this.#position = 0;
  }

  /**
   * Goes on writing the body. True when it is written, false when a slice is.
   *
   * @throws REFUSED when there is something that a state cannot hold.
   */
  run(): boolean {
    for (;;) {
      if (this.#units <= 0) {
        this.#units = SLICE_UNITS;
        return false;
      }
      if (this.#bytes.hasTail) {
        this.#units = this.#bytes.writeTail(this.#units);
      } else if (this.#isOwing) {
        this.#isOwing = false;
        this.#write(this.#owed);
        this.#owed = undefined;
      } else if (this.#current === this.#queue.length) {
        return true;
      } else if (this.#writeContent()) {
        this.#current++;
        this.#position = 0;
        this.#units--;
      }
    }
  }

  /** Goes on with the current container. True at its end, false when there is a tail or the slice is over. */
  #writeContent(): boolean {
    const container = this.#queue[this.#current]!;
    const kind = this.#kinds[this.#current]!;
    this.#bytes.begin();
    if (kind >= ARRAY_KINDS) return this.#writeItems(container as unknown[], kind - ARRAY_KINDS);
    if (kind === Kind.map) return this.#writeEntries(container as Map<unknown, unknown>);
    if (kind === Kind.set) return this.#writeMembers(container as Set<unknown>);
    return this.#writeProperties(container);
  }

  #writeItems(array: readonly unknown[], length: number): boolean {
    if (array.length !== length) throw REFUSED;
    while (this.#position < length) {
      if (this.#isInterrupted()) return false;
      const item = array[this.#position];
      if (item === undefined && !Object.hasOwn(array, this.#position)) this.#bytes.byte(Tag.hole);
      else this.#write(item);
      this.#position++;
    }
    return !this.#bytes.hasTail;
  }

  #writeEntries(map: ReadonlyMap<unknown, unknown>): boolean {
    this.#iterator ??= map.entries();
    if (this.#isInterrupted()) return false;
    // Going on with an iterator is what is meant: that of a Map is not closed by leaving the loop.
    for (const [key, value] of this.#iterator as IterableIterator<[unknown, unknown]>) {
      this.#write(key);
      if (this.#bytes.hasTail) {
        this.#owed = value;
        this.#isOwing = true;
        return false;
      }
      this.#write(value);
      if (this.#isInterrupted()) return false;
    }
    return this.#endContent();
  }

  #writeMembers(set: ReadonlySet<unknown>): boolean {
    this.#iterator ??= set.values();
    if (this.#isInterrupted()) return false;
    for (const member of this.#iterator) {
      this.#write(member);
      if (this.#isInterrupted()) return false;
    }
    return this.#endContent();
  }

  #writeProperties(object: object): boolean {
    if (this.#keys === null) {
      this.#keys = this.#current === 0 ? this.#fieldKeys(object) : dataKeys(object);
      this.#closure = this.#current === 0 ? Closure.open : closureOf(object);
      if (this.#keys === null) throw REFUSED;
    }
    const keys = this.#keys;
    while (this.#position < keys.length) {
      if (this.#isInterrupted()) return false;
      const key = keys[this.#position++]!;
      const property = Object.getOwnPropertyDescriptor(object, key);
      const isAbsent = property === undefined && this.#current === 0 && this.#absent.includes(key);
      if (!isAbsent && (property === undefined || !isPlainProperty(property, this.#closure))) throw REFUSED;
      const value: unknown = isAbsent ? ABSENT : property!.value;
      this.#writeKey(key);
      if (this.#bytes.hasTail) {
        this.#owed = value;
        this.#isOwing = true;
        return false;
      }
      this.#write(value);
    }
    return this.#endContent();
  }

  #fieldKeys(instance: object): string[] | null {
    const keys = fieldKeys(instance);
    return keys === null ? null : [...keys, ...this.#absent];
  }

  #endContent(): boolean {
    if (this.#bytes.hasTail) return false;
    this.#bytes.begin();
    this.#bytes.byte(Tag.end);
    this.#iterator = null;
    this.#keys = null;
    return true;
  }

  #isInterrupted(): boolean {
    return this.#units <= 0 || this.#bytes.hasTail;
  }

  #writeKey(key: string): void {
    this.#bytes.begin();
    const number = this.#keyNumbers.get(key);
    if (number === undefined) {
      if (this.#keyNumbers.size < KEYS_MAX) this.#keyNumbers.set(key, this.#keyNumbers.size);
      this.#bytes.text(key);
    } else if (number < 0x80) {
      this.#bytes.byte(number);
    } else {
      this.#bytes.byte(Tag.key);
      this.#bytes.length(number);
    }
  }

  #write(value: unknown): void {
    const bytes = this.#bytes;
    this.#units--;
    bytes.begin();
    switch (typeof value) {
      case 'string':
        bytes.text(value);
        break;
      case 'number':
        bytes.number(value);
        break;
      case 'boolean':
        bytes.byte(value ? Tag.true : Tag.false);
        break;
      case 'object':
        if (value === null) bytes.byte(Tag.null);
        else this.#writeContainer(value);
        break;
      case 'undefined':
        bytes.byte(Tag.undefined);
        break;
      case 'bigint':
        bytes.bigint(value);
        break;
      default:
        if (value !== ABSENT) throw REFUSED;
        bytes.byte(Tag.hole);
    }
  }

  /** A container where it is met: a reference, or its head, and for what has no content to come, all of it. */
  #writeContainer(container: object): void {
    const bytes = this.#bytes;
    const number = this.#numbers.get(container);
    if (number !== undefined) {
      bytes.byte(Tag.reference);
      bytes.length(number);
      return;
    }
    const kind = kindOf(container);
    const closure = closureOf(container);
    if (closure !== Closure.open) {
      bytes.byte(Tag.closed);
      bytes.byte(closure);
    }
    this.#numbers.add(container);
    switch (kind) {
      case Kind.object:
        this.#announce(container, kind, Tag.object);
        break;
      case Kind.array: {
        const { length } = container as unknown[];
        this.#announce(container, arrayKind(length), Tag.array);
        bytes.length(length);
        break;
      }
      case Kind.map:
        this.#announce(container, kind, Tag.map);
        break;
      case Kind.set:
        this.#announce(container, kind, Tag.set);
        break;
      case Kind.nullPrototypeObject:
        this.#announce(container, kind, Tag.nullPrototypeObject);
        break;
      case Kind.date:
        bytes.byte(Tag.date);
        bytes.float64((container as Date).getTime());
        break;
      case Kind.arrayBuffer:
        bytes.byte(Tag.arrayBuffer);
        bytes.memory(new Uint8Array(container as ArrayBuffer));
        break;
      case Kind.view:
        this.#writeView(container as ArrayBufferView);
        break;
      default:
        throw REFUSED;
    }
  }

  #announce(container: object, kind: number, tag: number): void {
    this.#bytes.byte(tag);
    this.#queue.push(container);
    this.#kinds.push(kind);
  }

  /**
   * Views of the same memory stay views of the same memory, so all of it is written. Not so a Buffer: what lies beside
   * it is Node's pool, and on every node something else.
   */
  #writeView(view: ArrayBufferView): void {
    const { buffer, byteOffset, byteLength } = view;
    const type = viewType(view);
    assert(type !== undefined, 'a view has a form');
    this.#bytes.byte(Tag.view);
    this.#bytes.byte(type);
    const isPart = VIEW_FORMS[type]!.name === 'Buffer' && byteLength !== buffer.byteLength;
    this.#bytes.length(isPart ? 0 : byteOffset);
    this.#bytes.length(byteLength);
    this.#writeContainer(isPart ? new Uint8Array(view.buffer, byteOffset, byteLength).slice().buffer : buffer);
  }
}

/** The kinds of arrays follow after all others, and say how long the array was when it was met. */
const ARRAY_KINDS = 16;

function arrayKind(length: number): number {
  return ARRAY_KINDS + length;
}
