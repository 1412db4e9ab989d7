/** Graphs of containers: random ones, and a description of any that tells sharing and order apart. */

import fc from 'fast-check';

/** An item of a described container: a primitive, or the container of that number. */
type Item = { readonly leaf: unknown } | { readonly link: number };

interface Plan {
  readonly kinds: readonly ('array' | 'object' | 'bare' | 'map' | 'set' | 'date' | 'bytes')[];
  readonly items: readonly (readonly Item[])[];
  readonly keys: readonly string[];
}

const leaf = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -300, max: 70_000 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ minLength: 60, maxLength: 70 }),
  fc.double(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
  fc.constantFrom(undefined, null, true, false, Number.NaN, -0, Infinity, '\ud800', '\uFEFF', 2 ** 31, -(2 ** 31)),
);
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 2, arbitrary: leaf.map((value) => ({ leaf: value })) },
  { weight: 1, arbitrary: fc.nat({ max: 1000 }).map((link) => ({ link })) },
);

const plan: fc.Arbitrary<Plan> = fc.integer({ min: 1, max: 12 }).chain((count) =>
  fc.record({
    kinds: fc.array(fc.constantFrom('array', 'object', 'bare', 'map', 'set', 'date', 'bytes'), {
      minLength: count,
      maxLength: count,
    }),
    items: fc.array(fc.array(item, { maxLength: 20 }), { minLength: count, maxLength: count }),
    keys: fc.uniqueArray(fc.oneof(fc.string({ maxLength: 6 }), fc.constant('__proto__'), fc.nat().map(String)), {
      minLength: 20,
      maxLength: 20,
    }),
  }),
);

/** A random container whose parts may be shared and linked in circles. */
export const graph: fc.Arbitrary<object> = plan.map(build);

function build({ kinds, items, keys }: Plan): object {
  const containers = kinds.map((kind) => {
    if (kind === 'array') return [];
    if (kind === 'map') return new Map<unknown, unknown>();
    if (kind === 'set') return new Set<unknown>();
    if (kind === 'date') return new Date(kinds.length * 1e11);
    if (kind === 'bytes') return new Uint16Array(kinds.length);
    return kind === 'object' ? {} : (Object.create(null) as object);
  });
  for (const [index, container] of containers.entries()) {
    const content = items[index]!.map((each) => ('leaf' in each ? each.leaf : containers[each.link % kinds.length]));
    if (Array.isArray(container)) container.push(...content);
    else if (container instanceof Set) for (const each of content) container.add(each);
    else if (container instanceof Map)
      for (let i = 1; i < content.length; i += 2) container.set(content[i - 1], content[i]);
    else if (kinds[index] === 'object' || kinds[index] === 'bare') {
      for (const [i, value] of content.entries()) {
        Object.defineProperty(container, keys[i]!, { value, writable: true, enumerable: true, configurable: true });
      }
    }
  }
  return containers[0]!;
}

/**
 * Says all that there is to a value: two values have the same description if and only if no program can tell them
 * apart, save by identity with something outside.
 */
export function described(root: unknown): string {
  const numbers = new Map<object, number>();
  const queue: object[] = [];
  const lines: string[] = [];
  const name = (value: unknown): string => {
    if (typeof value !== 'object' || value === null) return nameOfPrimitive(value);
    if (!numbers.has(value)) {
      numbers.set(value, numbers.size);
      queue.push(value);
    }
    return `#${numbers.get(value)}`;
  };
  lines.push(name(root));
  for (const container of queue) lines.push(`${headOf(container)}: ${contentOf(container, name).join(', ')}`);
  return lines.join('\n');
}

function nameOfPrimitive(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function headOf(container: object): string {
  const prototype = Object.getPrototypeOf(container) as object | null;
  const closure = Object.isFrozen(container) ? 'frozen' : Object.isSealed(container) ? 'sealed' : 'closed';
  return `${prototype === null ? 'bare' : prototype.constructor.name}${Object.isExtensible(container) ? '' : ` ${closure}`}`;
}

function contentOf(container: object, name: (value: unknown) => string): string[] {
  if (container instanceof Map) return [...container].map(([key, value]) => `${name(key)} → ${name(value)}`);
  if (container instanceof Set) return [...container].map(name);
  if (container instanceof Date) return [String(container.getTime())];
  if (container instanceof ArrayBuffer) return [Buffer.from(container).toString('hex')];
  if (ArrayBuffer.isView(container)) {
    const { buffer, byteOffset, byteLength } = container;
    return [`${byteOffset}+${byteLength} of ${name(buffer)}`];
  }
  const length = Array.isArray(container) ? [`${container.length} long`] : [];
  return [...length, ...Object.entries(container).map(([key, value]) => `${JSON.stringify(key)} ${name(value)}`)];
}
