/**
 * What all subcommands that ask a node have in common: its address comes first, and the same options follow. Options of
 * authentication and encryption belong here, and nowhere else, once there are any.
 */

import { Command, InvalidArgumentError, Option } from 'commander';
import { ADMIN_TIMEOUT_MS_MAX } from '../net/admin/admin-request.js';
import { isAddress } from '../net/address.js';

/** The common options, as the subcommands are given them. */
export interface NodeOptions {
  /** In milliseconds, whatever users give. */
  readonly timeout: number;
  /** Undefined: any. */
  readonly cluster?: string;
  readonly json?: true;
}

/** Begins a subcommand. */
export function nodeCommand(name: string, summary: string, timeoutSeconds: number): Command {
  const timeout = new Option('--timeout <seconds>', 'how long to wait for the answer')
    .argParser((value) => milliseconds(value, ADMIN_TIMEOUT_MS_MAX))
    .default(timeoutSeconds * 1_000, String(timeoutSeconds));
  return new Command(name)
    .description(summary)
    .argument('<node>', 'HOST:PORT of any member of the cluster', address)
    .addOption(timeout)
    .option('--cluster <name>', 'the name that the cluster must have')
    .option('--json', 'print one line of JSON');
}

/** An argument that must be an address. */
export function address(value: string): string {
  if (isAddress(value)) return value;
  throw new InvalidArgumentError('It is no HOST:PORT, as in server.example:4321 or [::1]:4321.');
}

/** An option in seconds, in milliseconds. */
export function milliseconds(value: string, maxMs: number): number {
  const ms = Math.ceil(Number(value) * 1_000);
  if (ms >= 1 && ms <= maxMs) return ms;
  throw new InvalidArgumentError(`It is no number of seconds, up to ${maxMs / 1_000}.`);
}
