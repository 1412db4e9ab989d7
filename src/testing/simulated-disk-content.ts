/**
 * The bytes of one simulated file, twice: as programs see them, and as the medium holds them. Between the two lie all
 * versions of each sector since the last sync, of which a loss of power leaves any. Knows nothing of names or faults.
 */

import { randomBelow, type Random } from '../runtime/random.js';

/** What a disk writes wholly or not at all. */
export const SECTOR_BYTES = 512;
/** As many versions of a sector or size are remembered between two syncs; of more, the oldest are forgotten. */
const VERSIONS_MAX = 6;
/** How likely one loss of power is to keep a sector: nothing, hardly anything, half, nearly everything, everything. */
const KEEP_PERCENT = [0, 10, 50, 90, 100] as const;

/** Never written to once it is in a map: files and their copies share it. */
type Sector = Uint8Array;

const ZERO_SECTOR: Sector = new Uint8Array(SECTOR_BYTES);

export class SimulatedContent {
  /** By number; what is missing is zeros that take no space. Invariant: zeros behind the end. */
  #visible = new Map<number, Sector>();
  #size = 0;
  #durable = new Map<number, Sector>();
  #durableSize = 0;
  /** What each sector has been since the last sync, the visible one last. */
  #unsynced = new Map<number, Sector[]>();
  #unsyncedSizes: number[] = [];
  /** Sectors that can't be read. */
  #unreadable = new Set<number>();

  get size(): number {
    return this.#size;
  }

  /** Is all of it on the medium? */
  get isSynced(): boolean {
    return this.#unsynced.size === 0 && this.#unsyncedSizes.length === 0;
  }

  /** The space that the file takes on the disk. */
  get allocatedBytes(): number {
    return this.#visible.size * SECTOR_BYTES;
  }

  /** Reads as `DiskFile.read` does; null where a sector cannot be read. */
  read(into: Uint8Array, position: number): number | null {
    const length = Math.max(0, Math.min(into.length, this.#size - position));
    for (let done = 0; done < length;) {
      const { sector, start, piece } = place(position + done, length - done);
      if (this.#unreadable.has(sector)) return null;
      into.set((this.#visible.get(sector) ?? ZERO_SECTOR).subarray(start, start + piece), done);
      done += piece;
    }
    return length;
  }

  /**
   * Writes as many of the bytes as `freeBytes` of new space allow; returns how many. Keeps `bytes`: nobody else may.
   */
  write(bytes: Uint8Array, position: number, freeBytes: number): number {
    let free = freeBytes;
    let done = 0;
    while (done < bytes.length) {
      const { sector, start, piece } = place(position + done, bytes.length - done);
      if (!this.#visible.has(sector)) free -= SECTOR_BYTES;
      if (free < 0) break;
      const next = piece === SECTOR_BYTES ? viewOf(bytes, done) : this.#changed(sector, start, bytes, done, piece);
      this.#visible.set(sector, next);
      this.#unreadable.delete(sector);
      this.#remember(sector, next);
      done += piece;
    }
    if (done > 0 && position + done > this.#size) this.#resize(position + done);
    return done;
  }

  truncate(size: number): void {
    for (const sector of [...this.#visible.keys()]) {
      const start = sector * SECTOR_BYTES;
      if (start + SECTOR_BYTES <= size) continue;
      const next = cut(this.#visible.get(sector)!, size - start);
      if (start >= size) this.#visible.delete(sector);
      else this.#visible.set(sector, next);
      this.#remember(sector, next);
    }
    this.#resize(size);
  }

  /** Everything that is visible, and still unsynced, becomes durable. */
  sync(): void {
    for (const [sector, versions] of this.#unsynced) this.#durable.set(sector, versions.at(-1)!);
    this.#unsynced.clear();
    this.#durableSize = this.#size;
    this.#unsyncedSizes = [];
  }

  /**
   * A sync that fails as Linux does it: what was not synced is held to be clean whether or not it has reached the
   * medium. It stays visible, no later sync writes it, and only a loss of power shows.
   */
  failSync(random: Random): void {
    this.#durable = this.#surviving(random);
    this.#unsynced.clear();
  }

  /** As the file is after a loss of power: what was synced, and anything of what was not. */
  afterPowerLoss(random: Random): SimulatedContent {
    const survivor = new SimulatedContent();
    const sizes = [this.#durableSize, ...this.#unsyncedSizes];
    const size = anyVersion(random, sizes);
    for (const [sector, bytes] of this.#surviving(random)) {
      const start = sector * SECTOR_BYTES;
      if (start < size) survivor.#durable.set(sector, cut(bytes, size - start));
    }
    survivor.#visible = new Map(survivor.#durable);
    survivor.#size = survivor.#durableSize = size;
    survivor.#unreadable = new Set(this.#unreadable);
    return survivor;
  }

  /** The same file with all that it has unsynced: what the next process finds. */
  clone(): SimulatedContent {
    const copy = new SimulatedContent();
    copy.#visible = new Map(this.#visible);
    copy.#size = this.#size;
    copy.#durable = new Map(this.#durable);
    copy.#durableSize = this.#durableSize;
    copy.#unsynced = new Map([...this.#unsynced].map(([sector, versions]) => [sector, [...versions]]));
    copy.#unsyncedSizes = [...this.#unsyncedSizes];
    copy.#unreadable = new Set(this.#unreadable);
    return copy;
  }

  /** Turns one bit around, in what is visible and in what is durable. */
  flipBit(offset: number, bit: number): void {
    const { sector, start } = place(offset, 1);
    const flip = (bytes: Sector): Sector => {
      const next = bytes.slice();
      next[start]! ^= 1 << bit;
      return next;
    };
    this.#visible.set(sector, flip(this.#visible.get(sector) ?? ZERO_SECTOR));
    this.#durable.set(sector, flip(this.#durable.get(sector) ?? ZERO_SECTOR));
    const versions = this.#unsynced.get(sector);
    if (versions !== undefined) this.#unsynced.set(sector, versions.map(flip));
  }

  /** No read of the sector at `offset` succeeds until it is written again. */
  makeUnreadable(offset: number): void {
    this.#unreadable.add(place(offset, 1).sector);
  }

  #changed(sector: number, start: number, bytes: Uint8Array, from: number, length: number): Sector {
    const next = (this.#visible.get(sector) ?? ZERO_SECTOR).slice();
    next.set(viewOf(bytes, from, length), start);
    return next;
  }

  #surviving(random: Random): Map<number, Sector> {
    const survivors = new Map(this.#durable);
    const percent = KEEP_PERCENT[randomBelow(random, KEEP_PERCENT.length)]!;
    for (const [sector, versions] of this.#unsynced) {
      const isKept = randomBelow(random, 100) < percent;
      if (isKept) survivors.set(sector, anyVersion(random, versions));
    }
    return survivors;
  }

  #remember(sector: number, bytes: Sector): void {
    const versions = this.#unsynced.get(sector);
    if (versions === undefined) {
      this.#unsynced.set(sector, [bytes]);
      return;
    }
    versions.push(bytes);
    if (versions.length > VERSIONS_MAX) versions.shift();
  }

  #resize(size: number): void {
    this.#size = size;
    this.#unsyncedSizes.push(size);
    if (this.#unsyncedSizes.length > VERSIONS_MAX) this.#unsyncedSizes.shift();
  }
}

/** In which sector a position lies, where in it, and how many of `length` bytes it holds from there on. */
function place(position: number, length: number): { sector: number; start: number; piece: number } {
  const start = position % SECTOR_BYTES;
  return { sector: (position - start) / SECTOR_BYTES, start, piece: Math.min(length, SECTOR_BYTES - start) };
}

/** No `subarray`, for what that gives of a Buffer is one, whose `slice` makes no copy. */
function viewOf(bytes: Uint8Array, from: number, length = SECTOR_BYTES): Sector {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, length);
}

/** Every second time the newest, else any. */
function anyVersion<Version>(random: Random, versions: readonly Version[]): Version {
  const index = randomBelow(random, 2) === 0 ? versions.length - 1 : randomBelow(random, versions.length);
  return versions[index]!;
}

/** The sector with zeros from `length` on. */
function cut(bytes: Sector, length: number): Sector {
  if (length >= SECTOR_BYTES) return bytes;
  if (length <= 0) return ZERO_SECTOR;
  const next = bytes.slice();
  next.fill(0, length);
  return next;
}
