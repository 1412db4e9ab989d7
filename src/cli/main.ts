#!/usr/bin/env node
/** The file that is run as `conclave`. */

import { isatty } from 'node:tty';
import { runCommand } from './command.js';
import { ENDING_SIGNALS } from './io.js';

/**
 * What goes on for ever is ended as any program is, by a signal, or when nobody reads on, as where `head` has had
 * enough.
 */
const ending = new AbortController();
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  ending.abort();
});
// Nor does a program end that gives locks back, or ends a command, because what it says is read by nobody any more.
process.stderr.on('error', () => {});

process.exitCode = await runCommand(process.argv.slice(2), {
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
