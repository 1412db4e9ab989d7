/** `conclave compact`: has one node take a snapshot now. */

import type { Command } from 'commander';
import { ask } from './ask.js';
import type { CommandIo } from './io.js';
import { nodeCommand, type NodeOptions } from './node-command.js';
import { report } from './report.js';

export function compactCommand(io: CommandIo): Command {
  return nodeCommand('compact', 'have this node take a snapshot now, and wait until it is durable', 600).action(
    async (node: string, options: NodeOptions) => {
      const { index } = (await ask(node, { command: 'compact', argument: null }, options)) as {
        readonly index: number;
      };
      report(io, options, { index }, `A snapshot of entry ${index} and all before it is durable.`);
    },
  );
}
