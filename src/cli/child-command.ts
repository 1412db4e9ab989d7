/**
 * A command that runs as a child of this process, with its input, output and errors: how it is told something, and how
 * it ends.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

/** As a shell says it. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const BY_SIGNAL = 128;

/** How a command ends that a signal has ended, as a shell says it. */
export function statusOfSignal(signal: NodeJS.Signals): number {
  return BY_SIGNAL + constants.signals[signal];
}

export class ChildCommand {
  /** Resolves with how it has ended, as a shell says it: also when it could not be run. */
  readonly status: Promise<number>;
  /** Null: it could not be run. */
  readonly #child: ChildProcess | null;

  /**
   * @param env what it is given besides this process' own environment
   * @param onFailure told why it could not be run, or not be sent a signal
   */
  constructor(
    [file, ...args]: readonly string[],
    env: Readonly<Record<string, string>>,
    onFailure: (message: string) => void,
  ) {
    const failed = ({ code, message }: NodeJS.ErrnoException): number => {
      onFailure(code === 'ENOENT' ? `The command ${file!} could not be found (ENOENT).` : message);
      return code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
    };
    let child: ChildProcess;
    try {
      child = spawn(file!, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    } catch (error) {
      // Of some commands Node says so at once: the empty one, or arguments that are too long.
      this.#child = null;
      this.status = Promise.resolve(failed(error as NodeJS.ErrnoException));
      return;
    }
    this.#child = child;
    this.status = new Promise((resolve) => {
      // One that runs goes on, whether it may be sent signals or not: another user's may not, as by sudo.
      child.on('error', (error) => (child.pid === undefined ? resolve(failed(error)) : onFailure(error.message)));
      child.once('exit', (code, signal) => resolve(code ?? statusOfSignal(signal!)));
    });
  }

  /** Nothing happens if it has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}
