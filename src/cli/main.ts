#!/usr/bin/env node
/** The file that is run as `conclave`. */

import { runCommand } from './command.js';

process.exitCode = await runCommand(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stdout.isTTY,
  // What goes on for ever is ended as any program is: by a signal.
  signal: new AbortController().signal,
});
