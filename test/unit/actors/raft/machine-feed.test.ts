/** How much is on its way to the objects at a time. */

import { expect, test } from 'vitest';
import { MachineFeed } from '../../../../src/actors/raft/machine-feed.js';
import { RaftLog } from '../../../../src/actors/raft/raft-log.js';
import type { MachineMessage } from '../../../../src/actors/replicated/machine-messages.js';
import { logIndex, term } from '../../../../src/ids.js';
import type { ActorRef } from '../../../../src/runtime/actor.js';
import { blockOf } from './roles/fixture.js';

test('one piece is no larger than what may be on its way in all', () => {
  const sizes: number[] = [];
  const machine = {
    tell: (message: MachineMessage) => {
      if (message.type === 'applyEntries') sizes.push(message.entries.byteLength);
    },
  } as unknown as ActorRef<MachineMessage>;
  const log = new RaftLog();
  for (let index = 1; index <= 9; index++) log.append(blockOf(index), term(1), index);
  const entryBytes = log.slice(logIndex(1), logIndex(1), Infinity).bytes.length;
  const feed = new MachineFeed(machine, 2 * entryBytes);
  feed.start(1, null);

  feed.feed(log, logIndex(9), Infinity);

  expect(sizes).toEqual([2 * entryBytes]);
});
