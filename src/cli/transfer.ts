/** `conclave transfer`: has another node lead. */

import type { Command } from 'commander';
import { ask } from './ask.js';
import type { CommandIo } from './io.js';
import { address, nodeCommand, type NodeOptions } from './node-command.js';
import { report } from './report.js';

export function transferCommand(io: CommandIo): Command {
  return nodeCommand('transfer', 'hand leadership over to another member', 30)
    .argument('[address]', 'HOST:PORT of the new leader (default: who has the most of the log)', address)
    .action(async (node: string, target: string | undefined, options: NodeOptions) => {
      await ask(node, { command: 'transfer', argument: target ?? null }, options);
      // Which one it is that leads where none was named, `status` says.
      const done = target === undefined ? {} : { leader: target };
      report(io, options, done, `${target ?? 'Another member'} leads.`);
    });
}
