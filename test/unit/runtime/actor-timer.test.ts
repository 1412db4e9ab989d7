import { describe, expect, it } from 'vitest';
import { ActorTimer, type TimerOwner } from '../../../src/runtime/actor-timer.js';
import { SKIPPED, type Delivery } from '../../../src/runtime/delivery.js';
import { SimulationScheduler } from '../../../src/runtime/simulation-scheduler.js';

describe('ActorTimer', () => {
  it('is not delivered once it is cancelled, even if its message waits in the mailbox already', async () => {
    const { simulation, owner, mailbox } = timerOwner();
    const timer = new ActorTimer(owner, 'due', 10, undefined);
    await simulation.runFor(10);
    expect(mailbox).toHaveLength(1);

    timer.cancel();

    expect(mailbox[0]!.open('due')).toBe(SKIPPED);
  });

  it('skips a tick that finds the previous one undelivered', async () => {
    const { simulation, owner, mailbox } = timerOwner();
    const timer = new ActorTimer(owner, 'tick', 10, 10);

    await simulation.runFor(35);
    expect(mailbox).toHaveLength(1);
    expect(mailbox[0]!.open('tick')).toBe('tick');
    await simulation.runFor(10);
    timer.cancel();

    expect(mailbox).toHaveLength(2);
  });

  it('counts periods from its beginning, and leaves out those that have passed', () => {
    const time = { nowMs: 0 };
    const delaysMs: number[] = [];
    let fire = (): void => {};
    const owner: TimerOwner = {
      clock: { nowMs: () => time.nowMs, wallMs: () => time.nowMs },
      scheduler: {
        ...unused,
        after: (delayMs, run) => {
          delaysMs.push(delayMs);
          fire = run;
          return { cancel: () => {} };
        },
      },
      deliver: () => {},
      forget: () => {},
    };
    new ActorTimer(owner, 'tick', 10, 10);

    for (const nowMs of [12, 20, 47]) {
      time.nowMs = nowMs;
      fire();
    }

    expect(delaysMs).toEqual([10, 8, 10, 3]);
  });
});

const unused = {
  schedule: () => expect.unreachable(),
  scheduleLast: () => expect.unreachable(),
  onEvent: () => expect.unreachable(),
};

function timerOwner(): { simulation: SimulationScheduler; owner: TimerOwner; mailbox: Delivery[] } {
  const simulation = new SimulationScheduler(1);
  const mailbox: Delivery[] = [];
  const owner: TimerOwner = {
    clock: simulation,
    scheduler: simulation,
    deliver: (_content, delivery) => mailbox.push(delivery),
    forget: () => {},
  };
  return { simulation, owner, mailbox };
}
