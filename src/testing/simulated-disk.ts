/**
 * A file system in memory that behaves as a real one does at its worst, so that what is written to it can be crashed at
 * every single operation: see `Disk` for what must survive; nothing else does unless it happens to. One seed replays
 * one history. It stands behind the port `Disk`, in tests only.
 */

import { assert } from '../assert.js';
import { ConclaveError } from '../errors.js';
import { randomBelow, SeededRandom } from '../runtime/random.js';
import type { Disk, DiskFile } from '../storage/disk.js';
import { SimulatedContent } from './simulated-disk-content.js';
import { SimulatedCrash } from './simulated-disk-crash.js';
import { SimulatedNames } from './simulated-disk-names.js';

/** What changes the disk, or makes a change durable; each is one operation to count, to crash at and to fail. */
export type DiskOperation =
  | 'makeDirectory'
  | 'create'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'syncDirectory';

/** How one operation ends: as it should, with an error, or with the machine. */
type Fate = 'done' | 'failed' | 'crashed';

/**
 * A simulated disk.
 *
 * @example
 * const disk = new SimulatedDisk(1);
 * disk.crashAt(3);
 * try {
 *   const file = disk.open('/a', 'create');
 *   file.write([bytes], 0);
 *   file.sync(); // throws disk.crash
 * } catch (error) {
 *   if (error !== disk.crash) throw error;
 * }
 * const next = disk.afterPowerLoss(7); // the file may be there or not, with any of its sectors
 */
export class SimulatedDisk implements Disk {
  readonly #random: SeededRandom;
  #names = new SimulatedNames();
  #operations = 0;
  #openFiles = 0;
  #crashAt: number | null = null;
  #crashAtNext: { readonly operation: DiskOperation; readonly path: string } | null = null;
  #crash: SimulatedCrash | null = null;
  readonly #failures = new Map<number, string>();
  #looks = 0;
  readonly #failedLooks = new Map<number, string>();
  #capacityBytes = Number.POSITIVE_INFINITY;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** How many operations there were that change the disk or sync it, the one that crashed included. */
  get operations(): number {
    return this.#operations;
  }

  /** How many times it was looked at: names listed or looked up, files that exist opened, measured and read. */
  get looks(): number {
    return this.#looks;
  }

  /** How many files are open. */
  get openFiles(): number {
    return this.#openFiles;
  }

  /** The crash that ended this disk; null while it works. */
  get crash(): SimulatedCrash | null {
    return this.#crash;
  }

  /**
   * Crashes at the n-th operation, counted from 1: it happens not at all, partly or wholly, and throws, like all after
   * it.
   */
  crashAt(operation: number): void {
    this.#crashAt = operation;
  }

  /** The same at the next operation of this kind on this path. */
  crashAtNext(operation: DiskOperation, path: string): void {
    this.#crashAtNext = { operation, path };
  }

  /**
   * Makes the n-th operation, counted from 1, fail with this code of the operating system, such as `EIO`; those after
   * it succeed. A write that fails may have written a part. A sync that fails loses any of what it should have made
   * durable.
   */
  failAt(operation: number, errno: string): void {
    this.#failures.set(operation, errno);
  }

  /** The same for the n-th look, counted from 1: it says nothing of what is there. */
  failLookAt(look: number, errno: string): void {
    this.#failedLooks.set(look, errno);
  }

  /**
   * Files may take as much space, in sectors of 512 bytes; what would take more is written partly, and fails with
   * `ENOSPC`.
   */
  limitSpace(bytes: number): void {
    this.#capacityBytes = bytes;
  }

  /** The space that files take, in sectors of 512 bytes. */
  get takenBytes(): number {
    let taken = 0;
    for (const content of this.#names.entries().values()) taken += content.allocatedBytes;
    return taken;
  }

  /** What was to happen to it does not: it neither crashes nor fails, and has room. */
  heal(): void {
    this.#crashAt = null;
    this.#crashAtNext = null;
    this.#failures.clear();
    this.#failedLooks.clear();
    this.#capacityBytes = Number.POSITIVE_INFINITY;
  }

  /** Turns one bit of a file around. */
  flipBit(path: string, offset: number, bit: number): void {
    this.#existing('flipBit', path).flipBit(offset, bit);
  }

  /** Cuts a file, durably, as a damaged file system may. */
  truncateFile(path: string, size: number): void {
    const content = this.#existing('truncateFile', path);
    content.truncate(size);
    content.sync();
  }

  /** Reads of the sector at `offset` fail with `EIO` until it is written again. */
  makeUnreadable(path: string, offset: number): void {
    this.#existing('makeUnreadable', path).makeUnreadable(offset);
  }

  /** The content of every file, by its path: copies, as programs see it. Works after a crash. */
  files(): ReadonlyMap<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    for (const [path, content] of [...this.#names.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const bytes = new Uint8Array(content.size);
      content.read(bytes, 0);
      files.set(path, bytes);
    }
    return files;
  }

  /** The paths of the files of which a loss of power takes nothing, neither content nor name. Works after a crash. */
  durableFiles(): readonly string[] {
    return this.#names.durable().flatMap(([path, content]) => (content.isSynced ? [path] : []));
  }

  /** The disk after a loss of power: everything that was synced, and what else `seed` says. This one stays as it is. */
  afterPowerLoss(seed: number): SimulatedDisk {
    const next = new SimulatedDisk(seed);
    next.#names = this.#names.afterPowerLoss(next.#random);
    next.#capacityBytes = this.#capacityBytes;
    return next;
  }

  /**
   * The disk as the next process finds it when this one has died: everything that was written, synced or not; what was
   * not can still be lost with the power. This one stays as it is.
   */
  afterProcessDeath(): SimulatedDisk {
    const next = new SimulatedDisk(this.#random.uint32());
    next.#names = this.#names.clone();
    next.#capacityBytes = this.#capacityBytes;
    return next;
  }

  makeDirectory(path: string): void {
    this.#checkAlive();
    if (this.#names.isDirectory(path)) return;
    if (this.#names.get(path) !== undefined) throw refused('makeDirectory', path, 'EEXIST');
    this.#change('makeDirectory', path, () => this.#names.makeDirectory(path));
  }

  list(directory: string): readonly string[] {
    this.#look('list', directory);
    if (!this.#names.isDirectory(directory)) throw refused('list', directory, 'ENOENT');
    return this.#names.list(directory);
  }

  exists(path: string): boolean {
    this.#look('exists', path);
    return this.#names.isDirectory(path) || this.#names.get(path) !== undefined;
  }

  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile {
    if (mode === 'create') this.#checkAlive();
    else this.#look('open', path);
    if (this.#names.isDirectory(path)) throw refused('open', path, mode === 'create' ? 'EEXIST' : 'EISDIR');
    if (mode !== 'create') return this.#file(path, this.#existing('open', path), mode === 'write');
    if (!this.#names.hasPlaceFor(path)) throw refused('open', path, 'ENOENT');
    if (this.#names.get(path) !== undefined) throw refused('open', path, 'EEXIST');
    const content = new SimulatedContent();
    this.#change('create', path, () => this.#names.create(path, content));
    return this.#file(path, content, true);
  }

  rename(from: string, to: string): void {
    this.#checkAlive();
    this.#existing('rename', from);
    if (!this.#names.hasPlaceFor(to)) throw refused('rename', to, 'ENOENT');
    if (this.#names.isDirectory(to)) throw refused('rename', to, 'EISDIR');
    this.#change('rename', from, () => this.#names.rename(from, to));
  }

  remove(path: string): void {
    this.#checkAlive();
    this.#existing('remove', path);
    this.#change('remove', path, () => this.#names.remove(path));
  }

  syncDirectory(path: string): void {
    this.#checkAlive();
    if (!this.#names.isDirectory(path)) throw refused('syncDirectory', path, 'ENOENT');
    this.#change('syncDirectory', path, () => this.#names.syncDirectory(path));
  }

  #file(path: string, content: SimulatedContent, isWritable: boolean): DiskFile {
    let isOpen = true;
    this.#openFiles += 1;
    const check = (operation: string, mustBeWritable: boolean): void => {
      this.#checkAlive();
      if (!isOpen || (mustBeWritable && !isWritable)) throw refused(operation, path, 'EBADF');
    };
    return {
      path,
      size: () => {
        check('size', false);
        this.#look('size', path);
        return content.size;
      },
      read: (into, position) => {
        check('read', false);
        this.#look('read', path);
        const length = content.read(into, position);
        if (length === null) throw refused('read', path, 'EIO');
        return length;
      },
      write: (buffers, position) => {
        check('write', true);
        this.#write(path, content, buffers, position);
      },
      truncate: (size) => {
        check('truncate', true);
        this.#change('truncate', path, () => content.truncate(size));
      },
      sync: () => {
        check('sync', false);
        this.#operate('sync', path, (fate) => {
          if (fate === 'failed') content.failSync(this.#random);
          else if (fate === 'done' || this.#coin()) content.sync();
        });
      },
      close: () => {
        // Whoever cleans up behind a crash may close; the descriptor of a closed file may be another file's by now.
        if (this.#crash === null) check('close', false);
        if (isOpen) this.#openFiles -= 1;
        isOpen = false;
      },
    };
  }

  #write(path: string, content: SimulatedContent, buffers: readonly Uint8Array[], position: number): void {
    const bytes = Buffer.concat(buffers);
    this.#operate('write', path, (fate) => {
      const length = fate === 'done' ? bytes.length : randomBelow(this.#random, bytes.length + 1);
      const written = content.write(bytes.subarray(0, length), position, this.#freeBytes());
      if (fate === 'done' && written < bytes.length) throw refused('write', path, 'ENOSPC');
    });
  }

  /** An operation that happens as a whole or not at all. */
  #change(operation: DiskOperation, path: string, change: () => void): void {
    this.#operate(operation, path, (fate) => {
      if (fate === 'done' || (fate === 'crashed' && this.#coin())) change();
    });
  }

  #operate(operation: DiskOperation, path: string, carryOut: (fate: Fate) => void): void {
    this.#operations += 1;
    const isAtKind = this.#crashAtNext?.operation === operation && this.#crashAtNext.path === path;
    if (isAtKind || this.#operations === this.#crashAt) {
      this.#crash = new SimulatedCrash(this.#operations, `${operation} ${path}`, isAtKind);
      carryOut('crashed');
      throw this.#crash;
    }
    const errno = this.#failures.get(this.#operations);
    carryOut(errno === undefined ? 'done' : 'failed');
    if (errno !== undefined) throw refused(operation, path, errno);
  }

  #look(operation: string, path: string): void {
    this.#checkAlive();
    this.#looks += 1;
    const errno = this.#failedLooks.get(this.#looks);
    if (errno !== undefined) throw refused(operation, path, errno);
  }

  #coin(): boolean {
    return randomBelow(this.#random, 2) === 0;
  }

  #freeBytes(): number {
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return this.#capacityBytes;
    return Math.max(0, this.#capacityBytes - this.takenBytes);
  }

  #existing(operation: string, path: string): SimulatedContent {
    const content = this.#names.get(path);
    if (content === undefined) throw refused(operation, path, 'ENOENT');
    return content;
  }

  #checkAlive(): void {
    if (this.#crash !== null) throw this.#crash;
  }
}

function refused(operation: string, path: string, errno: string): ConclaveError {
  assert(/^E[A-Z]+$/.test(errno), 'a code of the operating system');
  return new ConclaveError('ERR_STORAGE', `The simulated disk refuses to ${operation} ${path}: ${errno}.`, {
    data: { operation, path, errno },
  });
}
