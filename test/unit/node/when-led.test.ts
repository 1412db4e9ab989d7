import { EventEmitter } from 'eventemitter3';
import { expect, test } from 'vitest';
import type { Caller } from '../../../src/actors/replicated/caller.js';
import type { NodeStatus } from '../../../src/actors/replicated/caller-messages.js';
import { NodeFate } from '../../../src/node/node-fate.js';
import { whenLed } from '../../../src/node/when-led.js';
import { followerStatus } from './support/follower-status.js';

const LED = followerStatus();
const LONELY: NodeStatus = { ...LED, leader: null, hasQuorum: false };

/** A caller that tells what it hears from consensus. */
class Told {
  readonly events: Caller['events'] = new EventEmitter();
  status: NodeStatus | null;

  constructor(status: NodeStatus | null) {
    this.status = status;
  }

  hears(status: NodeStatus): void {
    this.status = status;
    this.events.emit('status', status);
  }
}

test('is run when there is a leader, before the caller goes on, and once only', () => {
  const caller = new Told(null);
  let runs = 0;

  whenLed(caller, () => runs++, new NodeFate());
  caller.hears(LONELY);
  const before = runs;
  caller.hears(LED);
  const atOnce = runs;
  caller.hears(LONELY);
  caller.hears(LED);

  expect([before, atOnce, runs]).toEqual([0, 1, 1]);
});

test('is run at once where there is a leader already', () => {
  let runs = 0;

  whenLed(new Told(LED), () => runs++, new NodeFate());

  expect(runs).toBe(1);
});

test('that fails ends the node, and the caller goes on to hear of it', () => {
  const fate = new NodeFate();
  const caller = new Told(null);
  const diskFull = new Error('no space left on device');

  whenLed(
    caller,
    () => {
      throw diskFull;
    },
    fate,
  );
  caller.hears(LED);

  expect(fate.failure).toBe(diskFull);
});
