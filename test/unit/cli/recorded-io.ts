/** Runs the command in this process, and keeps what it says. */

import { runCommand } from '../../../src/cli/command.js';
import type { EndingSignal } from '../../../src/cli/io.js';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RecordedOptions {
  readonly signal?: AbortSignal;
  readonly isTerminal?: boolean;
  readonly isAtTerminal?: boolean;
  /** Called with each piece of output. */
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
  /** Called with what is told of signals. */
  readonly onSignals?: (send: (signal: EndingSignal) => void) => void;
}

export async function run(args: readonly string[], options: RecordedOptions = {}): Promise<Outcome> {
  const said = { out: '', err: '' };
  const code = await runCommand(args, {
    out: (text) => {
      said.out += text;
      options.onOut?.(text);
    },
    err: (text) => {
      said.err += text;
      options.onErr?.(text);
    },
    onSignal: (listener) => {
      options.onSignals?.(listener);
      return () => {};
    },
    isTerminal: options.isTerminal ?? false,
    isAtTerminal: options.isAtTerminal ?? options.isTerminal ?? false,
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, ...said };
}
