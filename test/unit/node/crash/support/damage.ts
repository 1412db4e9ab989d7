/** One damage to the files of a node that does not run: what disks, file systems and people do to them. */

import { randomBelow, type Random } from '../../../../../src/runtime/random.js';
import type { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';

export type FileKind = 'identity' | 'log' | 'snapshot' | 'leftover';

export interface Damage {
  readonly kind: FileKind;
  /** In words. */
  readonly what: string;
  /** The disk refuses to read it. */
  readonly isUnreadable: boolean;
}

/**
 * Of a log, what vouches for its last record. A log whose last records have become zeros together with it is that of a
 * node that has not written them: nothing can tell.
 */
const KEPT_BYTES = 64;

const UNREADABLE = 'unreadable';

export function kindOf(path: string): FileKind {
  if (path.endsWith('.json') || path.endsWith('.owner')) return 'identity';
  if (path.endsWith('.wal')) return 'log';
  return path.endsWith('.snapshot') ? 'snapshot' : 'leftover';
}

/** Does one damage to one of the files, each kind of file as likely as the other; not to one of this kind. */
export function damage(disk: SimulatedDisk, random: Random, otherThan: FileKind | null = null): Damage {
  const files = disk.files();
  const kinds = [...new Set([...files.keys()].map(kindOf))].filter((kind) => kind !== otherThan);
  const kind = pick(kinds, random);
  const path = pick(
    [...files.keys()].filter((each) => kindOf(each) === kind),
    random,
  );
  const what = damageFile(disk, path, files.get(path)!, random);
  return { kind, what: `${path} is ${what}`, isUnreadable: what.startsWith(UNREADABLE) };
}

function damageFile(disk: SimulatedDisk, path: string, content: Uint8Array, random: Random): string {
  const size = content.length;
  const offset = placeIn(content, random);
  // To one that says all by its name, only one thing can happen.
  switch (size === 0 ? 0 : randomBelow(random, 8)) {
    case 0:
      disk.remove(path);
      return 'removed';
    case 1:
      disk.truncateFile(path, offset);
      return `cut from ${size} to ${offset} bytes`;
    case 2:
      disk.truncateFile(path, 0);
      return `emptied of ${size} bytes`;
    case 3:
      disk.makeUnreadable(path, offset);
      return `${UNREADABLE} at ${offset}`;
    case 4: {
      const last = kindOf(path) === 'log' ? endOf(content) - KEPT_BYTES : size;
      const start = Math.min(offset, last - 1);
      const end = Math.min(start + 1 + randomBelow(random, 1024), last);
      overwrite(disk, path, new Uint8Array(end - start), start);
      return `zero from ${start} to ${end}`;
    }
    default: {
      const bit = randomBelow(random, 8);
      disk.flipBit(path, offset, bit);
      return `another in bit ${bit} of byte ${offset}`;
    }
  }
}

function endOf(content: Uint8Array): number {
  return content.findLastIndex((byte) => byte !== 0) + 1;
}

/** Half of the time where something was written, for most of a log's last file is empty. */
function placeIn(content: Uint8Array, random: Random): number {
  return randomBelow(random, Math.max(1, randomBelow(random, 2) === 0 ? content.length : endOf(content)));
}

function overwrite(disk: SimulatedDisk, path: string, bytes: Uint8Array, offset: number): void {
  const file = disk.open(path, 'write');
  file.write([bytes], offset);
  file.sync();
  file.close();
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[randomBelow(random, items.length)]!;
}
