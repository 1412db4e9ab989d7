/** What the caller's thread knows of watched objects, and for how long. */

import { expect, it } from 'vitest';
import type { ChangePlace } from '../../../../../src/actors/replicated/changes/change-place.js';
import { WatchDesk } from '../../../../../src/actors/replicated/changes/watch-desk.js';
import type { Watch } from '../../../../../src/actors/replicated/changes/watch.js';
import type { MachineMessage } from '../../../../../src/actors/replicated/machine-messages.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';
import { logIndex } from '../../../../../src/ids.js';
import type { ActorRef } from '../../../../../src/runtime/actor.js';

const NOTHING = { places: new Float64Array(), shapes: [], changes: new Uint8Array([0x90]) };
const place = (index: number): ChangePlace => ({ index, command: 0, change: 0 });

class Rig {
  readonly toMachine: MachineMessage[] = [];
  readonly desk: WatchDesk;

  constructor() {
    const machine = { tell: (message: MachineMessage) => void this.toMachine.push(message) };
    this.desk = new WatchDesk({
      codec: new ValueCodec(),
      commandBytesMax: 1_000,
      seenIndex: () => logIndex(0),
      machine: machine as unknown as ActorRef<MachineMessage>,
    });
  }

  /** A watch that has begun here. */
  begun(at: number): Watch {
    const watch = this.desk.watch({ object: 'prices', key: undefined, from: null, read: null, signal: null });
    const { watchId } = this.toMachine.at(-1) as Extract<MachineMessage, { type: 'watchChanges' }>;
    this.desk.onBegun({ type: 'watchBegun', machine: 0, watchId, at: place(at), missed: NOTHING, state: null });
    return watch;
  }

  tell(appliedIndex: number): void {
    const changes = [{ object: 'prices', batch: NOTHING }];
    this.desk.onChanges({ type: 'watchedChanges', machine: 0, appliedIndex: logIndex(appliedIndex), changes });
  }
}

it('what was told of an object is known to all who watch it, and forgotten with the last one', async () => {
  const rig = new Rig();
  const [first, second] = [rig.begun(5), rig.begun(5)];

  rig.tell(100);
  const known = [first.at, second.at];
  await first.return();
  const third = rig.begun(6);
  const joined = third.at;
  await Promise.all([second.return(), third.return()]);

  expect(known).toEqual([place(101), place(101)]);
  expect(joined).toEqual(place(101));
  expect(rig.begun(7).at).toEqual(place(7));
});
