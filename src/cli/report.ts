/** Says that something was done: a sentence for people, a line of JSON for programs. */

import type { CommandIo } from './io.js';
import type { NodeOptions } from './node-command.js';
import { asJson, printable } from './printing.js';

export function report(io: CommandIo, { json }: NodeOptions, data: object, sentence: string): void {
  io.out(`${json === true ? asJson(data) : printable(sentence)}\n`);
}
