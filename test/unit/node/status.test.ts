import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { inspect } from 'node:util';
import { readFileSync } from 'node:fs';
import { Runtime } from '../../../src/node/runtime.js';
import { LocalCluster } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import type { PlacementEvents } from '../../../src/node/placement.js';
import { Ledger } from './fixtures/ledger.js';
import { optionsOfOne } from './support/options-of-one.js';

type Node = Runtime<{ readonly book: typeof Ledger }>;

describe('what a node says of itself', () => {
  let cluster: LocalCluster<{ readonly book: typeof Ledger }>;
  let leader: Node;
  let follower: Node;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ cluster: 'well-known', objects: { book: Ledger } });
    await cluster.ready();
    leader = await cluster.leader();
    follower = cluster.nodes.find((node) => node !== leader)!;
    await leader.objects.book.add(1);
    await cluster.converged();
  });

  afterAll(() => cluster.stop());

  it('has the version of the package, the cluster, and for how long it has been running', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };

    const { conclaveVersion, cluster: name, uptimeMs, failure } = leader.status();

    expect({ conclaveVersion, name, failure }).toEqual({ conclaveVersion: version, name: 'well-known', failure: null });
    expect(uptimeMs).toBeGreaterThan(0);
  });

  it('has how far each log is, on the leader only', async () => {
    const ofFollower = follower.status();

    await vi.waitFor(() => {
      const { members, lastIndex, hasQuorum, observers } = leader.status();
      expect(members.map(({ matchIndex }) => matchIndex)).toEqual([lastIndex, lastIndex, lastIndex]);
      expect(members.filter(({ nextIndex }) => nextIndex === lastIndex + 1)).toHaveLength(2);
      expect({ hasQuorum, observers }).toEqual({ hasQuorum: true, observers: [] });
    });
    expect(ofFollower.members.map(({ matchIndex, nextIndex }) => matchIndex ?? nextIndex)).toEqual([null, null, null]);
  });

  it('has what the leader has committed, on a follower as well', async () => {
    await vi.waitFor(() => expect(follower.status().leaderCommitIndex).toBe(leader.status().commitIndex));
  });

  it('can be sent as it is', () => {
    expect(JSON.parse(JSON.stringify(leader.status()))).toEqual({ ...leader.status(), uptimeMs: expect.any(Number) });
  });

  it.each(['on', 'once', 'off'] as const)(
    '%s refuses an event that never comes, and names those that do',
    async (method) => {
      const error = await errorOf(() => follower[method]('leadr' as 'leader', () => {}));

      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option: 'event', value: '"leadr"' } });
      expect(error.message).toContain('ready, role, leader');
    },
  );

  it('refuses a listener that is none', async () => {
    expect(await errorOf(() => follower.on('leader', undefined as never))).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      data: { option: 'listener' },
    });
  });

  it('refuses the name of an object that there is not, and names those that there are', async () => {
    const objects = follower.objects as unknown as Readonly<Record<string, unknown>>;

    const error = await errorOf(() => objects['bok']);

    expect(error).toMatchObject({ code: 'ERR_UNKNOWN_OBJECT', data: { object: 'bok', objects: ['book'] } });
    expect(error.message).toContain('there are book');
  });

  it('lets its objects be awaited, printed, listed and asked for', async () => {
    const { objects } = follower;

    expect(await Promise.resolve(objects)).toBe(objects);
    expect(inspect(objects)).toContain('handle to book');
    expect(JSON.stringify(objects)).toContain('book');
    expect({ names: Object.keys(objects), hasOther: 'bok' in objects }).toEqual({ names: ['book'], hasOther: false });
    expect({ ...objects }.book).toBe(objects.book);
  });
});

describe('what a node says that has ended', () => {
  const NOTHING = { role: 'follower', leader: null, hasQuorum: false, observers: [] };

  it('is not that it leads, or is connected to anybody, once it has failed', async () => {
    const options = await optionsOfOne();
    let placed: PlacementEvents | undefined;
    const node = await Runtime.startOn(options, (events) => {
      placed = events;
      return new InlinePlacement(options, events);
    });
    await node.ready();
    const told: unknown[] = [];
    node.on('role', (role) => told.push(role));
    node.on('leader', (leader) => told.push(leader));
    node.on('error', (error) => told.push(error.message));

    placed!.onFailure(new Error('gone'));

    expect(node.status()).toMatchObject({ health: 'failed', ...NOTHING, members: [{ matchIndex: null }] });
    expect(told).toEqual(['follower', null, 'gone']);
    await node.stop();
  });

  it('is not that it leads, or is connected to anybody, once it was stopped', async () => {
    const cluster = await LocalCluster.start({ objects: { book: Ledger } });
    await cluster.ready();
    const leader = await cluster.leader();

    await cluster.stop();

    expect(leader.status()).toMatchObject({ health: 'stopped', ...NOTHING });
    expect(cluster.nodes.map((node) => node.status().members.filter(({ connected }) => connected).length)).toEqual([
      1, 1, 1,
    ]);
  });
});
