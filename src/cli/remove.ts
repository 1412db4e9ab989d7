/** `conclave remove`: takes a member out, whether it is up or not. */

import type { Command } from 'commander';
import { ask } from './ask.js';
import type { CommandIo } from './io.js';
import { address, nodeCommand, type NodeOptions } from './node-command.js';
import { report } from './report.js';

export function removeCommand(io: CommandIo): Command {
  return nodeCommand('remove', 'remove a member, which then stops; it may be down already', 30)
    .argument('<address>', 'HOST:PORT of the member', address)
    .action(async (node: string, removed: string, options: NodeOptions) => {
      await ask(node, { command: 'remove', argument: removed }, options);
      report(io, options, { removed }, `${removed} is a member no more.`);
    });
}
