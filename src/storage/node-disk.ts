/**
 * The disk of the machine, by synchronous calls: it blocks the thread it runs on, so it runs on threads that have
 * nothing else to do, or where the owner has chosen so. It adds nothing to what the system promises, keeps no state,
 * and never tries again what has failed.
 */

import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writevSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConclaveError } from '../errors.js';
import type { Disk, DiskFile } from './disk.js';
import { makeDirectories } from './make-directories.js';

export interface NodeDiskOptions {
  /**
   * False: nothing is ever synced. What was written then survives the end of the process, but not of the machine.
   * Default: true.
   */
  readonly isSynced?: boolean;
}

const OPEN_FLAGS = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
} as const;

/** There is no such name, or what is to be a directory on the way to it is a file. */
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR']);

export class NodeDisk implements Disk {
  readonly #isSynced: boolean;

  constructor({ isSynced = true }: NodeDiskOptions = {}) {
    this.#isSynced = isSynced;
  }

  makeDirectory(path: string): void {
    const firstMade = attempt('mkdir', path, () => makeDirectories(path));
    // A directory is durable when the one above it has been synced: who made this one may have died before that.
    const top = dirname(resolve(firstMade ?? path));
    for (let made = resolve(path); made !== top; made = dirname(made)) this.syncDirectory(dirname(made));
  }

  list(directory: string): readonly string[] {
    return attempt('readdir', directory, () => readdirSync(directory)).sort();
  }

  exists(path: string): boolean {
    // Not by `existsSync`, to which whatever the system refuses to look up is not there.
    return attempt('stat', path, () => isThere(path));
  }

  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile {
    const descriptor = attempt('open', path, () => openSync(path, OPEN_FLAGS[mode]));
    return new NodeFile(path, descriptor, this.#isSynced);
  }

  rename(from: string, to: string): void {
    attempt('rename', from, () => renameSync(from, to));
  }

  remove(path: string): void {
    attempt('unlink', path, () => unlinkSync(path));
  }

  syncDirectory(path: string): void {
    if (!this.#isSynced) return;
    const descriptor = attempt('open', path, () => openSync(path, constants.O_RDONLY));
    try {
      attempt('fsync', path, () => fsyncSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
  }
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #isSynced: boolean;

  constructor(path: string, descriptor: number, isSynced: boolean) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#isSynced = isSynced;
  }

  size(): number {
    return attempt('fstat', this.path, () => fstatSync(this.#descriptor)).size;
  }

  read(into: Uint8Array, position: number): number {
    return attempt('read', this.path, () => {
      let done = 0;
      while (done < into.length) {
        const count = readSync(this.#descriptor, into, done, into.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    attempt('write', this.path, () => {
      let left = buffers.filter(({ length }) => length > 0);
      let at = position;
      while (left.length > 0) {
        const count = writevSync(this.#descriptor, left, at);
        if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
        at += count;
        left = behind(left, count);
      }
    });
  }

  truncate(size: number): void {
    attempt('ftruncate', this.path, () => ftruncateSync(this.#descriptor, size));
  }

  sync(): void {
    if (this.#isSynced) attempt('fdatasync', this.path, () => fdatasyncSync(this.#descriptor));
  }

  close(): void {
    attempt('close', this.path, () => closeSync(this.#descriptor));
  }
}

function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** What is left of these buffers when this many bytes have been written. */
function behind(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let written = 0;
  let whole = 0;
  while (whole < buffers.length && written + buffers[whole]!.length <= count) written += buffers[whole++]!.length;
  const left = buffers.slice(whole);
  if (left.length > 0) left[0] = left[0]!.subarray(count - written);
  return left;
}

/** Runs one operation; what the system says against it becomes `ERR_STORAGE`. */
function attempt<Result>(operation: string, path: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ConclaveError('ERR_STORAGE', `The disk has refused to ${operation} ${path}: ${errno}.`, {
      data: { operation, path, errno },
      cause: error,
    });
  }
}
