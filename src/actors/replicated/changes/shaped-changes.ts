/**
 * Makes changes again from their shape (change-shapes.ts) and their other values: for those who watch, on the caller's
 * thread, and for a ChangeRecorder that looks for a key in what it keeps, on that of the objects. Pure.
 */

import type { ChangeShape } from './change-shapes.js';

type Values = readonly unknown[];

/**
 * The properties of most changes of the ready-made objects. By a literal, a change is made several times as fast as one
 * name at a time, and read faster.
 */
const LITERALS: readonly (readonly [names: string, make: (type: string, values: Values) => object])[] = [
  ['type', (type) => ({ type })],
  ['type,item', (type, [item]) => ({ type, item })],
  ['type,value', (type, [value]) => ({ type, value })],
  ['type,value,previous', (type, [value, previous]) => ({ type, value, previous })],
  ['type,key,value', (type, [key, value]) => ({ type, key, value })],
  ['type,key,previous', (type, [key, previous]) => ({ type, key, previous })],
  ['type,key,value,previous', (type, [key, value, previous]) => ({ type, key, value, previous })],
  ['type,index,value,previous', (type, [index, value, previous]) => ({ type, index, value, previous })],
];

/** Makes changes of this shape. */
export class ShapedChanges {
  readonly #make: ((type: string, values: Values) => object) | undefined;
  readonly #names: readonly string[];
  readonly #typeAt: number;
  readonly #type: string;

  constructor({ names, typeAt, type }: ChangeShape) {
    this.#names = names;
    this.#typeAt = typeAt;
    // As the engine has the strings of the program: it tells those apart by their addresses, and readers look at it
    // first.
    this.#type = Object.keys({ [type]: type })[0]!;
    this.#make = typeAt === 0 ? literalOf(names) : undefined;
  }

  of(values: Values): object {
    if (this.#make !== undefined) return this.#make(this.#type, values);
    const names = this.#names;
    const change: Record<string, unknown> = {};
    let next = 0;
    for (let i = 0; i < names.length; i++) change[names[i]!] = i === this.#typeAt ? this.#type : values[next++];
    return change;
  }
}

/** Names may have commas in them: then they are fewer. */
function literalOf(names: readonly string[]): ((type: string, values: Values) => object) | undefined {
  const joined = names.join();
  return LITERALS.find(([literal]) => literal === joined && literal.split(',').length === names.length)?.[1];
}
