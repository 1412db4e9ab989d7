/** What happens to sessions and names without their asking, as it is told to those who follow them. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { CoordinationChange } from '../../../src/actors/coordination/coordination.js';
import type { CoordinationCalls, FollowedState } from '../../../src/sync/coordination-access.js';
import { LocalCoordination } from '../../../src/sync/local-coordination.js';
import { ManualTime, settled } from './support/manual-time.js';

const TTL_MS = 1_000;
const noEnd = (): void => {};

describe('a coordination tells', () => {
  let time: ManualTime;
  let coordination: LocalCoordination;
  let calls: CoordinationCalls;
  let sessions: number[];

  beforeEach(async () => {
    time = new ManualTime();
    coordination = new LocalCoordination(time);
    calls = coordination.within();
    sessions = [];
    for (const owner of ['a', 'b', 'c']) sessions.push((await calls.openSession(owner, TTL_MS))!);
  });

  function follow(key: number | string): (FollowedState | CoordinationChange)[] {
    const told: (FollowedState | CoordinationChange)[] = [];
    coordination.follow(key, typeof key === 'number' ? 'standing' : 'look', (news) => told.push(news), noEnd);
    return told;
  }

  /** Claims all of `x` by the nth session. */
  function claim(who: number, value: unknown = null): Promise<unknown> {
    return calls.claim(sessions[who]!, { request: 1, name: 'x', of: 3, permits: 3, isWaiting: true, value });
  }

  it('one who waited that it was granted, and nobody whom it was granted at once', async () => {
    const [first, second] = [follow(sessions[0]!), follow(sessions[1]!)];
    await claim(0);
    await claim(1);

    await calls.giveUp(sessions[0]!, 1);
    await settled();

    expect(first.map(({ type }) => type)).toEqual(['state']);
    expect(second).toMatchObject([
      { type: 'state', value: { claims: [] } },
      { type: 'granted', key: sessions[1], request: 1, token: 2 },
    ]);
  });

  it('a session that it has ended, however it did', async () => {
    const told = sessions.map((session) => follow(session));

    await calls.closeSession(sessions[0]!);
    await time.pass(TTL_MS / 2);
    await calls.renew(sessions[1]!);
    await time.pass(TTL_MS);

    expect(told.map((news) => news.at(-1)!.type)).toEqual(['ended', 'state', 'ended']);
    await time.pass(TTL_MS);
    expect(told[1]!.at(-1)).toEqual({ type: 'ended', key: sessions[1] });
  });

  it('those who follow a name who holds it, from then on and at each change', async () => {
    const told = follow('x');
    await claim(0, 'first');
    await claim(1, 'second');
    await calls.proclaim(sessions[0]!, 1, 'changed');
    await calls.giveUp(sessions[0]!, 1);
    await calls.closeSession(sessions[1]!);
    await settled();

    expect(told[0]).toEqual({ type: 'state', value: null });
    expect(told.slice(1).map((news) => (news.type === 'held' ? (news.holder?.value ?? null) : news.type))).toEqual([
      'first',
      'changed',
      'second',
      null,
    ]);
  });

  it('nothing of claims that come and go without holding', async () => {
    await claim(0);
    const told = follow('x');
    await claim(1);
    await calls.giveUp(sessions[1]!, 1);
    await calls.closeSession(sessions[1]!);
    await settled();

    expect(told.map(({ type }) => type)).toEqual(['state']);
  });

  it('nothing of a command that throws', async () => {
    const told = follow('x');

    await expect(claim(0).then(() => claim(0))).rejects.toThrow(TypeError);
    await settled();

    expect(told.map(({ type }) => type)).toEqual(['state', 'held']);
  });

  it('how things are, and whatever changes afterwards, where more has changed at once than can be told', async () => {
    let deep: unknown = 'deep';
    // It can be said in a command, and not in what tells of it.
    for (let i = 0; i < 62; i++) deep = [deep];
    const [waiting, name, other] = [follow(sessions[1]!), follow('y'), follow('x')];
    await claim(0);
    await claim(1);
    await settled();

    await calls.proclaim(sessions[0]!, 1, deep);
    await settled();
    await calls.giveUp(sessions[0]!, 1);
    await settled();

    expect(waiting.slice(1)).toMatchObject([
      { type: 'state', value: { claims: [{ request: 1, token: 0 }] } },
      { type: 'granted', request: 1, token: 2 },
    ]);
    expect(name.map(({ type }) => type)).toEqual(['state', 'state']);
    expect(other.at(-1)!.type).toBe('held');
  });

  it('nobody who does not follow any more', async () => {
    const told: unknown[] = [];
    const stop = coordination.follow('x', 'look', (news) => told.push(news), noEnd);
    await settled();
    stop();
    await claim(0);
    await settled();

    expect(told).toHaveLength(1);
  });
});
