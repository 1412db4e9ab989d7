/** Runs the command in this process, and keeps what it says. */

import { runCommand } from '../../../src/cli/command.js';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RecordedOptions {
  readonly signal?: AbortSignal;
  readonly isTerminal?: boolean;
  /** Called with each piece of output. */
  readonly onOut?: (text: string) => void;
}

export async function run(args: readonly string[], options: RecordedOptions = {}): Promise<Outcome> {
  const said = { out: '', err: '' };
  const code = await runCommand(args, {
    out: (text) => {
      said.out += text;
      options.onOut?.(text);
    },
    err: (text) => void (said.err += text),
    isTerminal: options.isTerminal ?? false,
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, ...said };
}
