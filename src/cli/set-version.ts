/** `conclave set-version`: brings a version of the objects' code into force. */

import { InvalidArgumentError, type Command } from 'commander';
import { ask } from './ask.js';
import type { CommandIo } from './io.js';
import { nodeCommand, type NodeOptions } from './node-command.js';
import { report } from './report.js';

export function setVersionCommand(io: CommandIo): Command {
  return nodeCommand('set-version', 'bring a code version into force, for which all must have the code', 30)
    .argument('<n>', 'the code version, a whole number', codeVersion)
    .action(async (node: string, version: number, options: NodeOptions) => {
      await ask(node, { command: 'setVersion', argument: version }, options);
      report(io, options, { codeVersion: version }, `Code version ${version} is in force.`);
    });
}

function codeVersion(value: string): number {
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It is no whole number, as in 1.');
}
