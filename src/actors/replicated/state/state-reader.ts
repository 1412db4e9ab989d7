/**
 * Makes values again from a stream in the form of state-format.ts, as much at a time as it is told to. One reader reads
 * one stream, on whatever thread. It believes nothing that the stream says: what is not backed by bytes, or names what
 * is not there, is damage.
 */

import { ByteReader, Damage, MISSING, type Missing } from './byte-reader.js';
import { Closure } from './container-kinds.js';
import {
  ARRAY_LENGTH_MAX,
  FIRST_TAG,
  Form,
  KEYS_MAX,
  SHORT_TEXT,
  SHORT_TEXT_MAX,
  STATE_VERSION,
  Tag,
} from './state-format.js';
import { VIEW_FORMS } from './view-forms.js';

/** In place of a key: there is no more. */
const END = Symbol('end');

/** What a container is to be filled with. */
const Content = { fields: 0, object: 1, map: 2, set: 3, array: 16 } as const;

/**
 * Arrays up to this length are made with their whole length, so that they take no more memory than they need: one that
 * grows has room for 17 items from the first. Longer ones grow with the bytes that come.
 */
const WHOLE_ARRAY_MAX = 16;
const WHOLE_ARRAYS = Array.from({ length: WHOLE_ARRAY_MAX + 1 }, (_, length) =>
  Array.from<unknown>({ length }).fill(undefined),
);

export class StateReader {
  readonly #bytes: ByteReader;
  /** Containers by number; null for one that cannot be referred to, or not yet. */
  #numbered: (object | null)[] = [];
  /** Containers whose content is to come, in the order in which they were met. */
  #queue: object[] = [];
  /** What each is to be filled with; for arrays, `Content.array` and the length. */
  #contents: number[] = [];
  /** The one that is being filled, and how many items it has if it is an array. */
  #current = 0;
  #position = 0;
  /** A key that was read, and whose value has not come yet. */
  #key: unknown;
  #hasKey = false;
  /** Keys of objects by number. */
  readonly #keys: string[] = [];
  /** Containers that are to be closed when they are full, and how far. */
  #toClose: { readonly container: object; readonly closure: number }[] = [];

  /** Of the form in which the stream is written, once that has been read; one that is not ours is read no further. */
  version = STATE_VERSION;
  /** The form of the stream, after `readHeader`. */
  form = -1;
  /** The fields of the body that `startFields` started, in their order. */
  readonly fields: { readonly keys: string[]; readonly values: unknown[]; readonly absent: string[] } = {
    keys: [],
    values: [],
    absent: [],
  };
  /** Was there another chunk, after `readChunkTag`? */
  hasChunk = false;

  constructor(next: () => Uint8Array | null) {
    this.#bytes = new ByteReader(next);
  }

  /** How far into the stream it has got. */
  get offset(): number {
    return this.#bytes.offset;
  }

  /** The value of the body that `startValue` started. */
  get value(): unknown {
    return (this.#queue[0] as unknown[])[0];
  }

  /**
   * Gets the bytes that are wanted; to be called before each step. False at the end of a slice, to be called again.
   * Throws what `next` throws, and nothing else: damage is found by the steps.
   */
  gather(): boolean {
    return this.#bytes.gather();
  }

  /*
   * The steps. Each returns true when it is done, and false when it wants bytes or the slice is over, to be called
   * again; each throws Damage, or what the engine throws at what is no value.
   */

  readHeader(): boolean {
    if (!this.#bytes.isReady()) return false;
    this.version = this.#bytes.byte();
    if (this.version !== STATE_VERSION) throw new Damage(`there is no version ${this.version} of the form`);
    this.form = this.#bytes.byte();
    if (this.form > Form.chunks) throw new Damage(`it has a form ${this.form} that there is not`);
    this.#bytes.checkEnd();
    return true;
  }

  readChunkTag(): boolean {
    if (!this.#bytes.isReady()) return false;
    const tag = this.#bytes.byte();
    if (tag !== Tag.chunk && tag !== Tag.end) throw new Damage(`there is ${tag} where a chunk is due`);
    this.hasChunk = tag === Tag.chunk;
    return true;
  }

  /** The end of the stream. */
  readEnd(): boolean {
    return this.#bytes.isAtEnd();
  }

  /** Starts a body that holds the fields of this instance. */
  startFields(instance: object): void {
    this.#start(instance, instance, Content.fields);
  }

  /** Starts a body that holds one value. */
  startValue(): void {
    this.#start([], null, Content.array + 1);
  }

  #start(root: object, numbered: object | null, content: number): void {
    this.#numbered = [numbered];
    this.#queue = [root];
    this.#contents = [content];
    this.#current = 0;
    this.#position = 0;
  }

  readBody(): boolean {
    while (this.#current < this.#queue.length) {
      if (this.#bytes.units <= 0 || !this.#fill()) return false;
      this.#current++;
      this.#position = 0;
      this.#bytes.units--;
    }
    this.#bytes.checkEnd();
    return this.#close();
  }

  /** Goes on filling the current container. True when it is full. */
  #fill(): boolean {
    const container = this.#queue[this.#current]!;
    const content = this.#contents[this.#current]!;
    if (content >= Content.array) return this.#fillArray(container as unknown[], content - Content.array);
    if (content === Content.map) return this.#fillMap(container as Map<unknown, unknown>);
    if (content === Content.set) return this.#fillSet(container as Set<unknown>);
    return this.#fillObject(container as Record<string, unknown>, content);
  }

  #fillArray(array: unknown[], length: number): boolean {
    const isWhole = array.length === length;
    while (this.#position < length) {
      if (!this.#canGoOn()) return false;
      if (this.#bytes.peek() === Tag.hole) {
        this.#bytes.skip();
        if (isWhole) Reflect.deleteProperty(array, this.#position);
        else array.length++;
      } else {
        const item = this.#read();
        if (item === MISSING) return false;
        if (isWhole) array[this.#position] = item;
        else array.push(item);
      }
      this.#position++;
      this.#bytes.units--;
    }
    return true;
  }

  #fillMap(map: Map<unknown, unknown>): boolean {
    for (;;) {
      if (!this.#canGoOn()) return false;
      let key: unknown;
      if (this.#hasKey) {
        key = this.#takeKey();
      } else {
        if (this.#isAtEnd()) return true;
        key = this.#read();
        if (key === MISSING) return false;
        if (!this.#bytes.isReady()) return this.#keep(key);
      }
      const value = this.#read();
      if (value === MISSING) return this.#keep(key);
      map.set(key, value);
      this.#bytes.units -= 2;
    }
  }

  #fillSet(set: Set<unknown>): boolean {
    for (;;) {
      if (!this.#canGoOn()) return false;
      if (this.#isAtEnd()) return true;
      const member = this.#read();
      if (member === MISSING) return false;
      set.add(member);
      this.#bytes.units--;
    }
  }

  #fillObject(object: Record<string, unknown>, content: number): boolean {
    for (;;) {
      if (!this.#canGoOn()) return false;
      let key: string | symbol;
      if (this.#hasKey) {
        key = this.#takeKey() as string;
      } else {
        key = this.#readKey();
        if (key === END) return true;
        if (key === MISSING) return false;
        if (!this.#bytes.isReady()) return this.#keep(key);
      }
      if (content === Content.fields && this.#bytes.peek() === Tag.hole) {
        this.#bytes.skip();
        this.fields.absent.push(key as string);
        continue;
      }
      const value = this.#read();
      if (value === MISSING) return this.#keep(key);
      if (content === Content.fields) {
        this.fields.keys.push(key as string);
        this.fields.values.push(value);
      } else if (key === '__proto__') {
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      } else {
        object[key as string] = value;
      }
      this.#bytes.units--;
    }
  }

  /** Keeps a key until its value has come. */
  #keep(key: unknown): false {
    this.#key = key;
    this.#hasKey = true;
    return false;
  }

  #takeKey(): unknown {
    const key = this.#key;
    this.#key = undefined;
    this.#hasKey = false;
    return key;
  }

  #isAtEnd(): boolean {
    if (this.#bytes.peek() !== Tag.end) return false;
    this.#bytes.skip();
    return true;
  }

  #canGoOn(): boolean {
    return this.#bytes.units > 0 && this.#bytes.isReady();
  }

  #close(): boolean {
    while (this.#toClose.length > 0) {
      if (this.#bytes.units-- <= 0) return false;
      const { container, closure } = this.#toClose.pop()!;
      if (closure === Closure.notExtensible) Object.preventExtensions(container);
      else if (closure === Closure.sealed) Object.seal(container);
      else Object.freeze(container);
    }
    return true;
  }

  #readKey(): string | typeof END | Missing {
    const bytes = this.#bytes;
    const tag = bytes.peek();
    if (tag < FIRST_TAG || tag === Tag.text8 || tag === Tag.text16) {
      if (tag < SHORT_TEXT) return this.#knownKey(bytes.byte());
      const key = this.#read() as string | Missing;
      if (key !== MISSING && this.#keys.length < KEYS_MAX) this.#keys.push(key);
      return key;
    }
    bytes.skip();
    if (tag === Tag.end) return END;
    if (tag === Tag.key) return this.#knownKey(bytes.length());
    throw new Damage(`there is ${tag} for a key`);
  }

  #knownKey(number: number): string {
    const key = this.#keys[number];
    if (key === undefined) throw new Damage(`it refers to a key ${number} that there is not`);
    return key;
  }

  /** A value, or MISSING, having read nothing. */
  #read(): unknown {
    const bytes = this.#bytes;
    const tag = bytes.byte();
    if (tag < SHORT_TEXT) return tag;
    if (tag < FIRST_TAG) return bytes.shortText(tag & SHORT_TEXT_MAX);
    const start = bytes.position - 1;
    const value = tag < Tag.hole ? bytes.primitive(tag) : this.#readObject(tag);
    return value === MISSING ? bytes.rewind(start) : value;
  }

  #readObject(tag: number): object | Missing {
    if (tag === Tag.reference) return this.#readReference();
    if (tag !== Tag.closed) return this.#readContainer(tag, Closure.open);
    const closure = this.#readClosure();
    return this.#readContainer(this.#bytes.byte(), closure);
  }

  #readReference(): object {
    const number = this.#bytes.length();
    const container = this.#numbered[number];
    if (container === undefined || container === null) {
      throw new Damage(`it refers to a container ${number} that there is not`);
    }
    return container;
  }

  #readClosure(): number {
    const closure = this.#bytes.byte();
    if (closure >= Closure.notExtensible && closure <= Closure.frozen) return closure;
    throw new Damage(`there is no closure ${closure}`);
  }

  #readContainer(tag: number, closure: number): object | Missing {
    const container = tag === Tag.view ? this.#readView() : this.#readHead(tag);
    if (container !== MISSING && closure !== Closure.open) this.#toClose.push({ container, closure });
    return container;
  }

  #readHead(tag: number): object | Missing {
    switch (tag) {
      case Tag.object:
        return this.#announce({}, Content.object);
      case Tag.array:
        return this.#readArrayHead();
      case Tag.map:
        return this.#announce(new Map(), Content.map);
      case Tag.set:
        return this.#announce(new Set(), Content.set);
      case Tag.nullPrototypeObject:
        return this.#announce(Object.create(null) as object, Content.object);
      case Tag.date:
        return this.#number(new Date(this.#bytes.float64()));
      case Tag.arrayBuffer: {
        const memory = this.#bytes.memory();
        return memory === MISSING ? MISSING : this.#number(memory);
      }
      default:
        throw new Damage(`no value starts with ${tag}`);
    }
  }

  #readArrayHead(): unknown[] {
    const length = this.#bytes.length();
    if (length > ARRAY_LENGTH_MAX) throw new Damage(`an array has ${length} items`);
    const array = length <= WHOLE_ARRAY_MAX ? WHOLE_ARRAYS[length]!.slice() : [];
    return this.#announce(array, Content.array + length);
  }

  #readView(): object | Missing {
    const type = this.#bytes.byte();
    const offset = this.#bytes.length();
    const length = this.#bytes.length();
    // The view was met before its memory.
    const number = this.#numbered.push(null) - 1;
    const buffer = this.#readMemory();
    if (buffer === MISSING) {
      this.#numbered.length = number;
      return MISSING;
    }
    const form = VIEW_FORMS[type];
    if (form === undefined || !(buffer instanceof ArrayBuffer)) throw new Damage(`there is no view of type ${type}`);
    return (this.#numbered[number] = form.make(buffer, offset, length));
  }

  /** The memory of a view: nothing else, for views of views would have no end. */
  #readMemory(): object | Missing {
    const tag = this.#bytes.byte();
    if (tag === Tag.reference) return this.#readReference();
    const closure = tag === Tag.closed ? this.#readClosure() : Closure.open;
    const head = tag === Tag.closed ? this.#bytes.byte() : tag;
    if (head !== Tag.arrayBuffer) throw new Damage(`there is ${head} where memory is due`);
    return this.#readContainer(head, closure);
  }

  #announce<Container extends object>(container: Container, content: number): Container {
    this.#queue.push(container);
    this.#contents.push(content);
    return this.#number(container);
  }

  #number<Container extends object>(container: Container): Container {
    this.#numbered.push(container);
    return container;
  }
}
