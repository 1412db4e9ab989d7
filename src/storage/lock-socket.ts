/**
 * A listening socket as a sign of life: whoever can connect to it knows that its process lives, frozen or not, and is
 * told which one it is; the kernel closes it with the process, however that ends. Runs on the event loop of whoever
 * listens, and keeps no process alive.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { LockHolder } from './lock-holder.js';

/** For the answer of one that lives but may be frozen or busy. That it lives is known without. */
const ANSWER_TIMEOUT_MS = 1_000;
/** More is no answer of ours. */
const ANSWER_CHARS_MAX = 1024;
/** What says that nobody listens there any more; any other refusal may be that of a process that lives. */
const DEAD = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

const NOBODY_KNOWN: LockHolder = { pid: null, host: null };

/** A socket of this process. */
export class LockSocket {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Listens there; null when the name is taken. The name of a socket is taken until it is unlinked, that of a pipe or
   * an abstract socket until its process ends. Rejects with the system's error.
   */
  static async listen(path: string): Promise<LockSocket | null> {
    const server = createServer(answer);
    // Whoever may look into the directory may ask who uses it, whatever user that is.
    const writableAll = isFile(path);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        // Without `exclusive`, all workers of a `node:cluster` would share one socket.
        server.listen({ path, exclusive: true, writableAll }, resolve);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
      throw error;
    }
    server.removeAllListeners('error');
    // Failing to accept somebody who asks takes nothing from the one who holds.
    server.on('error', () => {});
    server.unref();
    return new LockSocket(server);
  }

  /** Resolves when nobody can connect any more. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Who listens there; null when nobody does. Never rejects. */
export async function askLockSocket(path: string): Promise<LockHolder | null> {
  let heard = await listenTo(path);
  // One that ends just now hangs up, and so does one that has too many files open: only the second does it again.
  if (heard === 'hungUp') heard = await listenTo(path);
  if (heard === 'dead') return null;
  return heard === 'hungUp' ? NOBODY_KNOWN : heard;
}

function listenTo(path: string): Promise<LockHolder | 'dead' | 'hungUp'> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ path });
    const settle = (heard: LockHolder | 'dead' | 'hungUp'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(heard);
    };
    const timer = setTimeout(() => settle(NOBODY_KNOWN), ANSWER_TIMEOUT_MS);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_CHARS_MAX) settle(NOBODY_KNOWN);
    });
    const end = (): void => settle(text === '' ? 'hungUp' : readAnswer(text));
    socket.on('end', end);
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => (DEAD.has(code) ? settle('dead') : end()));
  });
}

function answer(socket: Socket): void {
  socket.unref();
  socket.on('error', () => socket.destroy());
  // One that does not hang up would keep us from closing.
  socket.end(JSON.stringify({ pid: process.pid, host: hostname() }), () => socket.destroy());
}

function readAnswer(text: string): LockHolder {
  try {
    const { pid, host } = JSON.parse(text) as { readonly pid?: unknown; readonly host?: unknown };
    return { pid: Number.isSafeInteger(pid) ? (pid as number) : null, host: typeof host === 'string' ? host : null };
  } catch {
    return NOBODY_KNOWN;
  }
}

function isFile(path: string): boolean {
  return !path.startsWith('\0') && !path.startsWith('\\\\');
}
