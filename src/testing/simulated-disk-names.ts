/**
 * The names of a simulated disk, twice: as programs see them, and as they are after a loss of power. Between the two
 * lie changes whose directories were not synced: each may or may not have happened. Knows nothing of what is in a file.
 */

import { posix } from 'node:path';
import { randomBelow, type Random } from '../runtime/random.js';
import type { SimulatedContent } from './simulated-disk-content.js';

/** One file that was created (`from` is null), renamed, or removed (`to` is null). Happens as a whole or not at all. */
interface NameChange {
  readonly content: SimulatedContent;
  readonly from: string | null;
  readonly to: string | null;
  /** The directories that must be synced before the change is durable; never empty. */
  readonly unsynced: Set<string>;
}

/** How likely one loss of power is to keep a change: none happens, half of them, all. */
const KEEP_PERCENT = [0, 50, 100] as const;

type Names = Map<string, SimulatedContent>;

export class SimulatedNames {
  #directories = new Set(['/', '.']);
  #visible: Names = new Map();
  #durable: Names = new Map();
  /** In the order in which they were made. */
  #unsynced: NameChange[] = [];

  get(path: string): SimulatedContent | undefined {
    return this.#visible.get(posix.normalize(path));
  }

  entries(): ReadonlyMap<string, SimulatedContent> {
    return this.#visible;
  }

  /** Those that a loss of power leaves as they are, in any case. */
  durable(): readonly (readonly [path: string, content: SimulatedContent])[] {
    return [...this.#durable].filter(([, content]) => !this.#unsynced.some((change) => change.content === content));
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(directoryPath(path));
  }

  /** Is there a directory that a file of this name could be in? */
  hasPlaceFor(path: string): boolean {
    return this.#directories.has(posix.dirname(posix.normalize(path)));
  }

  /** Makes the directory and those above it, durably. */
  makeDirectory(path: string): void {
    for (let each = directoryPath(path); !this.#directories.has(each); each = posix.dirname(each)) {
      this.#directories.add(each);
    }
  }

  list(directory: string): string[] {
    const parent = directoryPath(directory);
    return [...this.#directories, ...this.#visible.keys()]
      .filter((path) => path !== parent && posix.dirname(path) === parent)
      .map((path) => posix.basename(path))
      .toSorted();
  }

  create(path: string, content: SimulatedContent): void {
    this.#change(content, null, posix.normalize(path));
  }

  rename(from: string, to: string): void {
    this.#change(this.get(from)!, posix.normalize(from), posix.normalize(to));
  }

  remove(path: string): void {
    this.#change(this.get(path)!, posix.normalize(path), null);
  }

  syncDirectory(path: string): void {
    const directory = directoryPath(path);
    for (const change of this.#unsynced) {
      change.unsynced.delete(directory);
      if (change.unsynced.size === 0) apply(change, this.#durable);
    }
    this.#unsynced = this.#unsynced.filter((change) => change.unsynced.size > 0);
  }

  /** The names after a loss of power, with what has become of their files. */
  afterPowerLoss(random: Random): SimulatedNames {
    const names: Names = new Map(this.#durable);
    const percent = KEEP_PERCENT[randomBelow(random, KEEP_PERCENT.length)]!;
    for (const change of this.#unsynced) if (randomBelow(random, 100) < percent) apply(change, names);
    const survivor = new SimulatedNames();
    survivor.#directories = new Set(this.#directories);
    survivor.#durable = new Map([...names].map(([path, content]) => [path, content.afterPowerLoss(random)]));
    survivor.#visible = new Map(survivor.#durable);
    return survivor;
  }

  /** The same names and files with all that is unsynced: what the next process finds. */
  clone(): SimulatedNames {
    const clones = new Map<SimulatedContent, SimulatedContent>();
    const cloneOf = (content: SimulatedContent): SimulatedContent => {
      const clone = clones.get(content) ?? content.clone();
      clones.set(content, clone);
      return clone;
    };
    const copy = new SimulatedNames();
    copy.#directories = new Set(this.#directories);
    copy.#visible = new Map([...this.#visible].map(([path, content]) => [path, cloneOf(content)]));
    copy.#durable = new Map([...this.#durable].map(([path, content]) => [path, cloneOf(content)]));
    copy.#unsynced = this.#unsynced.map((change) => ({
      ...change,
      content: cloneOf(change.content),
      unsynced: new Set(change.unsynced),
    }));
    return copy;
  }

  #change(content: SimulatedContent, from: string | null, to: string | null): void {
    const changed = [from, to].filter((path) => path !== null);
    const change: NameChange = { content, from, to, unsynced: new Set(changed.map((path) => posix.dirname(path))) };
    apply(change, this.#visible);
    this.#unsynced.push(change);
  }
}

/**
 * Makes a change in `names`, where earlier ones need not have been made: the file is taken from the name that it has
 * there, and a name that another file has is not removed.
 */
function apply(change: NameChange, names: Names): void {
  if (change.from !== null) {
    for (const [path, content] of names) if (content === change.content) names.delete(path);
  }
  if (change.to !== null) names.set(change.to, change.content);
}

/** A directory by the one name that is kept of it. */
function directoryPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}
