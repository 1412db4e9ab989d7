/**
 * Starts the Caller of a node, on the thread that starts the node: the one actor whose object is needed, not its
 * address.
 */

import { Caller } from '../actors/replicated/caller.js';
import type { CallerMessage } from '../actors/replicated/caller-messages.js';
import type { ValueCodec } from '../actors/replicated/value-codec.js';
import type { NodeFate } from './node-fate.js';
import type { CheckedOptions } from './options.js';
import type { Placement } from './placement.js';

/**
 * Starts the Caller; its methods are called directly. Rejects when the node fails before the Caller has had its first
 * turn.
 */
export function spawnCaller(
  { main, addresses }: Placement,
  fate: NodeFate,
  options: CheckedOptions,
  codec: ValueCodec,
): Promise<Caller> {
  const { callTimeoutMs, waitForLeader, limits, placement } = options;
  const { raft, machines } = addresses;
  return new Promise((resolve, reject) => {
    fate.once('failure', reject);
    main.spawn<CallerMessage, void>({
      name: addresses.caller.name,
      data: undefined,
      factory: (context) => {
        const caller = new Caller(context, {
          codec,
          raft,
          machines,
          places: placement.places,
          defaultTimeoutMs: callTimeoutMs,
          waitForLeader,
          commandBytesMax: limits.commandBytes,
          pendingCommandsMax: limits.pendingCommands,
          pendingBytesMax: limits.pendingBytes,
        });
        fate.off('failure', reject);
        resolve(caller);
        return caller;
      },
    });
  });
}
