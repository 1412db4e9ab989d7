/**
 * What is the same in most changes of one object: which properties they have, and of what type they are. Such a change
 * crosses from thread to thread as the number of its shape and a list of its other values, if those are numbers and
 * short strings, which costs a fraction of what the codec takes to name each property anew. Owned by one
 * ChangeRecorder, on the thread of the objects; who reads such changes is `ShapedChanges`.
 */

import { SCALARS_MAX } from '../scalar-list.js';
import { isWellFormed } from '../value-forms.js';

export interface ChangeShape {
  /** The names of the properties, in their order. */
  readonly names: readonly string[];
  /** Which of them is `type`, and what it is; -1: none is a string of that name. */
  readonly typeAt: number;
  readonly type: string;
}

const NO_TYPE = -1;

/** The number of a change that is encoded as a whole. */
export const SHAPELESS = 0;

/** So that what goes with each batch stays small: those of further shapes, and long types, are encoded as a whole. */
const SHAPES_MAX = 32;
const TYPE_CHARACTERS_MAX = 64;

export class ChangeShapes {
  /** The first one has the number 1. Only ever grows. */
  readonly #shapes: ChangeShape[] = [];

  get all(): readonly ChangeShape[] {
    return this.#shapes;
  }

  /**
   * The number of a change's shape, or {@link SHAPELESS}. Puts the values that the shape does not say, {@link valuesOf}
   * it, at the beginning of the list.
   */
  take(change: unknown, values: unknown[]): number {
    if (typeof change !== 'object' || change === null || Object.getPrototypeOf(change) !== Object.prototype) {
      return SHAPELESS;
    }
    const names = Object.keys(change);
    if (names.length > SCALARS_MAX) return SHAPELESS;
    let type: unknown;
    let count = 0;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const value = (change as Record<string, unknown>)[name];
      if (name === 'type' && typeof value === 'string') type = value;
      else values[count++] = value;
    }
    const shapes = this.#shapes;
    for (let i = 0; i < shapes.length; i++) if (isOf(shapes[i]!, names, type)) return i + 1;
    return this.#add(names, type);
  }

  /** How many values the changes of a shape have besides what it says. */
  valuesOf(number: number): number {
    const { names, typeAt } = this.#shapes[number - 1]!;
    return typeAt === NO_TYPE ? names.length : names.length - 1;
  }

  #add(names: readonly string[], type: unknown): number {
    if (this.#shapes.length === SHAPES_MAX || !names.every(isOrdinary)) return SHAPELESS;
    if (typeof type !== 'string') return this.#shapes.push({ names, typeAt: NO_TYPE, type: '' });
    if (type.length > TYPE_CHARACTERS_MAX || !isWellFormed(type)) return SHAPELESS;
    return this.#shapes.push({ names, typeAt: names.indexOf('type'), type });
  }
}

function isOf(shape: ChangeShape, names: readonly string[], type: unknown): boolean {
  if (shape.names.length !== names.length || (shape.typeAt === NO_TYPE ? undefined : shape.type) !== type) return false;
  for (let i = 0; i < names.length; i++) if (shape.names[i] !== names[i]) return false;
  return true;
}

/** May a property be called so by assigning it? What cannot be encoded is for the codec to refuse. */
function isOrdinary(name: string): boolean {
  return name !== '__proto__' && isWellFormed(name);
}
