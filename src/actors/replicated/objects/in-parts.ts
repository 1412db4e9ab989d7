/** Many values as lists of a few, which is how objects with many items give their snapshots. Pure. */

/** A snapshot may pause between two of them. */
export const PART_ITEMS = 1024;

export function* inParts<Value>(values: Iterable<Value>): Iterable<Value[]> {
  let part: Value[] = [];
  for (const value of values) {
    part.push(value);
    if (part.length < PART_ITEMS) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
