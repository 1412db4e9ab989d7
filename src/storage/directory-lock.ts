/**
 * The lock on a data directory: at most one node uses it. Taken by the thread that starts the node, which need not do
 * anything to keep it; the kernel lets go of it with the process.
 *
 * Node.js offers no lock on files, and a file that names a process cannot be trusted: process ids are used again, in
 * containers all are 1, and names of hosts come and go. What cannot lie is a listening socket, so the lock is two:
 * - a name in the kernel, an abstract socket on Linux and a pipe on Windows, made from device and inode of the
 *   directory. It is taken atomically, is never stale, and stands whatever happens to files; but containers do not
 *   share it.
 * - a claim in the directory ({@link DirectoryClaim}), which all containers and macOS see; Windows does without. It is
 *   lost when somebody removes its file. On a file system without sockets Linux does without as well.
 *
 * What this cannot see is another machine, by way of a file system on the network: such a directory is not protected.
 */

import { closeSync, fstatSync, openSync, realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ConclaveError } from '../errors.js';
import { dataDirLayout } from './data-dir-layout.js';
import { DirectoryClaim } from './directory-claim.js';
import { directoryLocked } from './lock-holder.js';
import { askLockSocket, LockSocket } from './lock-socket.js';

/** For others that start at the same time to make up their mind. */
const RIVALS_TIMEOUT_MS = 10_000;
const RETRY_MS = 10;
/** Filled up to the length of an address: versions of Node.js differ in whether they do so themselves. */
const ABSTRACT_NAME_CHARS = 108;
/** What systems say of a file system that cannot hold sockets. */
const NO_SOCKETS = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL', 'ENOSYS', 'ENXIO']);

export class DirectoryLock {
  /** The directory's real path. */
  readonly path: string;
  /** Of the directory, whose inode the kernel's name is made from: as long as it is open, no other gets that number. */
  readonly #descriptor: number;
  readonly #name: LockSocket | null;
  readonly #claim: DirectoryClaim | null;
  #released: Promise<void> | null = null;

  private constructor(path: string, descriptor: number, name: LockSocket | null, claim: DirectoryClaim | null) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#name = name;
    this.#claim = claim;
  }

  /**
   * Takes the lock of a directory, which must exist. The lock of a process that has ended is free, however it ended.
   *
   * @throws ConclaveError `ERR_DATA_DIR_LOCKED` when a process that lives holds it, be it this one or a frozen one;
   * `data` has its `pid` and `host`, null where they could not be learned, and the `path`. It may be tried again. Of
   * several that start at the same time, one gets the lock.
   * @throws ConclaveError `ERR_STORAGE` when the operating system refuses.
   */
  static async acquire(directory: string): Promise<DirectoryLock> {
    const deadlineMs = performance.now() + RIVALS_TIMEOUT_MS;
    let descriptor: number | null = null;
    let name: LockSocket | null = null;
    try {
      const path = realpathSync(directory);
      descriptor = openSync(path, 'r');
      name = await takeName(path, descriptor, deadlineMs);
      const claim = await takeClaim(path, name !== null, deadlineMs);
      return new DirectoryLock(path, descriptor, name, claim);
    } catch (error) {
      await name?.close();
      if (descriptor !== null) closeSync(descriptor);
      throw error instanceof ConclaveError ? error : refused(directory, error as NodeJS.ErrnoException);
    }
  }

  /** Lets go of the directory, at the latest when this resolves. Never rejects; doing it again does nothing. */
  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  async #release(): Promise<void> {
    await this.#claim?.release();
    await this.#name?.close();
    closeSync(this.#descriptor);
  }
}

/** Takes the kernel's name of the directory; null where there are no such names. */
async function takeName(path: string, descriptor: number, deadlineMs: number): Promise<LockSocket | null> {
  const name = kernelName(descriptor);
  if (name === null) return null;
  for (;;) {
    const socket = await LockSocket.listen(name);
    if (socket !== null) return socket;
    const holder = await askLockSocket(name);
    // Nobody: it has just ended, or just started and does not listen yet.
    if (holder === null && performance.now() < deadlineMs) {
      await delay(RETRY_MS);
      continue;
    }
    const known = holder !== null && holder.pid !== null;
    const claimant = known ? holder : await DirectoryClaim.holderOf(dataDirLayout(path).lock);
    throw directoryLocked(path, claimant ?? { pid: null, host: null });
  }
}

function kernelName(descriptor: number): string | null {
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const name = `conclave-${dev}-${ino}`;
  if (process.platform === 'linux') return `\0${name}`.padEnd(ABSTRACT_NAME_CHARS, '.');
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : null;
}

/** Claims the directory; null where there is no way to, and the kernel's name must do. */
async function takeClaim(path: string, isNamed: boolean, deadlineMs: number): Promise<DirectoryClaim | null> {
  if (process.platform === 'win32') return null;
  try {
    const claim = await DirectoryClaim.make(dataDirLayout(path).lock, deadlineMs);
    if (claim instanceof DirectoryClaim) return claim;
    throw directoryLocked(path, claim);
  } catch (error) {
    const { syscall, code = '' } = error as NodeJS.ErrnoException;
    if (isNamed && syscall === 'listen' && NO_SOCKETS.has(code)) return null;
    throw error;
  }
}

function refused(path: string, error: NodeJS.ErrnoException): ConclaveError {
  const [operation, errno] = [error.syscall ?? 'lock', error.code ?? null];
  return new ConclaveError('ERR_STORAGE', `The data directory ${path} cannot be locked: ${error.message}.`, {
    data: { operation, path, errno },
    cause: error,
  });
}
