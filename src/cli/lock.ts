/**
 * `conclave lock`: runs a command while it holds a lock, by way of a sidecar, and ends as the command does. It sees to
 * it that the command does not outlive the lock.
 */

import { Command, Option } from 'commander';
import { SIDECAR_URL_DEFAULT, TTL_MS_DEFAULT } from '../sync/defaults.js';
import type { Held } from '../sync/held.js';
import { ChildCommand, statusOfSignal } from './child-command.js';
import { duration } from './duration.js';
import { ExitCode } from './exit-codes.js';
import type { CommandIo, EndingSignal } from './io.js';
import { printable } from './printing.js';

interface LockFlags {
  readonly url: string;
  readonly ttl: number;
  readonly timeout?: number;
  readonly shared?: true;
}

/**
 * When the time of a holder is over, nobody else can hold for another tenth of the TTL: whoever has not ended by itself
 * after half of that is killed.
 */
const KILL_AFTER = 1 / 20;

export function lockCommand(io: CommandIo, onStatus: (status: number) => void): Command {
  return new Command('lock')
    .description('run a command while it holds a lock, by way of a sidecar')
    .usage('[options] <name> -- <command...>')
    .argument('<name>', 'the name of the lock')
    .argument('<command...>', 'what to run, after --; it is given FENCING_TOKEN')
    .option('--url <url>', 'where the sidecar is', SIDECAR_URL_DEFAULT)
    .addOption(
      new Option('--ttl <time>', 'who is not heard of for so long has lost the lock')
        .argParser(duration)
        .default(TTL_MS_DEFAULT, `${TTL_MS_DEFAULT / 1_000}s`),
    )
    .option('--timeout <time>', 'how long to wait for the lock (default: as long as it takes)', duration)
    .option('--shared', 'hold it together with others who share it')
    .action(async (name: string, command: string[], flags: LockFlags) => {
      onStatus(await runUnderLock(name, command, flags, io));
    });
}

async function runUnderLock(
  name: string,
  command: readonly string[],
  { url, ttl, timeout, shared }: LockFlags,
  io: CommandIo,
): Promise<number> {
  const [{ connect }, { sidecar }] = await Promise.all([
    import('../sync/sync.js'),
    import('../sync/sidecar/sidecar.js'),
  ]);
  const waiting = new AbortController();
  let child: ChildCommand | null = null;
  let endedBy: EndingSignal | null = null;
  const ignore = io.onSignal((signal) => {
    endedBy ??= signal;
    waiting.abort();
    // Who sits at a terminal has told the command already, which may take a second time for an order to end at once.
    if (!(signal === 'SIGINT' && io.isAtTerminal)) child?.kill(signal);
  });
  await using sync = await connect(sidecar(url));
  try {
    const lock = sync.lock(name, { ttlMs: ttl, mode: shared === true ? 'shared' : 'exclusive' });
    const held = await lock.acquire({
      signal: waiting.signal,
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    });
    child = new ChildCommand(command, { FENCING_TOKEN: String(held.token) }, (message) => {
      io.err(`${printable(message)}\n`);
    });
    return await endWith(child, held, ttl, io);
  } catch (error) {
    if (endedBy !== null && child === null) return statusOfSignal(endedBy);
    throw error;
  } finally {
    ignore();
  }
}

async function endWith(child: ChildCommand, held: Held, ttlMs: number, io: CommandIo): Promise<number> {
  const onLost = (): void => {
    io.err('The lock is lost: the command is told to end.\n');
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), ttlMs * KILL_AFTER).unref();
  };
  held.signal.addEventListener('abort', onLost, { once: true });
  if (held.signal.aborted) onLost();
  const status = await child.status;
  // By the clock: where the machine was suspended, nobody else may have noticed yet.
  const wasHeld = held.held;
  await held.release();
  // What was done without the lock is not done.
  return !wasHeld && status === 0 ? ExitCode.unknown : status;
}
