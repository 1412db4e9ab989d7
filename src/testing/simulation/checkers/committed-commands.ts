/**
 * The commands in a block, as checkers read them: by the names and arguments that the block holds, whatever objects
 * there are.
 */

import { CANCELLED_NAME } from '../../../actors/replicated/block.js';
import { BlockReader } from '../../../actors/replicated/block-reader.js';
import { ValueCodec } from '../../../actors/replicated/value-codec.js';

export interface CommittedCommand {
  /** As blocks name it: `object.method`. */
  readonly name: string;
  readonly args: readonly unknown[];
}

export class CommittedCommands {
  readonly #blocks = new BlockReader();
  readonly #codec = new ValueCodec();

  /** Those that their callers have not given up, in their order. */
  in(payload: Uint8Array): readonly CommittedCommand[] {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const header = this.#blocks.read(view, 0, payload.byteLength);
    if (header === null) return [];
    const values = this.#codec.decodeRange(payload, header.commandsOffset, payload.byteLength) as readonly unknown[];
    const commands: CommittedCommand[] = [];
    for (let i = 0; i < header.count; i++) {
      const name = values[2 * i] as number;
      if (name === CANCELLED_NAME) continue;
      commands.push({ name: header.names[name]!, args: values[2 * i + 1] as readonly unknown[] });
    }
    return commands;
  }
}
