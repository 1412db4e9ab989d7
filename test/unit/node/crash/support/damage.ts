/** One damage to the files of a node that does not run: what disks, file systems and people do to them. */

import { randomBelow, type Random } from '../../../../../src/runtime/random.js';
import type { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';

export type FileKind = 'identity' | 'log' | 'snapshot';

export interface Damage {
  readonly kind: FileKind;
  readonly path: string;
  /** In words. */
  readonly what: string;
}

export function kindOf(path: string): FileKind {
  if (path.endsWith('.wal')) return 'log';
  return path.endsWith('.snapshot') ? 'snapshot' : 'identity';
}

/** Does one damage to one of the files, each kind of file as likely as the other. */
export function damage(disk: SimulatedDisk, random: Random): Damage {
  const files = disk.files();
  const kinds = [...new Set([...files.keys()].map(kindOf))];
  const kind = pick(kinds, random);
  const path = pick(
    [...files.keys()].filter((each) => kindOf(each) === kind),
    random,
  );
  return { kind, path, what: `${path}: ${damageFile(disk, path, files.get(path)!, random)}` };
}

function damageFile(disk: SimulatedDisk, path: string, content: Uint8Array, random: Random): string {
  const size = content.length;
  const offset = placeIn(content, random);
  switch (randomBelow(random, 8)) {
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
      return `unreadable at ${offset}`;
    case 4: {
      const length = Math.min(size - offset, 1 + randomBelow(random, 1024));
      overwrite(disk, path, new Uint8Array(length), offset);
      return `zeros at ${offset} to ${offset + length}`;
    }
    default: {
      const bit = randomBelow(random, 8);
      disk.flipBit(path, offset, bit);
      return `bit ${bit} of byte ${offset} turned around`;
    }
  }
}

/** Half of the time where something was written, for most of a log's last file is empty. */
function placeIn(content: Uint8Array, random: Random): number {
  const written = content.findLastIndex((byte) => byte !== 0) + 1;
  return randomBelow(random, Math.max(1, randomBelow(random, 2) === 0 ? content.length : written));
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
