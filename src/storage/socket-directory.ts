/**
 * Paths of sockets in a directory, however long the directory's own path is: the address of a socket has room for about
 * a hundred bytes. Runs where the lock is taken; creates at most one symbolic link, and removes it when it is closed.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConclaveError } from '../errors.js';

/** What macOS has room for; Linux has four bytes more. Beyond it an address is cut off, not refused. */
const ADDRESS_BYTES_MAX = 103;
/** The longest name of a socket in a directory. */
export const SOCKET_NAME_BYTES_MAX = 20;

export class SocketDirectory {
  readonly #path: string;
  readonly #link: string | null;

  private constructor(path: string, link: string | null) {
    this.#path = path;
    this.#link = link;
  }

  /**
   * `descriptor` is one of the directory, and open for longer than this is. Where the path is too long and there is no
   * /proc to go by way of it, a symbolic link in the system's directory for temporary files stands for the directory.
   *
   * @throws ConclaveError `ERR_STORAGE` when that one's path is too long as well; otherwise the system's error.
   */
  static open(directory: string, descriptor: number): SocketDirectory {
    if (fits(directory)) return new SocketDirectory(directory, null);
    const open = `/proc/self/fd/${descriptor}`;
    if (existsSync(open)) return new SocketDirectory(open, null);
    const link = join(tmpdir(), `cl-${randomBytes(4).toString('hex')}`);
    if (!fits(link)) {
      throw new ConclaveError('ERR_STORAGE', `The paths ${directory} and ${tmpdir()} are both too long for a socket.`, {
        data: { operation: 'listen', path: directory, errno: 'ENAMETOOLONG' },
      });
    }
    symlinkSync(directory, link);
    return new SocketDirectory(link, link);
  }

  /** Where a socket of this name is listened to and asked. */
  pathOf(name: string): string {
    return join(this.#path, name);
  }

  close(): void {
    if (this.#link !== null) rmSync(this.#link, { force: true });
  }
}

function fits(directory: string): boolean {
  return Buffer.byteLength(directory) + 1 + SOCKET_NAME_BYTES_MAX <= ADDRESS_BYTES_MAX;
}
