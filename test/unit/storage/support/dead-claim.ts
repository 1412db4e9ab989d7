/** What a claimant that was killed leaves in a directory: a socket that nobody listens to, and its mark if it held. */

import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LockSocket } from '../../../../src/storage/lock-socket.js';

/** The first and the last in the order of names, and one in between. */
export const RANDOM_PARTS = ['000000000000', '7f0000000000', 'ffffffffffff'] as const;

export interface DeadClaim {
  readonly random: string;
  readonly pid: number;
  readonly held: boolean;
}

export async function leaveDeadClaim(directory: string, { random, pid, held }: DeadClaim): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const bound = join(directory, 'bound');
  const name = join(directory, `${random}-${pid}`);
  const socket = await LockSocket.listen(bound);
  linkSync(bound, name);
  // Closing unlinks the name that it was bound to.
  await socket!.close();
  if (held) writeFileSync(`${name}.held`, '');
}
