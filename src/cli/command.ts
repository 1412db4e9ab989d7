/**
 * The `conclave` command: its subcommands, how it says that something is wrong, and with which code it ends. In a
 * process of its own; it knows a cluster by what its nodes answer, and nothing else.
 */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ConclaveError } from '../errors.js';
import { addCommand } from './add.js';
import { compactCommand } from './compact.js';
import { ExitCode, exitCodeOf } from './exit-codes.js';
import type { CommandIo } from './io.js';
import { lockCommand } from './lock.js';
import { asJson, printable } from './printing.js';
import { removeCommand } from './remove.js';
import { setVersionCommand } from './set-version.js';
import { sidecarCommand } from './sidecar.js';
import { statusCommand } from './status.js';
import { transferCommand } from './transfer.js';

const EXIT_CODES = `
Exit codes:
  ${ExitCode.done}  done
  ${ExitCode.refused}  the node was asked, and has refused: nothing has changed
  ${ExitCode.usage}  the command cannot be understood
  ${ExitCode.unreachable}  nobody answers at the address
  ${ExitCode.stranger}  who answers is no node of Conclave, or one of another version or cluster
  ${ExitCode.unknown}  no answer in time: what was asked for may be done, now or later`;

/**
 * Runs the command, and resolves with its exit code, which is another command's where it runs one. Rejects with what is
 * a defect of ours only.
 */
export async function runCommand(args: readonly string[], io: CommandIo): Promise<number> {
  let status: number = ExitCode.done;
  const program = conclaveCommand(io, (ended) => (status = ended));
  let isJson = false;
  program.hook('preAction', (_program, action) => {
    isJson = action.opts<{ readonly json?: true }>().json === true;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    // It has said what is wrong already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    if (!(error instanceof ConclaveError)) throw error;
    io.err(`${isJson ? asJson({ error: plain(error) }) : printable(`${error.code}: ${error.message}`)}\n`);
    return exitCodeOf(error);
  }
}

/**
 * The command with all that it can do.
 *
 * @param onStatus told how a command has ended that it runs
 */
export function conclaveCommand(io: CommandIo, onStatus: (status: number) => void): Command {
  const program = new Command('conclave')
    .description('Looks after a cluster of Conclave, by way of any of its members.')
    .version(ownVersion(), '--version', 'print the version of the command')
    .helpOption('--help', 'say how the command is used')
    .addHelpText('after', EXIT_CODES);
  const makers = [
    statusCommand,
    addCommand,
    removeCommand,
    transferCommand,
    compactCommand,
    setVersionCommand,
    sidecarCommand,
  ];
  for (const make of makers) program.addCommand(make(io));
  const lock = lockCommand(io, onStatus);
  program.addCommand(lock);
  for (const command of [program, ...program.commands]) {
    command
      .helpOption('--help', 'say how the command is used')
      .exitOverride()
      .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
      .showHelpAfterError('(--help says how the command is used)');
  }
  // Otherwise the flags of what is to be run are taken for its own.
  lock.showHelpAfterError('(what to run comes after --; --help says how the command is used)');
  return program;
}

function plain({ code, message, data, mayBeApplied, retrySafe }: ConclaveError): object {
  return { code, message, data, mayBeApplied, retrySafe };
}

function ownVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}
