/**
 * Places in the row of all changes of an object, which are the same on every node: the entry, the command in it, the
 * change of that command. Pure.
 */

/**
 * A place before, between or behind the changes of an object: all that lie before it have been seen. The same on every
 * server; plain data, so that it can be kept.
 */
export interface ChangePlace {
  /** Of the log entry that carries the next change, or of the next entry. */
  readonly index: number;
  /** The place of the command in its entry, from 0. */
  readonly command: number;
  /** The place of the change among those of its command, from 0. */
  readonly change: number;
}

/** Before everything. */
export const FIRST_PLACE: ChangePlace = { index: 0, command: 0, change: 0 };

/** Behind all changes of this entry. */
export function placeAfterEntry(index: number): ChangePlace {
  return { index: index + 1, command: 0, change: 0 };
}

/** Behind the change that lies here. */
export function placeAfter({ index, command, change }: ChangePlace): ChangePlace {
  return { index, command, change: change + 1 };
}

/** Below zero when `a` comes first. */
export function comparePlaces(a: ChangePlace, b: ChangePlace): number {
  return a.index - b.index || a.command - b.command || a.change - b.change;
}

export function isChangePlace(value: unknown): value is ChangePlace {
  if (typeof value !== 'object' || value === null) return false;
  const { index, command, change } = value as Partial<Record<keyof ChangePlace, unknown>>;
  return [index, command, change].every((part) => Number.isSafeInteger(part) && (part as number) >= 0);
}
