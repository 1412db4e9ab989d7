/** `conclave status`: how a node fares, once or again and again. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { ConclaveError } from '../errors.js';
import { ask } from './ask.js';
import type { CommandIo } from './io.js';
import { milliseconds, nodeCommand, type NodeOptions } from './node-command.js';
import { asJson, printable } from './printing.js';
import { statusText } from './status-text.js';

interface StatusOptions extends NodeOptions {
  /** In milliseconds; true: as often as is usual. */
  readonly watch?: number | true;
}

const WATCH_MS = 2_000;
const WATCH_MS_MAX = 3_600_000;
/** Puts the cursor into the upper left corner of an empty screen. */
const CLEAR = '\u001B[H\u001B[2J';

export function statusCommand(io: CommandIo): Command {
  return nodeCommand('status', 'say how a node fares, and whom it knows', 5)
    .option('--watch [seconds]', 'say it again and again, every 2 seconds or as often as you say', (value: string) =>
      milliseconds(value, WATCH_MS_MAX),
    )
    .action(async (node: string, options: StatusOptions) => {
      const { watch } = options;
      if (watch === undefined) io.out(`${await describe(node, options)}\n`);
      else await watchStatus(node, options, watch === true ? WATCH_MS : watch, io);
    });
}

async function describe(node: string, options: NodeOptions): Promise<string> {
  const status = (await ask(node, { command: 'status', argument: null }, options)) as Readonly<Record<string, unknown>>;
  return options.json === true ? asJson(status) : statusText(status);
}

/** Goes on when the node does not answer: it may be on its way back, which is worth watching. */
async function watchStatus(node: string, options: NodeOptions, everyMs: number, io: CommandIo): Promise<void> {
  while (!io.signal.aborted) {
    const text = await describe(node, options).catch((error: unknown) => {
      if (!(error instanceof ConclaveError)) throw error;
      return options.json === true
        ? asJson({ error: { code: error.code, message: error.message } })
        : printable(error.message);
    });
    if (options.json === true) io.out(`${text}\n`);
    else io.out(io.isTerminal ? `${CLEAR}${text}\n` : `${text}\n\n`);
    await delay(everyMs, undefined, { signal: io.signal }).catch(() => {});
  }
}
