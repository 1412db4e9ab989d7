#!/usr/bin/env node
/** The file that is run as `conclave`. */

import { isatty } from 'node:tty';
import { runCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { ENDING_SIGNALS } from './io.js';
import { printable } from './printing.js';

/**
 * What goes on for ever is ended as any program is, by a signal, or when nobody reads on, as where `head` has had
 * enough.
 */
const ending = new AbortController();
/** What was asked for may be done, and cannot be told: where the disk is full that output goes to, for instance. */
let isUntold = false;
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  ending.abort();
  if (code === 'EPIPE') return;
  isUntold = true;
  process.exitCode = ExitCode.unknown;
  process.stderr.write(`What there is to say cannot be written: ${printable(message)}\n`);
});
// Who gives locks back, or ends a command, goes on also where nobody reads any more what is said of it.
process.stderr.on('error', () => {});

const exitCode = await runCommand(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stdout.isTTY,
  isAtTerminal: [0, 1, 2].some((stream) => isatty(stream)),
  signal: ending.signal,
  onSignal: (listener) => {
    for (const signal of ENDING_SIGNALS) process.on(signal, listener);
    return () => {
      for (const signal of ENDING_SIGNALS) process.off(signal, listener);
    };
  },
});
process.exitCode = isUntold ? ExitCode.unknown : exitCode;
