/**
 * The memory of the log: arenas, which are blocks of bytes written once from front to back, and segments, which are
 * stretches of consecutive entries without a gap in one arena. Part of `RaftLog`; knows nothing of terms.
 */

/** Entries and batches larger than this get an arena of exactly their size, so that no arena ends in a large gap. */
const LARGE_BYTES = 64 * 1024;
const FIRST_ARENA_BYTES = 64 * 1024;
const ARENA_BYTES = 1024 * 1024;
const FIRST_OFFSETS_LENGTH = 16;

/** A block of bytes. What has been written is never written again: a view of it may still wait in a socket. */
export class Arena {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Invariant: what is before it has been written, or left out for good; what is behind is free. */
  used = 0;
  /** How many segments are in it. */
  segments = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** Consecutive entries, one right behind the other in one arena. */
export class Segment {
  readonly arena: Arena;
  readonly firstIndex: number;
  /** Invariant: one more than the last entry's index; never `firstIndex`, except before the first entry is written. */
  endIndex: number;
  /** Where the last entry ends in the arena. */
  end: number;
  /** Where each entry begins in the arena. */
  #offsets = new Uint32Array(FIRST_OFFSETS_LENGTH);

  constructor(arena: Arena, firstIndex: number) {
    this.arena = arena;
    this.firstIndex = firstIndex;
    this.endIndex = firstIndex;
    this.end = arena.used;
    arena.segments++;
  }

  get offsetsBytes(): number {
    return this.#offsets.byteLength;
  }

  /** Notes that the next entry begins at `offset`. Returns by how many bytes the table has grown. */
  addOffset(offset: number): number {
    const position = this.endIndex++ - this.firstIndex;
    let grown = 0;
    if (position === this.#offsets.length) {
      const offsets = new Uint32Array(position * 2);
      offsets.set(this.#offsets);
      this.#offsets = offsets;
      grown = position * offsets.BYTES_PER_ELEMENT;
    }
    this.#offsets[position] = offset;
    return grown;
  }

  offsetOf(index: number): number {
    return this.#offsets[index - this.firstIndex]!;
  }

  endOf(index: number): number {
    return index + 1 < this.endIndex ? this.offsetOf(index + 1) : this.end;
  }

  /**
   * The last index from `from` to `to` whose entry ends at most `bytesMax` behind the start of `from`; at least `from`.
   */
  lastWithin(from: number, to: number, bytesMax: number): number {
    const limit = this.offsetOf(from) + bytesMax;
    let low = from;
    let high = Math.min(to, this.endIndex - 1) + 1;
    if (this.endOf(high - 1) <= limit) return high - 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.endOf(middle) <= limit) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Drops the entries behind `index`, which is in the segment. Their bytes stay as they are. */
  truncateAfter(index: number): void {
    this.end = this.endOf(index);
    this.endIndex = index + 1;
  }
}

/** The segments of a log in order, and the arenas that they are in. */
export class Segments {
  #segments: Segment[] = [];
  #open = new Arena(FIRST_ARENA_BYTES);
  #byteLength = FIRST_ARENA_BYTES;

  /** The bytes of all arenas and tables, used or not. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /**
   * The segment that the next entries go to, `bytes` long in all, the first one with this index. There is room for them
   * at `arena.used`; the caller writes them, adds their offsets, and moves `used` and `end`.
   */
  reserve(bytes: number, index: number): Segment {
    const last = this.#segments.at(-1);
    const open = this.#open;
    if (bytes > LARGE_BYTES) return this.#begin(this.#allocate(bytes), index);
    if (open.used + bytes > open.bytes.length) {
      this.#open = this.#allocate(ARENA_BYTES);
      if (open.segments === 0) this.#byteLength -= open.bytes.length;
    } else if (last !== undefined && last.arena === open && last.end === open.used) {
      return last;
    }
    return this.#begin(this.#open, index);
  }

  addOffset(segment: Segment, offset: number): void {
    this.#byteLength += segment.addOffset(offset);
  }

  /** The segment that holds `index`. */
  find(index: number): Segment {
    const segments = this.#segments;
    let high = segments.length - 1;
    if (segments[high]!.firstIndex <= index) return segments[high]!;
    let low = 0;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (segments[middle]!.firstIndex <= index) low = middle;
      else high = middle;
    }
    return segments[low]!;
  }

  truncateAfter(index: number): void {
    let last = this.#segments.at(-1);
    while (last !== undefined && last.firstIndex > index) {
      this.#release(last);
      this.#segments.pop();
      last = this.#segments.at(-1);
    }
    if (last !== undefined && last.endIndex > index + 1) last.truncateAfter(index);
  }

  /** Drops the segments that end before `index`. */
  dropBefore(index: number): void {
    let count = 0;
    for (const segment of this.#segments) {
      if (segment.endIndex > index) break;
      this.#release(segment);
      count++;
    }
    this.#segments.splice(0, count);
  }

  #begin(arena: Arena, index: number): Segment {
    const segment = new Segment(arena, index);
    this.#segments.push(segment);
    this.#byteLength += segment.offsetsBytes;
    return segment;
  }

  #allocate(capacity: number): Arena {
    const arena = new Arena(capacity);
    this.#byteLength += capacity;
    return arena;
  }

  #release(segment: Segment): void {
    this.#byteLength -= segment.offsetsBytes;
    segment.arena.segments--;
    if (segment.arena.segments === 0 && segment.arena !== this.#open) this.#byteLength -= segment.arena.bytes.length;
  }
}
