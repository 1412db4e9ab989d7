/**
 * How items are ordered, said in words: by a name and perhaps a property, for a function cannot travel through the log.
 * Owned by whatever sorts. Its answers depend on the items alone and never on the machine's language.
 */

import { types } from 'node:util';
import { checkOptions } from './check-options.js';

/**
 * Orders by their names. Each function is given two of what is compared (items, or what they have in the property `by`)
 * and returns a number: below zero when the first comes first, above when it comes second, zero when they are equal. It
 * must be deterministic and consistent.
 */
export type Orders = Readonly<Record<string, (a: never, b: never) => number>>;

/** An order in words. */
export interface OrderOptions<Item = unknown> {
  /** `'ascending'`, `'descending'`, or the name of one of the class's own `orders`. Default: `'ascending'`. */
  readonly order?: string;
  /** The property that is compared. Default: the items themselves. */
  readonly by?: keyof Item & string;
}

/** Below zero when `a` comes before `b`, above when behind. */
export type Compare<Item> = (a: Item, b: Item) => number;

export class ItemOrder<Item> {
  readonly name: string;
  /** Null: items themselves are compared. */
  readonly by: string | null;
  readonly compare: Compare<Item>;
  /** Is this an order of numbers, strings and dates? Otherwise only its function can tell what it can compare. */
  readonly #isNatural: boolean;

  /**
   * An order, of those that exist everywhere and of the class's own.
   *
   * @throws TypeError when the options are none, or name no order.
   */
  constructor(own: Orders, options: OrderOptions<Item>) {
    checkOptions(options, ['order', 'by'], 'An order');
    const { order = 'ascending', by } = options;
    if (typeof order !== 'string')
      throw new TypeError(`order is a name, as 'descending', not of type ${typeof order}.`);
    if (by !== undefined && typeof by !== 'string')
      throw new TypeError(`by is the name of a property, not of type ${typeof by}.`);
    this.name = order;
    this.by = by ?? null;
    this.#isNatural = order === 'ascending' || order === 'descending';
    const compare = this.#isNatural ? NATURAL[order as keyof typeof NATURAL] : checked(order, own);
    this.compare = by === undefined ? compare : (a, b) => compare(rankOf(a, by), rankOf(b, by));
  }

  /**
   * Can this item be put in order with others, of which `other` is one? Asked of each before the first is compared, so
   * that no two ever meet that cannot be. An order of a class's own is asked about the item alone.
   *
   * @throws TypeError when it cannot, or whatever the class's order throws.
   */
  check(item: Item, other: Item): void {
    const { by } = this;
    if (by !== null && !(typeof item === 'object' && item !== null && Object.hasOwn(item, by))) {
      throw new TypeError(`An item has no property ${by}, by which it would be ordered.`);
    }
    if (!this.#isNatural) {
      this.compare(item, item);
      return;
    }
    const kind = kindOf(by === null ? item : rankOf(item, by));
    const otherKind = kindOf(by === null ? other : rankOf(other, by));
    if (kind !== otherKind) throw new TypeError(`A ${kind} and a ${otherKind} cannot be ordered.`);
  }
}

/** What a function of the user's may return is anything. */
function checked(name: string, own: Orders): Compare<unknown> {
  const compare = Object.hasOwn(own, name) ? own[name] : undefined;
  if (compare === undefined) {
    const names = [...Object.keys(NATURAL), ...Object.keys(own)].join(', ');
    throw new TypeError(`There is no order ${name} here; there are ${names}.`);
  }
  return (a, b) => {
    const order: unknown = compare(a as never, b as never);
    if (typeof order !== 'number' || Number.isNaN(order)) throw new TypeError(`The order ${name} returns no number.`);
    return order;
  };
}

const NATURAL = {
  // Numbers, bigints, strings or dates: `check` has seen to it that they can be compared.
  ascending: (a: unknown, b: unknown): number => (a! < b! ? -1 : a! > b! ? 1 : 0),
  descending: (a: unknown, b: unknown): number => (a! < b! ? 1 : a! > b! ? -1 : 0),
} as const;

function rankOf(item: unknown, by: string): unknown {
  return (item as Readonly<Record<string, unknown>>)[by];
}

/** Of what kind is this? All of one kind can be compared with each other. */
function kindOf(rank: unknown): 'number' | 'string' | 'date' {
  switch (typeof rank) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'number';
    case 'number':
      if (!Number.isNaN(rank)) return 'number';
      break;
    case 'object':
      if (types.isDate(rank) && !Number.isNaN(rank.getTime())) return 'date';
      break;
    default:
  }
  throw new TypeError(`Numbers, bigints, strings and dates have an order, not ${nameOf(rank)}.`);
}

function nameOf(rank: unknown): string {
  if (rank === null || typeof rank === 'number') return String(rank);
  return types.isDate(rank) ? 'invalid dates' : `of type ${typeof rank}`;
}
