/**
 * A claim to a directory, as sockets in it: seen by every process that sees the directory, whatever container it runs
 * in. Runs where the lock is taken. It never removes what may belong to a process that lives, and looks at neither
 * process ids nor host names: a socket that refuses connections is dead, one that accepts them lives.
 *
 * A claimant listens under a name of its own that nobody ever uses again, then looks for others. Of two, whoever looked
 * last sees the other one, so they never both hold. If nobody holds yet, whoever has the smaller name waits for the
 * other, who goes: exactly one of them holds in the end. What a dead claimant left can be removed by anybody at any
 * time, for its name never comes back; a lock of one name would have to be replaced, and the one who does so may be
 * late.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assert } from '../assert.js';
import type { LockHolder } from './lock-holder.js';
import { askLockSocket, LockSocket } from './lock-socket.js';
import { makeDirectories } from './make-directories.js';
import { SocketDirectory } from './socket-directory.js';

/** `<random>-<pid>`: listens, from before the name exists for as long as its process lives. */
const CLAIM = /^[0-9a-f]{12}-(\d{1,7})$/;
/** A socket that does not listen yet, which looks like a dead one: never judged by that. */
const NEW = /^[0-9a-f]{12}\.new$/;
/** Left by a crash in between, for sure; removing one that is not only makes its claimant's start fail. */
const NEW_AGE_MS_MAX = 60_000;
/** Beside a claim that holds. */
const HELD = '.held';
const RETRY_MS = 10;

export class DirectoryClaim {
  readonly #directory: string;
  readonly #name: string;
  readonly #socket: LockSocket;

  private constructor(directory: string, name: string, socket: LockSocket) {
    this.#directory = directory;
    this.#name = name;
    this.#socket = socket;
  }

  /**
   * Claims the directory, which is created if it is missing; or says who is in the way. Waits until `deadlineMs`
   * (`performance.now()`) for others that have not made up their mind. Rejects with the system's error.
   */
  static async make(directory: string, deadlineMs: number): Promise<DirectoryClaim | LockHolder> {
    makeDirectories(directory);
    return await withSockets(directory, async (sockets) => {
      const claim = await DirectoryClaim.#publish(directory, sockets);
      try {
        const rival = await claim.#outlast(sockets, deadlineMs);
        if (rival === null) {
          writeFileSync(join(directory, claim.#name + HELD), '');
          return claim;
        }
        await claim.release();
        return rival;
      } catch (error) {
        await claim.release();
        throw error;
      }
    });
  }

  /** Who has claimed the directory and lives; null when nobody does. */
  static async holderOf(directory: string): Promise<LockHolder | null> {
    if (!existsSync(directory)) return null;
    return await withSockets(directory, async (sockets) => {
      for (const name of claimsIn(directory)) {
        const holder = await ask(sockets, name);
        if (holder !== null) return holder;
      }
      return null;
    });
  }

  /** Lets go of the directory. Never rejects: what is left of the claim is dead. */
  async release(): Promise<void> {
    remove(this.#directory, this.#name);
    await this.#socket.close();
  }

  static async #publish(directory: string, sockets: SocketDirectory): Promise<DirectoryClaim> {
    const random = randomBytes(6).toString('hex');
    const [unnamed, name] = [`${random}.new`, `${random}-${process.pid}`];
    const socket = await LockSocket.listen(sockets.pathOf(unnamed));
    assert(socket !== null, 'random names are not drawn twice');
    try {
      renameSync(join(directory, unnamed), join(directory, name));
    } catch (error) {
      await socket.close();
      throw error;
    }
    return new DirectoryClaim(directory, name, socket);
  }

  /** Waits until all others are gone, and removes what the dead have left; or returns the one that we give way to. */
  async #outlast(sockets: SocketDirectory, deadlineMs: number): Promise<LockHolder | null> {
    for (const name of claimsIn(this.#directory)) {
      if (name === this.#name) continue;
      for (;;) {
        const rival = await ask(sockets, name);
        if (rival === null) break;
        const holds = existsSync(join(this.#directory, name + HELD));
        if (holds || name < this.#name || performance.now() >= deadlineMs) return rival;
        await delay(RETRY_MS);
      }
      remove(this.#directory, name);
    }
    return null;
  }
}

async function withSockets<Result>(
  directory: string,
  use: (sockets: SocketDirectory) => Promise<Result>,
): Promise<Result> {
  const descriptor = openSync(directory, 'r');
  try {
    const sockets = SocketDirectory.open(directory, descriptor);
    try {
      return await use(sockets);
    } finally {
      sockets.close();
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The claims that are published, whether their claimants live or not. */
function claimsIn(directory: string): string[] {
  const names = readdirSync(directory);
  for (const name of names) {
    if (NEW.test(name) && isOld(join(directory, name))) rmSync(join(directory, name), { force: true });
  }
  return names.filter((name) => CLAIM.test(name));
}

/** Who made this claim; null when it is dead. */
async function ask(sockets: SocketDirectory, name: string): Promise<LockHolder | null> {
  const holder = await askLockSocket(sockets.pathOf(name));
  return holder === null ? null : { pid: holder.pid ?? Number(CLAIM.exec(name)![1]), host: holder.host };
}

/**
 * Removes what a claim consists of. What cannot be removed is dead all the same. The mark goes first: a socket that is
 * left will be found dead by the next one, a mark would not.
 */
function remove(directory: string, name: string): void {
  for (const file of [name + HELD, name]) {
    try {
      rmSync(join(directory, file), { force: true });
    } catch {
      return;
    }
  }
}

function isOld(path: string): boolean {
  const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  return Date.now() - mtimeMs > NEW_AGE_MS_MAX;
}
