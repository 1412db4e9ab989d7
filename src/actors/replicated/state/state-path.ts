/**
 * How an error says where in a state something is: as the user would write it, like `jobs.items[3]` or
 * `acct.byId.get("x")`. Pure.
 */

/** Long keys are cut, and so are long paths in the middle. */
const KEY_CHARS_MAX = 64;
const SEGMENTS_MAX = 32;

/** A path from its root and what follows, outermost first. */
export function pathOf(root: string, segments: readonly string[]): string {
  if (segments.length <= SEGMENTS_MAX) return root + segments.join('');
  const half = SEGMENTS_MAX / 2;
  return `${root}${segments.slice(0, half).join('')} … ${segments.slice(-half).join('')}`;
}

export function propertySegment(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) && key.length <= KEY_CHARS_MAX
    ? `.${key}`
    : `[${quote(key)}]`;
}

export function indexSegment(index: number): string {
  return `[${index}]`;
}

/** The value of an entry of a Map, by its key, or by its place when there is no way to write the key. */
export function entrySegment(key: unknown, index: number): string {
  switch (typeof key) {
    case 'string':
      return `.get(${quote(key)})`;
    case 'bigint':
      return `.get(${key}n)`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return `.get(${Object.is(key, -0) ? 0 : String(key)})`;
    default:
      return key === null ? '.get(null)' : `.values()[${index}]`;
  }
}

/** A key of a Map. */
export function keySegment(index: number): string {
  return `.keys()[${index}]`;
}

/** A member of a Set. */
export function memberSegment(index: number): string {
  return `.values()[${index}]`;
}

function quote(text: string): string {
  return JSON.stringify(text.length <= KEY_CHARS_MAX ? text : `${text.slice(0, KEY_CHARS_MAX)}…`);
}
