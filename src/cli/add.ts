/** `conclave add`: makes a node a member. */

import type { Command } from 'commander';
import { ask } from './ask.js';
import type { CommandIo } from './io.js';
import { address, nodeCommand, type NodeOptions } from './node-command.js';
import { report } from './report.js';

export function addCommand(io: CommandIo): Command {
  return nodeCommand('add', 'add a node that was started with join: true, and wait until it has a vote', 30)
    .argument('<address>', 'HOST:PORT of the new member', address)
    .action(async (node: string, added: string, options: NodeOptions) => {
      await ask(node, { command: 'add', argument: added }, options);
      report(io, options, { added }, `${added} is a member.`);
    });
}
