/** Whose sessions are ended because their process is gone, and on what evidence. */

import { expect, test } from 'vitest';
import { DeathWatch } from '../../../../src/actors/coordination/death-watch.js';
import { ManualTime } from '../../sync/support/manual-time.js';

class Scene {
  readonly time = new ManualTime();
  readonly closed: number[] = [];
  sessions: Record<string, number[]> = { a: [1, 2], b: [3] };
  readonly refusing = new Set<string>();
  readonly asked: string[] = [];
  /** Called while a machine is asked. */
  onAsked: () => void = () => {};
  outage: Error | null = null;
  readonly watch = new DeathWatch({
    timekeeper: this.time,
    sessionsOf: async (node) => {
      if (this.outage !== null) throw this.outage;
      return [...(this.sessions[node] ?? [])];
    },
    isRefusing: async (node) => {
      this.asked.push(node);
      this.onAsked();
      return this.refusing.has(node);
    },
    close: async (session) => {
      this.closed.push(session);
      for (const [node, sessions] of Object.entries(this.sessions)) {
        this.sessions[node] = sessions.filter((each) => each !== session);
      }
    },
  });
}

test('the sessions of a node that is not reached, and whose machine refuses, are ended at once', async () => {
  const scene = new Scene();
  scene.refusing.add('a');

  scene.watch.watch(['a']);
  await scene.time.pass(0);

  expect(scene.closed).toEqual([1, 2]);
});

test('a node that is not reached keeps its sessions while nobody says that it is gone', async () => {
  const scene = new Scene();

  scene.watch.watch(['a']);
  await scene.time.pass(60_000);

  expect(scene.closed).toEqual([]);
  expect(scene.asked.length).toBeGreaterThan(1);
});

test('a node that is reached is not asked about', async () => {
  const scene = new Scene();
  scene.refusing.add('a').add('b');

  scene.watch.watch([]);
  await scene.time.pass(60_000);

  expect([scene.asked, scene.closed]).toEqual([[], []]);
});

test('it asks again soon: a process may close its connections before it stops to listen', async () => {
  const scene = new Scene();
  scene.watch.watch(['a']);
  await scene.time.pass(5);
  scene.refusing.add('a');

  await scene.time.pass(30);

  expect(scene.closed).toEqual([1, 2]);
});

test('what is opened while the machine is asked is kept: another process may listen by then', async () => {
  const scene = new Scene();
  scene.refusing.add('a');
  scene.onAsked = () => scene.sessions['a']?.push(9);

  scene.watch.watch(['a']);
  await scene.time.pass(0);

  expect(scene.closed).toEqual([1, 2]);
});

test('it asks no more about a node that is reached again, or once it does not lead', async () => {
  const scene = new Scene();
  scene.watch.watch(['a', 'b']);
  await scene.time.pass(0);
  scene.watch.watch(['b']);
  scene.watch.watch([]);
  scene.refusing.add('a').add('b');

  await scene.time.pass(60_000);

  expect(scene.closed).toEqual([]);
});

test('a machine is not asked about a node that has no sessions', async () => {
  const scene = new Scene();
  scene.refusing.add('c');

  scene.watch.watch(['c']);
  await scene.time.pass(1_000);

  expect(scene.asked).toEqual([]);
});

test('one that could not look for a while goes on, and one that has ended does not', async () => {
  const scene = new Scene();
  scene.refusing.add('a').add('b');
  scene.outage = new Error('no quorum');
  scene.watch.watch(['a']);
  await scene.time.pass(100);
  scene.outage = null;
  await scene.time.pass(1_000);
  expect(scene.closed).toEqual([1, 2]);

  scene.watch.end();
  scene.watch.watch(['b']);
  await scene.time.pass(1_000);

  expect(scene.closed).toEqual([1, 2]);
});
