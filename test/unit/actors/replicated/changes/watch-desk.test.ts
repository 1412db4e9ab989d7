/** What the caller's thread knows of watched objects, and for how long. */

import { expect, it } from 'vitest';
import type { ChangeBatch } from '../../../../../src/actors/replicated/changes/change-batch.js';
import type { ChangePlace } from '../../../../../src/actors/replicated/changes/change-place.js';
import { WatchDesk } from '../../../../../src/actors/replicated/changes/watch-desk.js';
import { SHAPELESS } from '../../../../../src/actors/replicated/changes/change-shapes.js';
import type { Watch } from '../../../../../src/actors/replicated/changes/watch.js';
import type { MachineMessage } from '../../../../../src/actors/replicated/machine-messages.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';
import { ConclaveError } from '../../../../../src/errors.js';
import { logIndex } from '../../../../../src/ids.js';
import type { ActorRef } from '../../../../../src/runtime/actor.js';

const NOTHING = { places: new Float64Array(), shapes: [], changes: new Uint8Array([0x90]) };
const place = (index: number): ChangePlace => ({ index, command: 0, change: 0 });

class Rig {
  readonly toMachine: MachineMessage[] = [];
  readonly desk: WatchDesk;
  hasRoom = true;
  /** How often the desk has asked to be called later. */
  untold = 0;

  constructor() {
    const machine = {
      tell: (message: MachineMessage) => {
        if (!this.hasRoom) throw new ConclaveError('ERR_MAILBOX_FULL', 'There is no room.');
        this.toMachine.push(message);
      },
    };
    this.desk = new WatchDesk({
      codec: new ValueCodec(),
      commandBytesMax: 1_000,
      seenIndex: () => logIndex(0),
      machine: machine as unknown as ActorRef<MachineMessage>,
      onUntold: () => void this.untold++,
    });
  }

  /** A watch that has begun here. */
  begun(at: number): Watch {
    const watch = this.asked();
    this.begin(this.lastAsked(), at);
    return watch;
  }

  /** A watch that the objects have been asked for. */
  asked(): Watch {
    return this.desk.watch({ object: 'prices', key: undefined, from: null, read: null, signal: null });
  }

  lastAsked(): number {
    return (this.toMachine.at(-1) as Extract<MachineMessage, { type: 'watchChanges' }>).watchId;
  }

  begin(watchId: number, at: number): void {
    this.desk.onBegun({ type: 'watchBegun', machine: 0, watchId, at: place(at), missed: NOTHING, state: null });
  }

  tell(appliedIndex: number, batch: ChangeBatch = NOTHING): void {
    const changes = [{ object: 'prices', batch }];
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

it('does not take the word of objects that have ended for that of those in their place', async () => {
  const rig = new Rig();
  const watch = rig.asked();
  const asked = rig.lastAsked();

  // The end of a thread may be heard of before the last that it has said.
  rig.desk.onMachineLost(() => new ConclaveError('ERR_CHANGES_LOST', 'The thread of the objects has ended.'));
  rig.begin(asked, 5);
  const hadBegun = watch.hasBegun;
  rig.desk.askAgain();
  rig.begin(rig.lastAsked(), 7);

  expect(hadBegun).toBe(false);
  expect(await watch.begun()).toEqual(place(7));
});

it('tells the objects once more what they had no room to hear', async () => {
  const rig = new Rig();
  const [first] = [rig.begun(5), rig.begun(5)];
  const id = rig.lastAsked() - 1;
  const changes = new ValueCodec().encodeInto([SHAPELESS, ['x'.repeat(2_000_000)]], 'changes').slice();
  const large = { places: Float64Array.of(100, 0, 0), shapes: [], changes };
  rig.toMachine.length = 0;

  rig.hasRoom = false;
  rig.tell(100, large);
  await first.return();
  const askedFor = rig.untold;
  rig.desk.tellAgain();
  const askedForAgain = rig.untold - askedFor;
  rig.hasRoom = true;
  rig.desk.tellAgain();
  rig.desk.tellAgain();

  expect([askedFor, askedForAgain]).toEqual([2, 2]);
  expect(rig.toMachine).toEqual([
    { type: 'unwatchChanges', watchId: id },
    { type: 'changesTaken', bytes: expect.any(Number) as number },
  ]);
});
