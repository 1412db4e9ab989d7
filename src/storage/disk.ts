/**
 * The port behind which files are: the little that a log and its snapshots need, synchronous, for those who use it have
 * a thread of their own. The real one is `NodeDisk`; the simulated one loses, tears and refuses as disks do.
 *
 * Nothing that was written, created, renamed or removed is certain to survive a loss of power before it was synced:
 * contents by `DiskFile.sync`, names by `syncDirectory` of their directory.
 *
 * Every method throws ConclaveError `ERR_STORAGE` when the operating system refuses; `data` has `operation`, `path` and
 * the system's `errno` code, such as `ENOSPC`. After a failed write or sync nothing is known of the file's content.
 */
export interface Disk {
  /** Creates a directory and what is missing above it, durably. Does nothing if it exists. */
  makeDirectory(path: string): void;
  /** The names of what is in a directory, sorted. */
  list(directory: string): readonly string[];
  /** Is there a file or directory of this name? */
  exists(path: string): boolean;
  /**
   * Opens a file: `read` and `write` (which reads as well) one that exists; `create` a new one, for reading and
   * writing.
   */
  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile;
  /** Gives a file another name, atomically; replaces a file that has it. */
  rename(from: string, to: string): void;
  /** Removes a file. */
  remove(path: string): void;
  /** Makes durable what was created, renamed and removed in a directory. */
  syncDirectory(path: string): void;
}

/** An open file. */
export interface DiskFile {
  readonly path: string;
  /** Its length in bytes. */
  size(): number;
  /** Reads up to `into.length` bytes from `position` on; returns how many there were, 0 at the end of the file. */
  read(into: Uint8Array, position: number): number;
  /** Writes all of the buffers, one behind the other, from `position` on. */
  write(buffers: readonly Uint8Array[], position: number): void;
  /** Cuts the file to this length, or fills it with zeros up to it. */
  truncate(size: number): void;
  /** Makes the content durable (fdatasync). */
  sync(): void;
  close(): void;
}
