/**
 * What an administrator may ask of a node, as plain data: the names of the requests, what each is given, and the check
 * of what has come from the network. Pure.
 */

import { ConclaveError } from '../../errors.js';
import { parseAddress } from '../address.js';
import { protocolError } from '../protocol-error.js';
import { quote } from '../quote.js';

/** What each request is given: nothing, an address, an address that may be left out, or a code version. */
const ARGUMENTS = {
  status: 'none',
  add: 'address',
  remove: 'address',
  transfer: 'address or none',
  compact: 'none',
  setVersion: 'version',
} as const;

export type AdminCommand = keyof typeof ARGUMENTS;

/** One request. What it does is what the call of the same name of a runtime does, on the node that is asked. */
export type AdminRequest = {
  /** How long whoever asks will wait, in milliseconds: 1 to {@link ADMIN_TIMEOUT_MS_MAX}. */
  readonly timeoutMs: number;
} & (
  | { readonly command: CommandTaking<'none'>; readonly argument: null }
  | { readonly command: CommandTaking<'address'>; readonly argument: string }
  | { readonly command: CommandTaking<'address or none'>; readonly argument: string | null }
  | { readonly command: CommandTaking<'version'>; readonly argument: number }
);

type CommandTaking<What> = {
  [Command in AdminCommand]: (typeof ARGUMENTS)[Command] extends What ? Command : never;
}[AdminCommand];

/** Nobody waits for longer. */
export const ADMIN_TIMEOUT_MS_MAX = 60 * 60_000;

/** The fields of a request in the order in which they travel. */
export function requestFields({ command, argument, timeoutMs }: AdminRequest): readonly unknown[] {
  return [command, argument, timeoutMs];
}

/**
 * The request that has these fields.
 *
 * @throws ConclaveError `ERR_PROTOCOL` when they are no request at all, `ERR_INVALID_OPTION` when it is one that this
 *   node does not know, or that is given what it cannot take.
 */
export function requestOf(fields: unknown): AdminRequest {
  if (!Array.isArray(fields) || fields.length !== 3) throw protocolError('A request does not have its fields.', {});
  const [command, argument, timeoutMs] = fields as readonly unknown[];
  if (typeof command !== 'string') throw protocolError('A request says nothing of what is to be done.', {});
  if (!Number.isSafeInteger(timeoutMs)) throw protocolError('A request says no time.', {});
  if (!isCommand(command)) throw refused('command', `this node knows no ${quote(command, 32)}`);
  const time = timeoutMs as number;
  if (time < 1 || time > ADMIN_TIMEOUT_MS_MAX) throw refused('timeoutMs', `it is not 1 to ${ADMIN_TIMEOUT_MS_MAX}`);
  checkArgument(command, argument);
  return { command, argument, timeoutMs: time } as AdminRequest;
}

function checkArgument(command: AdminCommand, argument: unknown): void {
  switch (ARGUMENTS[command]) {
    case 'none':
      if (argument !== null) throw refused('argument', `${command} takes none`);
      return;
    case 'address or none':
      if (argument !== null) checkAddress(command, argument);
      return;
    case 'address':
      checkAddress(command, argument);
      return;
    case 'version':
      if (!Number.isSafeInteger(argument)) throw refused('argument', `${command} needs a whole number`);
  }
}

function checkAddress(command: AdminCommand, argument: unknown): void {
  if (typeof argument !== 'string') throw refused('argument', `${command} needs an address`);
  parseAddress(argument, 'address');
}

function isCommand(command: string): command is AdminCommand {
  return Object.hasOwn(ARGUMENTS, command);
}

function refused(option: string, why: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option}: ${why}.`, { data: { option } });
}
