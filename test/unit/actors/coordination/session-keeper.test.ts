/** Which sessions a keeper ends, and when: by its own clock, and while it leads. */

import { expect, test } from 'vitest';
import type { SessionSighting } from '../../../../src/actors/coordination/coordination.js';
import { SessionKeeper } from '../../../../src/actors/coordination/session-keeper.js';
import { ManualTime } from '../../sync/support/manual-time.js';

const TTL_MS = 1_000;

class Scene {
  readonly time = new ManualTime();
  readonly expired: [session: number, renewals: number][] = [];
  sessions: SessionSighting[] = [[1, 0, TTL_MS]];
  looks = 0;
  /** What looking rejects with. */
  outage: Error | null = null;
  readonly keeper = new SessionKeeper({
    timekeeper: this.time,
    sightings: async () => {
      this.looks++;
      if (this.outage !== null) throw this.outage;
      return [...this.sessions];
    },
    expire: async (session, renewals) => this.expired.push([session, renewals]),
  });
}

test('a session that has not changed for its TTL is ended, as it was seen', async () => {
  const scene = new Scene();
  scene.sessions = [[7, 3, TTL_MS]];
  scene.keeper.leads(1);

  await scene.time.pass(TTL_MS - 1);
  expect(scene.expired).toEqual([]);

  await scene.time.pass(2);
  expect(scene.expired).toEqual([[7, 3]]);
});

test('a session that is renewed meanwhile has its whole TTL again', async () => {
  const scene = new Scene();
  scene.keeper.leads(1);
  await scene.time.pass(900);
  scene.sessions = [[1, 1, TTL_MS]];

  await scene.time.pass(1_000);
  expect(scene.expired).toEqual([]);

  await scene.time.pass(200);
  expect(scene.expired[0]).toEqual([1, 1]);
});

test('nothing is ended by one who does not lead, or no longer does', async () => {
  const scene = new Scene();
  await scene.time.pass(5 * TTL_MS);
  scene.keeper.leads(1);
  await scene.time.pass(900);
  scene.keeper.leads(null);

  await scene.time.pass(5 * TTL_MS);

  expect(scene.expired).toEqual([]);
});

test('who becomes the leader, or does so again, counts anew', async () => {
  const scene = new Scene();
  scene.keeper.leads(1);
  await scene.time.pass(900);
  scene.keeper.leads(3);

  await scene.time.pass(900);
  expect(scene.expired).toEqual([]);

  await scene.time.pass(200);
  expect(scene.expired[0]).toEqual([1, 0]);
});

test('who leads in the same term again while a look is under way looks no more often than before', async () => {
  const scene = new Scene();
  scene.keeper.leads(1);
  scene.keeper.leads(null);
  scene.keeper.leads(1);
  await scene.time.pass(1);
  scene.looks = 0;

  await scene.time.pass(TTL_MS);

  expect(scene.looks).toBe(10);
});

test('a keeper that could not look for a while goes on', async () => {
  const scene = new Scene();
  scene.keeper.leads(1);
  await scene.time.pass(300);
  scene.outage = new Error('no quorum');
  await scene.time.pass(400);
  scene.outage = null;

  await scene.time.pass(900);

  expect(scene.expired.length).toBeGreaterThan(0);
});

test('a keeper that has ended does not look again, though its node is heard to lead', async () => {
  const scene = new Scene();
  scene.keeper.leads(1);
  scene.keeper.end();

  scene.keeper.leads(1);

  await scene.time.pass(5 * TTL_MS);
  expect(scene.expired).toEqual([]);
});
